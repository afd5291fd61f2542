"""Tiny video models with random weights, in files that ComfyUI's own loaders take.

As tiny_models does: `build(folder, "infinitetalk", ...)`. The text encoder that goes with them is
the one of its "sd15": `text_dim` is 768 here, which a file may say of itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tiny_models import noise, randomized

DIM = 160
"""Of the 40 heads that the InfiniteTalk patch always has, and of Wan's one of 128 or more."""
WAN = {"dim": DIM, "ffn_dim": 320, "num_heads": 1, "num_layers": 2, "text_dim": 768}
FOLDERS = {
    "i2v": "diffusion_models",
    "s2v": "diffusion_models",
    "infinitetalk": "model_patches",
    "wav2vec_base": "audio_encoders",
    "wav2vec_large": "audio_encoders",
}
WAV2VEC = {
    "wav2vec_base": {
        "embed_dim": 768,
        "num_heads": 12,
        "num_layers": 12,
        "conv_norm": False,
        "conv_bias": False,
        "do_normalize": False,
        "do_stable_layer_norm": False,
    },
    "wav2vec_large": {"embed_dim": 1024, "num_heads": 16, "num_layers": 24},
}


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


def tensors_of(kind: str) -> dict[str, torch.Tensor]:
    """All that the file of a kind holds; needs ComfyUI on the path."""
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
    import comfy.ops
    from comfy.audio_encoders.wav2vec2 import Wav2Vec2Model
    from comfy.ldm.wan.model import WanModel, WanModel_S2V
    from comfy_extras.nodes_model_patch import MultiTalkModelPatch

    options = {"device": "meta", "operations": comfy.ops.disable_weight_init}
    if kind == "i2v":
        net = WanModel(model_type="i2v", in_dim=36, dtype=torch.float32, **WAN, **options)
    elif kind == "s2v":
        net = WanModel_S2V(dtype=torch.float32, **WAN, **options)
    elif kind == "infinitetalk":
        net = MultiTalkModelPatch(intermediate_dim=8, in_dim=DIM, out_dim=8, **options)
    else:
        net = Wav2Vec2Model(**WAV2VEC[kind], dtype=torch.float32, **options)
        return _listening(net)
    return randomized(net)


def _listening(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    """wav2vec comes in two sizes only: its layers pass on what the convolutions hear."""
    tensors = net.state_dict()
    quiet = [n for n, t in tensors.items() if n.startswith("encoder.layers.") and t.ndim == 2]
    # a quarter of the file
    zeros = {n: torch.zeros(tensors.pop(n).shape, dtype=torch.float8_e4m3fn) for n in quiet}
    return noise(tensors) | zeros


if __name__ == "__main__":
    note = {"config": json.dumps({"transformer": WAN})}
    for word in sys.argv[1:]:
        kind, _, target = word.partition("=")
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        weights = {k: v.contiguous() for k, v in tensors_of(kind).items()}
        save_file(weights, target, metadata=note if kind in ("i2v", "s2v") else None)
