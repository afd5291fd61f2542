"""Train LoRA over HTTP: what shows while it runs, what ComfyUI's own nodes take, and a cancel."""

from __future__ import annotations

import io
import json
from functools import partial

import numpy as np
import pytest
import tiny_models
from metering import figures, grown
from PIL import Image
from prompts import cancelled, lora_training
from safetensors import safe_open

pytestmark = pytest.mark.comfy


@pytest.fixture
def training(extra_models, upload, tmp_path):
    """A prompt that trains a few steps on one picture."""
    tiny_models.build(extra_models, "sd15")
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")

    picture = upload(tmp_path / "noise.png")
    return partial(lora_training, picture, rank=2, targets="attention")


def report(entry):
    (text,) = entry["outputs"]["5"]["text"]
    return json.loads(text)


def test_what_shows_and_what_comes_out(training, run, comfy):
    before = figures(comfy)
    prompt = training(steps=4, preview_every=2)
    prompt["6"] = {
        "class_type": "SaveLoRA",
        "inputs": {"lora": ["4", 0], "prefix": "loras/by_core", "steps": ["4", 4]},
    }
    prompt["7"] = {
        "class_type": "LossGraphNode",
        "inputs": {"loss": ["4", 1], "filename_prefix": "loss_by_core"},
    }
    prompt["8"] = {
        "class_type": "SaveImage",
        "inputs": {"images": ["4", 2], "filename_prefix": "samples"},
    }
    shown, bars = [], []

    def event(kind, data):
        if kind == "preview":
            shown.append(Image.open(io.BytesIO(data["image"])).size)
        if kind == "progress" and data["node"] == "4":
            bars.append((data["value"], data["max"]))

    saving = {"filename_prefix": "ours", "naming": "kohya", "dtype": "bf16"}
    prompt["9"] = {
        "class_type": "MySpinBot_SaveLora",
        "inputs": {"lora": ["4", 0], "consent": "", "licence": "", **saving},
    }
    entry = run(prompt, event)
    told, outputs = report(entry), comfy.log.parent / "output"
    after = figures(comfy)
    assert grown(before, after, "lora_steps") == {'lora_steps_total{base="sd15"}': 4}
    assert after['lora_loss{base="sd15"}'] > 0
    assert grown(before, after, 'artifacts_total{kind="lora"') == {
        'artifacts_total{kind="lora"}': 1
    }
    assert told["steps"] == 4
    assert told["unmapped"] == []
    assert (1000, 360) in shown  # the latest sample beside the curve
    assert [bar for bar in bars if bar[1] == 4][-1] == (4, 4)
    (file,) = (outputs / "loras").glob("by_core_4_steps_*.safetensors")
    with safe_open(file, "pt") as lora:
        assert len(list(lora.keys())) == 3 * told["layers"]
    assert list(outputs.glob("loss_by_core*")) or entry["outputs"]["7"]["images"]
    samples = sorted(outputs.glob("samples_*.png"))
    assert len(samples) == 3  # before, during, after
    first, *_, last = (np.asarray(Image.open(path)).astype(float) for path in samples)
    assert np.abs(first - last).mean() > 0.05  # of 255, after four steps


def test_a_cancel_is_heard_and_nothing_is_lost(training, run, comfy):
    endless = training(steps=100_000, preview_every=0, seed=1)

    def reached(kind, data):
        return kind == "progress" and data["node"] == "4" and data["value"] >= 3

    assert cancelled(comfy, endless, reached) < 2
    (kept,) = (comfy.log.parent / "output" / "loras" / "unfinished").glob("*.safetensors")
    with safe_open(kept, "pt") as lora:
        assert lora.metadata()["modelspec.trigger_phrase"] == "ohwx"
    steps = int(kept.stem.split("_steps")[0].rpartition("_")[2])
    assert steps >= 3
    told = report(run(training(steps=steps + 1, preview_every=0, seed=1)))
    assert (told["resumed_from"], told["steps"]) == (steps, steps + 1)
