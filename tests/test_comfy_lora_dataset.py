"""LoRA Dataset in a real ComfyUI: pictures in, what core's trainer takes out, and wrong input."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
import tiny_models
from safetensors.torch import load_file

from myspinbot.errors import PromptRejectedError

pytestmark = [pytest.mark.comfy, pytest.mark.weights]


def graph(**inputs):
    """LoRA Dataset (3), its contact sheet (4) and its report (5)."""
    values = {
        "folder": "none",
        "trigger": "ohwx",
        "class_word": "woman",
        "captions": "",
        "crop": "both",
        "resolution": 64,
        "min_images": 0,
        "mirror": True,
        "face_mask": True,
        "seed": 0,
        **inputs,
    }
    return {
        "3": {"class_type": "MySpinBot_LoraDataset", "inputs": values},
        "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 3]}},
        "5": {"class_type": "PreviewAny", "inputs": {"source": ["3", 4]}},
    }


def loaded(file, number="1"):
    return {number: {"class_type": "LoadImage", "inputs": {"image": file}}}


def report(entry):
    (text,) = entry["outputs"]["5"]["text"]
    return text


@pytest.fixture
def folder(comfy):
    """A folder inside ComfyUI's input folder that was made after the server started."""
    path = comfy.log.parent / "input" / "my faces" / "best"
    path.mkdir(parents=True)
    yield path
    shutil.rmtree(path.parent)


@pytest.fixture
def tiny(extra_models):
    """A checkpoint with random weights: MODEL, CLIP and VAE of node 2."""
    tiny_models.build(extra_models, "sd15")
    inputs = {"ckpt_name": "tiny_sd15.safetensors"}
    return {"2": {"class_type": "CheckpointLoaderSimple", "inputs": inputs}}


TRAINING = {
    "batch_size": 1,
    "grad_accumulation_steps": 1,
    "steps": 2,
    "learning_rate": 0.001,
    "rank": 1,
    "optimizer": "AdamW",
    "loss_function": "MSE",
    "seed": 0,
    "training_dtype": "fp32",
    "lora_dtype": "fp32",
    "quantized_backward": False,
    "algorithm": "LoRA",
    "gradient_checkpointing": False,
    "checkpoint_depth": 1,
    "offloading": False,
    "existing_lora": "[None]",
    "bucket_mode": False,
    "bypass_mode": False,
}


def test_core_trains_on_one_portrait(comfy, run, upload, samples_dir, tiny):
    linked = {"images": ["1", 0], "mask": ["1", 1], "face": ["8", 0]}
    prompt = graph(**linked, min_images=4, class_word="", vae=["2", 2], clip=["2", 1])
    prompt |= loaded(upload(samples_dir / "hopper.jpg")) | tiny
    look = {"image": ["1", 0], "crop_px": 64, "crop_scale": 2.0, "feather_px": 4}
    prompt["8"] = {"class_type": "MySpinBot_DetectFace", "inputs": look}
    inputs = {**TRAINING, "model": ["2", 0], "latents": ["3", 1], "positive": ["3", 2]}
    prompt["6"] = {"class_type": "TrainLoraNode", "inputs": inputs}
    saved = {"lora": ["6", 0], "prefix": "loras/core", "steps": ["6", 2]}
    prompt["7"] = {"class_type": "SaveLoRA", "inputs": saved}
    entry = run(prompt)
    assert "4 training images from 1 picture" in report(entry)
    assert "a close-up photo of ohwx" in report(entry)
    assert "loss is masked in 4 of 4" in report(entry)
    assert "mask of image 1 is empty" in report(entry)  # what Load Image gives without alpha
    (sheet,) = entry["outputs"]["3"]["images"]
    assert sheet["type"] == "temp"
    (file,) = (comfy.log.parent / "output" / "loras").glob("core*.safetensors")
    assert all(tensor.isfinite().all() for tensor in load_file(file).values())


def test_a_folder_with_captions_and_what_is_wrong_in_it(run, folder, samples_dir):
    shutil.copy(samples_dir / "hopper.jpg", folder / "1.jpg")
    shutil.copy(samples_dir / "astronaut.png", folder / "2.png")
    (folder / "2.txt").write_text("ohwx in space", "utf-8")
    cv2.imwrite(str(folder / "3.png"), np.full((8, 8, 3), 99, np.uint8))
    (folder / "4.jpg").write_text("not a picture")
    prompt = graph(folder="my faces/best", crop="face")
    text = report(run(prompt))
    assert "2 training images from 2 pictures: 2 of 64 x 64" in text
    assert "1 x ohwx in space" in text
    assert "3.png was skipped: it has 8 x 8 pixels" in text
    assert "4.jpg was skipped: it cannot be read" in text
    (folder / "1.txt").write_text("ohwx in uniform", "utf-8")
    assert "1 x ohwx in uniform" in report(run(prompt))  # a changed folder is read again


def test_images_of_a_list_and_of_a_batch(run, upload, samples_dir):
    prompt = graph(images=["9", 0], crop="whole", captions="first\nsecond\nthird")
    prompt |= loaded(upload(samples_dir / "hopper.jpg"))
    prompt |= loaded(upload(samples_dir / "astronaut.png"), "6")
    twice = {"image": ["6", 0], "amount": 2}
    prompt["8"] = {"class_type": "RepeatImageBatch", "inputs": twice}
    prompt["9"] = {
        "class_type": "CreateList",
        "inputs": {"inputs.input0": ["1", 0], "inputs.input1": ["8", 0]},
    }
    text = report(run(prompt))
    assert "3 training images from 3 pictures" in text
    assert "1 x ohwx woman, third" in text
    assert "image 2 and image 3 show the same" in text


def test_wrong_input_is_explained(run, upload, folder, samples_dir, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), noise)
    cv2.imwrite(str(tmp_path / "dot.png"), noise[:8, :8])
    portrait = loaded(upload(samples_dir / "hopper.jpg"))
    cases = [
        (graph(), "There are no pictures: connect images, or choose a folder"),
        (graph(folder="../output"), r"'../output' is not a name inside .*input"),
        (graph(folder="nowhere"), "There is no folder .*nowhere"),
        (graph(folder="my faces/best"), "holds no picture"),
        (
            graph(images=["1", 0], crop="face") | loaded(upload(tmp_path / "noise.png")),
            "No face was found in image 1.*crop 'whole'",
        ),
        (
            graph(images=["1", 0]) | loaded(upload(tmp_path / "dot.png")),
            "None of the 1 pictures can be used.*8 x 8 pixels",
        ),
        (graph(images=["1", 0], captions="a\nb") | portrait, "2 captions for 1 picture"),
        (graph(images=["1", 0], trigger="", class_word="") | portrait, "both empty"),
    ]
    for prompt, message in cases:
        with pytest.raises(PromptRejectedError, match=message):
            run(prompt)


def test_a_trainer_without_latents_is_told_why(run, upload, samples_dir, tiny):
    prompt = graph(images=["1", 0], clip=["2", 1]) | loaded(upload(samples_dir / "hopper.jpg"))
    inputs = {**TRAINING, "model": ["2", 0], "latents": ["3", 1], "positive": ["3", 2]}
    prompt |= tiny | {"6": {"class_type": "TrainLoraNode", "inputs": inputs}}
    prompt["7"] = {
        "class_type": "LossGraphNode",
        "inputs": {"loss": ["6", 1], "filename_prefix": "loss"},
    }
    told = []

    def event(kind, data):
        if kind == "execution_error":
            told.append(data["exception_message"])

    run(prompt, event)
    assert any("Connect a VAE to LoRA Dataset" in message for message in told)
