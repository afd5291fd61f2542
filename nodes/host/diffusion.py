"""ComfyUI's own nets of Stable Diffusion 1's kind, built for weights that are named as published.

Sizes come from the tensors, so whatever has the form of SD1 can be built: MuseTalk listens to 384
values where SD1 reads 768, and sees two pictures.
"""

from __future__ import annotations

from collections.abc import Mapping

import comfy.diffusers_convert
import comfy.model_management as mm
import comfy.ops
import comfy.utils
import torch
from comfy.ldm.models.autoencoder import AutoencoderKL
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor, nn

from ...myspinbot.errors import BadInputError

_HEADS = 8
_DEEPEST = 8
"""Levels that are looked for."""


def unet(tensors: Mapping[str, Tensor]) -> nn.Module:
    """The UNet with the weights `tensors`, in diffusers' names; raises BadInputError."""
    config = _unet_config(tensors)
    names = comfy.utils.unet_to_diffusers(config)
    renamed = {names.get(name, name): tensor for name, tensor in tensors.items()}
    dtype = mm.unet_dtype(mm.get_torch_device(), sum(t.numel() for t in tensors.values()))
    made = UNetModel(
        **config,
        image_size=32,
        use_spatial_transformer=True,
        num_heads=_HEADS,
        legacy=False,
        dtype=dtype,
        operations=comfy.ops.disable_weight_init,
    )
    return _filled(made, renamed, "UNet", dtype)


def _unet_config(tensors: Mapping[str, Tensor]) -> dict:
    widths = []
    for level in range(_DEEPEST):
        first = tensors.get(f"down_blocks.{level}.resnets.0.conv1.weight")
        if first is not None:
            widths.append(first.shape[0])
    attends = [
        f"down_blocks.{level}.attentions.0.norm.weight" in tensors for level in range(len(widths))
    ]
    hearing = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    if not widths or hearing not in tensors:
        raise BadInputError("The UNet has another form than that of Stable Diffusion 1.")
    return {
        "in_channels": tensors["conv_in.weight"].shape[1],
        "out_channels": tensors["conv_out.weight"].shape[0],
        "model_channels": widths[0],
        "channel_mult": [width // widths[0] for width in widths],
        "num_res_blocks": [2] * len(widths),
        "transformer_depth": [int(on) for on in attends for _ in range(2)],
        "transformer_depth_output": [int(on) for on in attends for _ in range(3)],
        "transformer_depth_middle": 1,
        "context_dim": tensors[hearing].shape[1],
    }


def image_codec(tensors: Mapping[str, Tensor]) -> nn.Module:
    """The VAE with the weights `tensors`, in diffusers' names or SD's; raises BadInputError."""
    named = dict(tensors)
    if "encoder.down_blocks.0.resnets.0.norm1.weight" in named:
        named = comfy.diffusers_convert.convert_vae_state_dict(named)
    named = {name.removeprefix("first_stage_model."): tensor for name, tensor in named.items()}
    first = named.get("encoder.conv_in.weight")
    if first is None or "quant_conv.weight" not in named:
        raise BadInputError(
            "The image codec is no VAE of Stable Diffusion 1: use sd-vae-ft-mse, in "
            "diffusion_pytorch_model.safetensors."
        )
    config = {
        "double_z": True,
        "z_channels": 4,
        "resolution": 256,
        "in_channels": 3,
        "out_ch": 3,
        "ch": first.shape[0],
        "ch_mult": [1, 2, 4, 4],
        "num_res_blocks": 2,
        "attn_resolutions": [],
        "dropout": 0.0,
    }
    dtype = mm.vae_dtype(mm.get_torch_device(), [torch.bfloat16, torch.float32])
    made = AutoencoderKL(ddconfig=config, embed_dim=4)
    return _filled(made, named, "image codec", dtype)


def _filled(net: nn.Module, tensors: Mapping[str, Tensor], what: str, dtype) -> nn.Module:
    try:
        net.load_state_dict(tensors, assign=True)  # else ComfyUI may keep no weights
    except RuntimeError as error:
        details = "; ".join(str(error).split("\n\t")[1:3])[:300]
        raise BadInputError(
            f"The {what} has another form than that of Stable Diffusion 1: {details}"
        ) from error
    return net.to(dtype).eval().requires_grad_(False)
