"""Tiny models with random weights, in files that ComfyUI's own loaders take.

`build(folder, "sd15", ...)` writes <folder>/<models folder>/tiny_<kind>.safetensors and returns the
paths. ComfyUI itself makes the nets, so the names of the weights are always its own: in a child
process, since the tests' process never imports it.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

SD15_NANO = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,  # what makes it an SD1.5, with the 768 of the text
    "num_res_blocks": [1],
    "channel_mult": [1],
    "transformer_depth": [1],
    "transformer_depth_output": [1, 1],
    "transformer_depth_middle": -2,
    "context_dim": 768,
    "num_heads": 8,
    "use_spatial_transformer": True,
    "legacy": False,
}
SD15_MINI = {
    **SD15_NANO,
    "num_res_blocks": [1, 1],
    "channel_mult": [1, 1],
    "transformer_depth": [1, 1],
    "transformer_depth_output": [1, 1, 1, 1],
    "transformer_depth_middle": 1,
}
SD15_FULL = {
    **SD15_NANO,
    "num_res_blocks": [2] * 4,
    "channel_mult": [1, 2, 4, 4],
    "transformer_depth": [1] * 6 + [0] * 2,
    "transformer_depth_output": [1] * 9 + [0] * 3,
    "transformer_depth_middle": 1,
}
"""No tiny one: the published size, 3.5 GB, for benchmarks."""
# of the three sizes of SDXL that ComfyUI knows, KOALA-700M's is the smallest
SDXL_MINI = {
    **SD15_NANO,
    "num_res_blocks": [1, 1, 1],
    "channel_mult": [1, 1, 1],
    "transformer_depth": [0, 2, 5],
    "transformer_depth_output": [0, 0, 2, 2, 5, 5],
    "transformer_depth_middle": -2,
    "context_dim": 2048,
    "use_linear_in_transformer": True,
    "num_classes": "sequential",
    "adm_in_channels": 2816,
    "num_heads": -1,
    "num_head_channels": 64,
}
FLUX_MINI = {
    "in_channels": 16,
    "out_channels": 16,
    "vec_in_dim": 64,
    "context_in_dim": 64,
    "hidden_size": 128,
    "mlp_ratio": 4.0,
    "num_heads": 1,
    "depth": 1,
    "depth_single_blocks": 2,
    "axes_dim": [16, 56, 56],
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
    "guidance_embed": True,
    "txt_ids_dims": [],
}
WAN_MINI = {"model_type": "t2v", "dim": 128, "ffn_dim": 256, "num_heads": 1, "num_layers": 2}
WAN_VAE = {
    "dim": 8,
    "z_dim": 16,
    "dim_mult": [1, 2, 4, 4],
    "num_res_blocks": 2,
    "attn_scales": [],
    "temperal_downsample": [False, True, True],
}
UNETS = {
    "sd15": SD15_NANO,
    "sd15_mini": SD15_MINI,
    "sd15_full": SD15_FULL,
    "sdxl": SDXL_MINI,
}
FOLDERS = {
    "sd15": "checkpoints",
    "sd15_mini": "checkpoints",
    "sd15_full": "checkpoints",
    "sdxl": "checkpoints",
    "flux": "diffusion_models",
    "wan_t2v": "diffusion_models",
    "wan_i2v": "diffusion_models",
    "wan_vae": "vae",
    "flux_vae": "vae",
}
"""The kinds there are, and where each belongs below a models folder."""


def build(folder: Path, *kinds: str) -> dict[str, Path]:
    """Write the models of these `kinds`; returns their paths by kind."""
    from scripts.environment import comfyui

    paths = {kind: folder / FOLDERS[kind] / f"tiny_{kind}.safetensors" for kind in kinds}
    words = [f"{kind}={path}" for kind, path in paths.items() if not path.is_file()]
    if words:
        subprocess.run(
            [sys.executable, __file__, *words],
            env={**os.environ, "PYTHONPATH": str(comfyui()), "OMP_NUM_THREADS": "1"},
            check=True,
        )
    return paths


def randomized(net: torch.nn.Module, seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights for a net on the meta device that keep its activations near one."""
    return noise(net.state_dict(), seed)


