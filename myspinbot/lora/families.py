"""Kinds of diffusion models, and which of their layers a LoRA adapts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from torch import nn

from ..errors import BadInputError

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""What peft puts a LoRA beside."""


class Prediction(str, Enum):
    """What the net puts out, given a noised latent."""

    EPS = "eps"
    """The noise."""
    V = "v"
    """Velocity in the angle of noise and signal (Salimans & Ho, arXiv:2202.00512)."""
    FLOW = "flow"
    """Noise minus signal (rectified flow, Liu et al., arXiv:2209.03003)."""


@dataclass(frozen=True)
class Family:
    """A kind of model: how its layers are called and how it is trained."""

    name: str
    attention: str
    """Pattern of the names of attention layers."""
    feed_forward: str
    """The same of the layers between them."""
    blocks: tuple[str, ...]
    """Classes whose activations can be computed again instead of kept."""
    in_place: bool = False
    """Its blocks overwrite their input, which gradients may still need."""

    def targets(self, net: nn.Module, coverage: str) -> list[str]:
        """Names of the layers of `net` to adapt; raises BadInputError when there are none.

        `coverage` is one of COVERAGES.
        """
        found = [name for name, _ in layers(net) if self._wanted(name, coverage)]
        if not found:
            raise BadInputError(
                f"The {self.name} model has no layers for the targets {coverage!r}. Choose the "
                "targets 'all', or load the model with Load Diffusion Model or Load Checkpoint."
            )
        return found

    def _wanted(self, name: str, coverage: str) -> bool:
        if coverage == ALL:
            return True
        if re.search(self.attention, name):
            return True
        return coverage == FEED_FORWARD and bool(re.search(self.feed_forward, name))


ATTENTION, FEED_FORWARD, ALL = COVERAGES = ("attention", "attention + mlp", "all")

_UNET = Family(
    "sd15",
    attention=r"transformer_blocks\.\d+\.attn[12]\.to_(q|k|v|out\.0)$",
    feed_forward=r"transformer_blocks\.\d+\.ff\.net\.|\.proj_(in|out)$",
    blocks=("BasicTransformerBlock", "ResBlock"),
)
FAMILIES = {
    "sd15": _UNET,
    "sdxl": Family("sdxl", _UNET.attention, _UNET.feed_forward, _UNET.blocks),
    "flux": Family(
        "flux",
        # a single block has attention and feed-forward in the same two layers
        attention=r"_attn\.(qkv|proj)$|^single_blocks\.\d+\.linear[12]$",
        feed_forward=r"_mlp\.\d+$",
        blocks=("DoubleStreamBlock", "SingleStreamBlock"),
        in_place=True,
    ),
    "wan": Family(
        "wan",
        attention=r"(self|cross)_attn\.(q|k|v|o|k_img|v_img)$",
        feed_forward=r"\.ffn\.\d+$",
        blocks=("WanAttentionBlock",),
    ),
    "other": Family(
        "other",
        attention=r"attn|attention",
        feed_forward=r"mlp|ffn?\b|feed_forward",
        blocks=(),
        in_place=True,  # nobody knows: a copy too many is only slow
    ),
}


def layers(net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Name and layer of everything in `net` that a LoRA can adapt."""
    for name, module in net.named_modules():
        if isinstance(module, LAYERS) and getattr(module, "groups", 1) == 1:
            yield name, module


def blocks(net: nn.Module, family: Family) -> list[nn.Module]:
    """The blocks of `net` in which activations are computed again; the members of its longest list
    of modules where the family is not known."""
    if family.blocks:
        return [m for m in net.modules() if type(m).__name__ in family.blocks]
    lists = [m for m in net.modules() if isinstance(m, nn.ModuleList)]
    return list(max(lists, key=len, default=nn.ModuleList()))
