"""Reads files of weights as they were published, and says which net they belong to."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ...errors import BadInputError, MissingModelError

_WRAPPERS = ("state_dict", "model_state_dict", "params_ema", "params", "model")
"""Under which trainers keep the tensors, beside optimisers and counters."""


def read_tensors(path: Path, *, shapes_only: bool = False) -> dict[str, Tensor]:
    """The tensors of a .safetensors or of a pickled file, without a wrapper and its prefixes.

    Pickles are read with `weights_only`: nothing in them runs. With `shapes_only` the tensors have
    no values ("meta"), which for most files costs no more than their table of contents.
    Raises MissingModelError when there is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise MissingModelError(f"{path} is not there.")
    try:
        if path.suffix.lower() in (".safetensors", ".sft"):
            found: Any = _safetensors(path, shapes_only)
        else:
            device = "meta" if shapes_only else "cpu"
            found = torch.load(path, map_location=device, weights_only=True)
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise MissingModelError(
            f"{path.name} is damaged, or no file of weights ({error}): fetch it again."
        ) from error
    except pickle.UnpicklingError as error:
        raise MissingModelError(
            f"{path.name} holds more than tensors, and that could run as code, so it is not read. "
            "Fetch the weights as .safetensors, or from their author."
        ) from error
    return _unwrapped(found, path)


def _safetensors(path: Path, shapes_only: bool) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        if shapes_only:
            return {
                name: torch.empty(file.get_slice(name).get_shape(), device="meta")
                for name in file.keys()  # noqa: SIM118  it is no mapping
            }
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _unwrapped(found: Any, path: Path) -> dict[str, Tensor]:
    for name in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    tensors = (
        {str(k): v for k, v in found.items() if isinstance(v, Tensor)}
        if isinstance(found, Mapping)
        else {}
    )
    if not tensors:
        raise MissingModelError(f"{path.name} holds no named tensors: it is no file of weights.")
    for prefix in ("module.", "_orig_mod."):  # from DataParallel and torch.compile
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def fill(net: nn.Module, tensors: Mapping[str, Tensor], what: str) -> nn.Module:
    """Put `tensors` into `net`, as float32; raises BadInputError unless they fit one to one."""
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        details = "; ".join(str(error).split("\n\t")[1:3])[:300]
        raise BadInputError(f"The file looks like {what}, but does not fit: {details}") from error
    return net.eval().requires_grad_(False)
