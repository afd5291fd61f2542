"""The workflows that paint their portrait, on a tiny checkpoint with random weights."""

import json

import cv2
import numpy as np
import pytest
import tiny_models
from prompts import inputs_of, load
from safetensors import safe_open

from myspinbot.errors import PromptRejectedError
from myspinbot.video import probe
from scripts.environment import ROOT, TRANSCRIPT

pytestmark = pytest.mark.comfy
CHECKPOINT = "tiny_sd15.safetensors"


def painting(name):
    """A shipped workflow that paints with the tiny checkpoint."""
    prompt = load(name)
    inputs_of(prompt, "CheckpointLoaderSimple")["ckpt_name"] = CHECKPOINT
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


def test_a_face_is_learned_painted_and_talks(run, upload, samples_dir, extra_models, comfy):
    tiny_models.build(extra_models, "sd15")
    outputs = comfy.log.parent / "output"
    portrait, voice = upload(samples_dir / "hopper.jpg"), upload(samples_dir / "voice.wav")
    training = load("train_identity_lora")
    inputs_of(training, "CheckpointLoaderSimple")["ckpt_name"] = CHECKPOINT
    inputs_of(training, "LoadImage")["image"] = portrait
    inputs_of(training, "MySpinBot_LoraDataset").update(resolution=64, min_images=3)
    quick = {"effort": "fast", "steps": 2, "rank": 2, "learning_rate": 0.05, "preview_every": 0}
    inputs_of(training, "MySpinBot_TrainLora").update(quick)
    run(training)
    (file,) = (outputs / "loras").glob("my_face_2_steps_*.safetensors")
    with safe_open(file, "pt") as opened:
        assert opened.metadata()["modelspec.trigger_phrase"] == "ohwx"

    prompt = painting("portrait_with_lora")
    inputs_of(prompt, "LoadAudio")["audio"] = voice
    inputs_of(prompt, "LoraLoaderModelOnly")["lora_name"] = file.name
    bot = inputs_of(prompt, "MySpinBot_TalkingBot")
    bot.update(transcript=TRANSCRIPT, narration="Good morning.", topic="")
    with pytest.raises(PromptRejectedError, match=r"TalkingBot.*No face was found"):
        run(prompt)  # random weights paint no face
    inputs_of(prompt, "LoraLoaderModelOnly")["strength_model"] = 0.0
    prompt["portrait"] = {"class_type": "LoadImage", "inputs": {"image": portrait}}
    bot["portrait"] = ["portrait", 0]
    run(prompt)
    painted = sorted(outputs.glob("portrait_with_lora_*.png"))
    with_lora, without = (np.asarray(cv2.imread(str(path))).astype(float) for path in painted)
    assert np.abs(with_lora - without).mean() > 2
    (video,) = (outputs / "video").glob("portrait_with_lora*.mp4")
    assert probe(video)["video_codec"] == "h264"
