"""Nets for pictures that spandrel recognises, with few weights: SRVGG, RestoreFormer, GFPGAN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from spandrel import ImageModelDescriptor
from spandrel.architectures.Compact import Compact
from spandrel.architectures.GFPGAN import GFPGAN, GFPGANArch
from spandrel.architectures.RestoreFormer import RestoreFormer


def _random(net: torch.nn.Module, spread: float, seed: int) -> torch.nn.Module:
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in net.parameters():
            if weight.dim() > 1:
                fan_in = weight[0].numel()
                weight.copy_(torch.randn(weight.shape, generator=source) * spread / fan_in**0.5)
    return net.eval()


def write_upscaler(path: Path, scale: int = 2, width: int = 8, layers: int = 2) -> Path:
    """A Real-ESRGAN Compact: nearest neighbours, and a little noise of its own."""
    net = _random(Compact(num_feat=width, num_conv=layers, upscale=scale), 0.2, 0)
    save_file(net.state_dict(), path)
    return path


def write_restorer(path: Path) -> Path:
    """A RestoreFormer of the smallest size that its normalisation allows."""
    sizes: dict[str, Any] = {
        "n_embed": 16,
        "embed_dim": 32,
        "ch": 32,
        "out_ch": 3,
        "ch_mult": (1, 1, 1, 1, 1, 1),
        "num_res_blocks": 1,
        "attn_resolutions": (16,),
        "dropout": 0.0,
        "in_channels": 3,
        "resolution": 512,
        "z_channels": 32,
        "double_z": False,
        "enable_mid": True,
        "head_size": 8,
    }
    save_file(_random(RestoreFormer(**sizes), 1.0, 1).state_dict(), path)
    return path


def gfpgan(narrow: float = 1 / 32) -> ImageModelDescriptor:
    """A GFPGAN with a thirty-second of its channels: its file would not say so to spandrel."""
    sizes: dict[str, Any] = {"narrow": narrow}
    net = GFPGAN(**sizes)
    _random(net, 1.0, 2)
    return ImageModelDescriptor(
        net,
        net.state_dict(),
        architecture=GFPGANArch(),
        purpose="FaceSR",
        tags=[],
        supports_half=False,
        supports_bfloat16=True,
        scale=1,
        input_channels=3,
        output_channels=3,
        call_fn=lambda model, image: model(image)[0],
    )
