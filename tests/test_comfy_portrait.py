"""The workflow that paints its portrait, on a tiny checkpoint with random weights."""

import json

import pytest
import tiny_models
from prompts import inputs_of, load

from myspinbot.errors import PromptRejectedError
from myspinbot.video import probe
from scripts.environment import ROOT, TRANSCRIPT

pytestmark = pytest.mark.comfy


@pytest.fixture
def prompt(extra_models, upload, samples_dir):
    tiny_models.build(extra_models, "sd15")
    prompt = load("portrait_from_prompt")
    inputs_of(prompt, "CheckpointLoaderSimple")["ckpt_name"] = "tiny_sd15.safetensors"
    inputs_of(prompt, "EmptyLatentImage").update(width=256, height=256)
    inputs_of(prompt, "KSampler")["steps"] = 1
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
