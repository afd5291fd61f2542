"""The tiny models of the server tests: finite weights under ComfyUI's own names."""

import pytest
import torch
from safetensors.torch import load_file
from tiny_models import build

pytestmark = pytest.mark.comfy  # ComfyUI makes the nets


def test_a_tiny_model_is_written_once(tmp_path):
    path = build(tmp_path, "wan_t2v")["wan_t2v"]
    weights = load_file(path)
    assert weights["blocks.1.self_attn.q.weight"].shape == (128, 128)
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())
    written = path.stat().st_mtime_ns
    assert build(tmp_path, "wan_t2v")["wan_t2v"].stat().st_mtime_ns == written
