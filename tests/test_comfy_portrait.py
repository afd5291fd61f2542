"""The workflows that paint their portrait, on a tiny checkpoint with random weights."""

import json

import cv2
import numpy as np
import pytest
import tiny_models
import torch
from prompts import inputs_of, load
from safetensors.torch import save_file

from myspinbot.errors import PromptRejectedError
from myspinbot.video import probe
from scripts.environment import ROOT, TRANSCRIPT

pytestmark = pytest.mark.comfy


def painting(name):
    """A shipped workflow that paints with the tiny checkpoint."""
    prompt = load(name)
    inputs_of(prompt, "CheckpointLoaderSimple")["ckpt_name"] = "tiny_sd15.safetensors"
    inputs_of(prompt, "EmptyLatentImage").update(width=256, height=256)
    inputs_of(prompt, "KSampler")["steps"] = 1
    return prompt


@pytest.fixture
def prompt(extra_models, upload, samples_dir):
    tiny_models.build(extra_models, "sd15")
    prompt = painting("portrait_from_prompt")
    inputs_of(prompt, "LoadAudio")["audio"] = upload(samples_dir / "voice.wav")
    inputs_of(prompt, "MySpinBot_VoiceProfile")["transcript"] = TRANSCRIPT
    inputs_of(prompt, "MySpinBot_WriteNarration").update(narration="Good morning.", topic="")
    return prompt


def test_a_picture_without_a_face_is_said_and_a_portrait_talks(
    prompt, run, upload, download, samples_dir
):
    with pytest.raises(PromptRejectedError, match=r"TalkingPortrait.*face"):
        run(prompt)
    portrait = {"image": upload(samples_dir / "hopper.jpg")}
    prompt["portrait"] = {"class_type": "LoadImage", "inputs": portrait}
    inputs_of(prompt, "MySpinBot_TalkingPortrait")["image"] = ["portrait", 0]
    saved = [key for key, node in prompt.items() if node["class_type"] == "SaveImage"]
    del prompt[saved[0]]
    found = probe(download(run(prompt)))
    assert found["video_codec"] == "h264"
    assert 0.5 < found["audio_s"] < 3


def test_the_lora_is_there_and_switched_off():
    canvas = json.loads((ROOT / "workflows" / "portrait_from_prompt.json").read_text("utf-8"))
    (lora,) = [node for node in canvas["nodes"] if node["type"] == "LoraLoader"]
    assert lora["mode"] == 4
    assert "LoraLoader" not in [
        node["class_type"] for node in load("portrait_from_prompt").values()
    ]


@pytest.fixture
def learned(extra_models):
    """A LoRA file of the tiny checkpoint, with random weights."""
    generator = torch.Generator().manual_seed(0)
    layer = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_v"
    factors = {"lora_down": (2, 768), "lora_up": (320, 2)}
    weights = {
        f"{layer}.{name}.weight": torch.randn(shape, generator=generator)
        for name, shape in factors.items()
    }
    save_file(weights, extra_models / "loras" / "my_face.safetensors")


def test_a_lora_changes_the_portrait_and_the_portrait_goes_to_the_bot(
    run, upload, samples_dir, extra_models, learned, comfy
):
    tiny_models.build(extra_models, "sd15")
    prompt = painting("portrait_with_lora")
    inputs_of(prompt, "LoadAudio")["audio"] = upload(samples_dir / "voice.wav")
    bot = inputs_of(prompt, "MySpinBot_TalkingBot")
    bot.update(transcript=TRANSCRIPT, narration="Good morning.", topic="")
    with pytest.raises(PromptRejectedError, match=r"TalkingBot.*No face was found"):
        run(prompt)  # random weights paint no face
    inputs_of(prompt, "LoraLoaderModelOnly")["strength_model"] = 0.0
    bot["portrait"] = ["portrait", 0]
    portrait = {"image": upload(samples_dir / "hopper.jpg")}
    prompt["portrait"] = {"class_type": "LoadImage", "inputs": portrait}
    run(prompt)
    painted = sorted((comfy.log.parent / "output").glob("portrait_with_lora_*.png"))
    with_lora, without = (np.asarray(cv2.imread(str(path))).astype(float) for path in painted)
    assert np.abs(with_lora - without).mean() > 2
    (video,) = (comfy.log.parent / "output" / "video").glob("portrait_with_lora*.mp4")
    assert probe(video)["video_codec"] == "h264"