def noise(tensors: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
    """The same for some of a net's `tensors`."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, tensor in tensors.items():
        shape = tuple(tensor.shape)
        values = torch.randn(shape, generator=generator)
        if name.endswith(("norm.scale", "gamma")) or (len(shape) == 1 and "weight" in name):
            weights[name] = torch.ones(shape)
        elif len(shape) < 2:
            weights[name] = 0.02 * values
        else:
            weights[name] = values / math.sqrt(math.prod(shape[1:]))
    return weights


def clip_l(seed: int = 0) -> dict[str, torch.Tensor]:
    """A text encoder of the only size there is, whose twelve layers do nothing.

    What comes out is its embeddings, normalised: other words, other numbers.
    """
    width, generator = 768, torch.Generator().manual_seed(seed)
    zero, one = (torch.full((width,), value) for value in (0.0, 1.0))
    names = {
        "embeddings.token_embedding.weight": torch.randn(49408, width, generator=generator),
        "embeddings.position_embedding.weight": torch.randn(77, width, generator=generator) / 4,
        "final_layer_norm.weight": one,
        "final_layer_norm.bias": zero,
    }
    square, wide = torch.zeros(width, width), torch.zeros(4 * width, width)
    for layer in range(12):
        place = f"encoder.layers.{layer}."
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            names[f"{place}self_attn.{part}.weight"] = square
            names[f"{place}self_attn.{part}.bias"] = zero.clone()
        for norm in ("layer_norm1", "layer_norm2"):
            names[f"{place}{norm}.weight"], names[f"{place}{norm}.bias"] = one, zero
        names[f"{place}mlp.fc1.weight"], names[f"{place}mlp.fc1.bias"] = wide, zero.repeat(4)
        names[f"{place}mlp.fc2.weight"], names[f"{place}mlp.fc2.bias"] = wide.T, zero
    small = {  # a quarter of the file, and the encoder computes in another dtype anyway
        name: tensor.to(torch.float8_e4m3fn if tensor.ndim == 2 else torch.float16).clone()
        for name, tensor in names.items()
    }
    return {f"cond_stage_model.transformer.text_model.{name}": t for name, t in small.items()}


def tensors_of(kind: str) -> dict[str, torch.Tensor]:
    """All that the file of a kind holds; needs ComfyUI on the path."""
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
    import comfy.ldm.flux.model
    import comfy.ldm.wan.model
    import comfy.ldm.wan.vae
    import comfy.ops
    import comfy.taesd.taesd
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    options = {"device": "meta", "operations": comfy.ops.disable_weight_init}

    def taesd(channels: int, prefix: str) -> dict[str, torch.Tensor]:
        with torch.device("meta"):
            net = comfy.taesd.taesd.TAESD(latent_channels=channels)
        weights = randomized(net, seed=3)
        weights |= {"vae_scale": torch.tensor(1.0), "vae_shift": torch.tensor(0.0)}
        return {prefix + name: tensor for name, tensor in weights.items()}

    if kind in UNETS:
        net = UNetModel(**UNETS[kind], dtype=torch.float32, **options)
        weights = {f"model.diffusion_model.{k}": v for k, v in randomized(net).items()}
        weights |= taesd(4, "first_stage_model.")
        return weights | (clip_l() if kind.startswith("sd15") else {})
    if kind == "flux_vae":
        return taesd(16, "")
    if kind == "wan_vae":
        with torch.device("meta"):
            net = comfy.ldm.wan.vae.WanVAE(**WAN_VAE)
        return randomized(net)
    if kind == "flux":
        net = comfy.ldm.flux.model.Flux(**FLUX_MINI, dtype=torch.float32, **options)
        return randomized(net)
    config = {**WAN_MINI, "model_type": kind.removeprefix("wan_")}
    if kind == "wan_i2v":
        config["in_dim"] = 36
    net = comfy.ldm.wan.model.WanModel(**config, dtype=torch.float32, **options)
    return randomized(net)


if __name__ == "__main__":
    for word in sys.argv[1:]:
        kind, _, target = word.partition("=")
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        save_file({k: v.contiguous() for k, v in tensors_of(kind).items()}, target)
