"""F5-TTS's transformer and the Vocos vocoder: read from a user's folder, and run step by step.

F5-TTS: Chen et al. 2024, code MIT; Vocos: Siuzdak 2023, code and weights MIT. The nets are those of
the packages `f5-tts` and `vocos`; flow matching is integrated here, to be cancelled at any time.
"""

from __future__ import annotations

import math
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from ...errors import MissingDependencyError, MissingModelError
from .guest import unnoticed

RATE, HOP, MELS = 24_000, 256, 100
STEPS = 32
_GUIDANCE = 2.0
_SWAY = -1.0
"""Early steps are short: where the sound is decided (the paper's sway sampling)."""
_HEAD_SIZE = 64
_VOCODER = {"backbone": "vocos.models.VocosBackbone", "head": "vocos.heads.ISTFTHead"}


@dataclass(frozen=True)
class _Library:
    """What of the two packages speaks."""

    dit: Any
    to_mel: Callable[[Tensor], Tensor]
    """[1, T] at RATE -> logarithmic [1, MELS, frames]."""
    to_tokens: Callable[[list[str]], list[list[str]]]
    vocoder_parts: dict[str, Any]


@cache
def library() -> _Library:
    """Import the parts; raises MissingDependencyError when a package of theirs is broken."""
    with unnoticed(), _inference_only():
        try:
            modules, utils = (import_module(f"f5_tts.model.{n}") for n in ("modules", "utils"))
            return _Library(
                import_module("f5_tts.model.backbones.dit").DiT,
                modules.get_vocos_mel_spectrogram,
                utils.convert_char_to_pinyin,
                {part: _imported(path) for part, path in _VOCODER.items()},
            )
        except (ImportError, OSError, AttributeError) as error:
            raise MissingDependencyError(
                f"F5-TTS cannot be imported ({error}): install f5-tts 1.1.22 and vocos 0.1.0 anew, "
                "and the torchaudio that belongs to ComfyUI's torch."
            ) from error


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@contextmanager
def _inference_only() -> Iterator[None]:
    """Let modules of F5-TTS and Vocos be imported without the rest of their packages.

    Their `__init__` would import a trainer (wandb, accelerate, datasets) and encodec; two large
    packages are wanted for one function each. So the packages stay unexecuted and those functions
    are put in their place, until everybody's sys.modules is again as it was.
    """
    names = ("f5_tts", "vocos", "librosa", "x_transformers")
    before = {n: m for n, m in sys.modules.items() if n.partition(".")[0] in names}
    for name in before:
        del sys.modules[name]
    try:
        for name in ("f5_tts.model", "vocos"):
            spec = find_spec(name)
            if spec is None:
                raise ImportError(f"no {name}")
            sys.modules[name] = module_from_spec(spec)
        sys.modules["librosa"] = ModuleType("librosa")
        sys.modules["librosa.filters"] = _stand_in(mel=None)  # for BigVGAN, another vocoder
        sys.modules["x_transformers"] = ModuleType("x_transformers")
        sys.modules["x_transformers.x_transformers"] = _stand_in(
            RotaryEmbedding=_RotaryEmbedding, apply_rotary_pos_emb=_rotated
        )
        yield
    finally:
        for name in [n for n in sys.modules if n.partition(".")[0] in names]:
            del sys.modules[name]
        sys.modules.update(before)


def _stand_in(**contents: Any) -> ModuleType:
    module = ModuleType("stand_in")
    vars(module).update(contents)
    return module


