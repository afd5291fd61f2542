"""A trained LoRA as others read it: names of its tensors, and the notes that travel with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ..errors import BadInputError
from ..files import not_written
from .checkpoint import write_safely

COMFY, KOHYA = NAMINGS = ("comfy", "kohya")
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
_NET = "diffusion_model."


class LoraWeights(dict):
    """What LORA_MODEL carries: tensors by name, as ComfyUI's nodes want them, with notes.

    The names are diffusion_model.<layer>.lora_A.weight, .lora_B.weight and .alpha.
    """

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        notes: Mapping[str, Any] | None = None,
        published: Mapping[str, str] | None = None,
    ):
        super().__init__(tensors)
        self.notes = dict(notes or {})
        """How it was made, as JSON."""
        self.published = dict(published or {})
        """What other programs call the layers that they call otherwise."""


def lora_weights(
    learned: Mapping[str, Tensor],
    alpha: float,
    notes: Mapping[str, Any],
    published: Mapping[str, str],
) -> LoraWeights:
    """LORA_MODEL of what Adapters.weights gives."""
    tensors = {f"{_NET}{name}": tensor for name, tensor in learned.items()}
    for name in learned:
        if name.endswith(".lora_A.weight"):
            tensors[f"{_NET}{name.removesuffix('.lora_A.weight')}.alpha"] = torch.tensor(alpha)
    return LoraWeights(tensors, notes, published)


def learned_weights(lora: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What Adapters.load takes, from a LORA_MODEL of ours; raises BadInputError for another's."""
    learned = {
        name.removeprefix(_NET): tensor
        for name, tensor in lora.items()
        if name.startswith(_NET) and name.endswith((".lora_A.weight", ".lora_B.weight"))
    }
    if not learned:
        raise BadInputError(
            "The LoRA to start from has no tensors called diffusion_model.….lora_A.weight: connect "
            "one that Train LoRA made."
        )
    return learned


def named(lora: Mapping[str, Tensor], naming: str, published: Mapping[str, str]) -> dict:
    """The tensors under the names of `naming`, one of NAMINGS.

    `published` maps names of layers to those that other programs know them by; layers that it does
    not have keep theirs.
    """
    if naming == COMFY:
        return dict(lora)
    ends = {
        ".lora_A.weight": ".lora_down.weight",
        ".lora_B.weight": ".lora_up.weight",
        ".alpha": ".alpha",
    }
    tensors = {}
    for name, tensor in lora.items():
        end = next((end for end in ends if name.endswith(end)), None)
        if end is None or not name.startswith(_NET):
            tensors[name] = tensor  # not made by us: core's trainer has deltas of norms
            continue
        layer = name[len(_NET) : -len(end)]
        layer = published.get(layer, layer)
        tensors[f"lora_unet_{layer.replace('.', '_')}{ends[end]}"] = tensor
    return tensors


def metadata(notes: Mapping[str, Any]) -> dict[str, str]:
    """The notes as other programs look for them, and whole under "myspinbot".

    ss_ are those of sd-scripts, modelspec those of the Stability AI model metadata standard.
    """
    others = {
        "ss_base_model_version": notes.get("family"),
        "ss_network_module": "networks.lora",
        "ss_network_dim": notes.get("rank"),
        "ss_network_alpha": notes.get("alpha"),
        "ss_steps": notes.get("steps"),
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.title": notes.get("trigger"),
        "modelspec.trigger_phrase": notes.get("trigger"),
        "modelspec.license": notes.get("licence"),
    }
    known = {name: str(value) for name, value in others.items() if value not in (None, "")}
    return {**known, "myspinbot": json.dumps(notes, ensure_ascii=False)}


def save_lora(
    path: Path, lora: Mapping[str, Tensor], *, naming: str, dtype: str, notes: Mapping[str, Any]
) -> None:
    """Write a file that LoRA loaders read; it is there whole or not at all.

    Raises BadInputError for weights that are not finite, StorageError.
    """
    kind, published = DTYPES[dtype], getattr(lora, "published", {})
    tensors = {
        name: tensor.detach().to("cpu", kind).contiguous()
        for name, tensor in named(lora, naming, published).items()
    }
    bad = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if bad:
        raise BadInputError(
            f"{bad[0]} is not finite as {dtype}, nor are {len(bad) - 1} others: the training "
            "broke. Train again with a lower learning rate, or save as fp32."
        )
    try:
        write_safely(path, save(tensors, metadata(notes)))
    except OSError as error:
        raise not_written(path, error) from error


def base_sha256(net: nn.Module) -> str:
    """Of names, shapes and a sample of the values of a net: enough to tell models apart.

    A digest of all would read gigabytes; every 16th of a prime number of values of each tensor is
    enough to see another fine-tune.
    """
    digest = hashlib.sha256()
    for name, tensor in net.state_dict().items():
        values = tensor.detach().flatten()
        some = values[:: max(1, len(values) // 61)][:61]
        digest.update(f"{name} {list(tensor.shape)} ".encode())
        digest.update(json.dumps(some.float().cpu().tolist()).encode())
    return digest.hexdigest()