class _RotaryEmbedding(nn.Module):
    """Angles of the positions, for pairs of neighbouring channels (Su et al. 2021)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("inv_freq", 10_000 ** -(torch.arange(0, size, 2) / size))

    def forward_from_seq_len(self, length: int) -> tuple[Tensor, float]:
        """[1, length, size], and the scale that F5-TTS does not use."""
        inv_freq = self.get_buffer("inv_freq")
        angles = torch.outer(torch.arange(length, device=inv_freq.device), inv_freq)
        return angles.repeat_interleave(2, -1)[None], 1.0


def _rotated(x: Tensor, angles: Tensor, scale: float) -> Tensor:
    """Turn the pairs of channels of x [..., length, size] by `angles`."""
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack((-odd, even), -1).flatten(-2)
    return (x * angles.cos() + turned * angles.sin()) * scale


def read_vocabulary(path: Path) -> dict[str, int]:
    """Number of each token, one a line; raises MissingModelError."""
    try:
        lines = path.read_text("utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise MissingModelError(f"{path} cannot be read ({error}): fetch it again.") from error
    vocabulary = {token: number for number, token in enumerate(lines)}
    if vocabulary.get(" ") != 0:
        raise MissingModelError(f"{path} is no vocabulary of F5-TTS: fetch it again.")
    return vocabulary


def load_transformer(path: Path, tokens: int) -> nn.Module:
    """The DiT in a checkpoint of F5-TTS v1, whose size its tensors tell; raises MissingModelError.

    `tokens`: size of the vocabulary.
    """
    try:
        state = {
            name.removeprefix("ema_model.").removeprefix("transformer."): tensor
            for name, tensor in load_file(path).items()
            if "transformer." in name
        }
        size, depth = _sizes(state), _count(state, "transformer_blocks")
        with unnoticed():
            net = library().dit(
                **size, depth=depth, mel_dim=MELS, text_num_embeds=tokens, text_mask_padding=True
            )
        net.load_state_dict(state)
    except (OSError, SafetensorError, LookupError, RuntimeError, ValueError) as error:
        raise MissingModelError(
            f"{path} does not hold F5-TTS v1 for this vocab.txt ({error}): fetch both again."
        ) from error
    return net.eval().requires_grad_(False)


def _sizes(state: dict[str, Tensor]) -> dict[str, int]:
    block = "transformer_blocks.0."
    dim = state["proj_out.weight"].shape[1]
    return {
        "dim": dim,
        "heads": state[block + "attn.to_q.weight"].shape[0] // _HEAD_SIZE,
        "dim_head": _HEAD_SIZE,
        "ff_mult": state[block + "ff.ff.0.0.weight"].shape[0] // dim,
        "text_dim": state["text_embed.text_embed.weight"].shape[1],
        "conv_layers": _count(state, "text_embed.text_blocks"),
    }


def _count(state: dict[str, Tensor], name: str) -> int:
    """How many layers a list of them has."""
    return len({key.split(".")[name.count(".") + 1] for key in state if key.startswith(name + ".")})


def load_vocoder(folder: Path) -> nn.Module:
    """Vocos as mel [1, MELS, frames] -> samples [1, T]; raises MissingModelError."""
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
        state = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
        net = nn.Sequential()
        with unnoticed():
            for part, make in library().vocoder_parts.items():
                if config[part]["class_path"] != _VOCODER[part]:
                    raise ValueError(f"{part} is a {config[part]['class_path']}")
                net.add_module(part, make(**config[part]["init_args"]))
        net.load_state_dict({n: t for n, t in state.items() if n.startswith(tuple(_VOCODER))})
    except (
        *(OSError, EOFError, pickle.UnpicklingError, yaml.YAMLError, UnicodeDecodeError),
        *(RuntimeError, LookupError, TypeError, ValueError, AttributeError),
    ) as error:
        raise MissingModelError(
            f"{folder} does not hold the vocoder vocos-mel-24khz ({error}): fetch it again."
        ) from error
    return net.eval().requires_grad_(False)


def sample(
    net: nn.Module,
    mel: Tensor,
    tokens: Sequence[int],
    frames: int,
    generator: torch.Generator,
) -> Tensor:
    """Continue `mel` [prompt, MELS] to `frames` frames that say `tokens`; returns the new ones.

    Euler steps from noise to speech along the flow that the net predicts, away from what it would
    predict without text and prompt (classifier-free guidance).
    """
    device = next(net.parameters()).device
    x = torch.randn(1, frames, MELS, generator=generator).to(device)
    prompt = functional.pad(mel, (0, 0, 0, frames - len(mel)))[None].to(device)
    text = torch.tensor([tokens], device=device)
    even = torch.linspace(0, 1, STEPS + 1)
    times = even + _SWAY * (torch.cos(math.pi / 2 * even) - 1 + even)
    for now, following in pairwise(times.tolist()):
        time = torch.tensor(now, device=device)
        flow = net(x=x, cond=prompt, text=text, time=time, cfg_infer=True)
        guided, free = flow.chunk(2)
        x = x + (following - now) * (guided + (guided - free) * _GUIDANCE)
    return x[0, len(mel) :]
