"""What server tests queue: the shipped prompts, and files to put into them."""

import asyncio
import io
import json
import urllib.request
import wave

import av
import numpy as np
import pytest

from myspinbot.client.server import ComfyServer
from myspinbot.errors import PromptRejectedError
from scripts.environment import ROOT


def load(name):
    return json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text("utf-8"))


def inputs_of(prompt, class_type):
    return next(n["inputs"] for n in prompt.values() if n["class_type"] == class_type)


def lora_training(picture, **settings):
    """A tiny SD1.5 learns a picture: 4 is Train LoRA, 5 shows its report."""
    data = {
        "images": ["2", 0],
        "folder": "none",
        "trigger": "ohwx",
        "class_word": "disc",
        "captions": "",
        "crop": "whole",
        "resolution": 64,
        "min_images": 0,
        "mirror": False,
        "face_mask": False,
        "seed": 0,
    }
    learn = {
        **{name: ["1", number] for number, name in enumerate(("model", "clip", "vae"))},
        "dataset": ["3", 0],
        "subject": "style",
        "effort": "fast",
        "seed": 0,
        **settings,
    }
    nodes = {
        "CheckpointLoaderSimple": {"ckpt_name": "tiny_sd15.safetensors"},
        "LoadImage": {"image": picture},
        "MySpinBot_LoraDataset": data,
        "MySpinBot_TrainLora": learn,
        "PreviewAny": {"source": ["4", 5]},
    }
    return {
        str(number): {"class_type": name, "inputs": inputs}
        for number, (name, inputs) in enumerate(nodes.items(), 1)
    }


def talking_portrait(image, clip, *, max_side_px, seed=0):
    """Nodes 1 to 3: an uploaded image says an uploaded clip."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": image}},
        "2": {"class_type": "LoadAudio", "inputs": {"audio": clip}},
        "3": {
            "class_type": "MySpinBot_TalkingPortrait",
            "inputs": {
                "image": ["1", 0],
                "audio": ["2", 0],
                "fps": 25,
                "max_side_px": max_side_px,
                "seed": seed,
                **dict.fromkeys(("expressiveness", "head_motion", "blink", "gaze"), 1.0),
            },
        },
    }


def get(comfy, path):
    with urllib.request.urlopen(comfy.url + path) as answer:
        return json.load(answer)


def cancelled(comfy, prompt, reached, after_s=0.2):
    """Interrupt a run `after_s` an event that `reached(kind, data)`: seconds until it was over."""

    async def session():
        async with ComfyServer(comfy.url) as client:
            there, loop = asyncio.Event(), asyncio.get_running_loop()

            def event(kind, data):
                if reached(kind, data):
                    loop.call_later(after_s, there.set)

            task = asyncio.create_task(client.run(prompt, event))
            await asyncio.wait_for(there.wait(), 120)
            asked = loop.time()
            await client.session.post(f"{comfy.url}/interrupt")
            with pytest.raises(PromptRejectedError, match="cancelled"):
                await task
            return loop.time() - asked

    return asyncio.run(session())


def write_sound(path, audio, rate, layout):
    """Encode `audio` in the format of the file's name."""
    audio = audio.mono().resampled(rate)
    samples = np.repeat(audio.samples, 2 if layout == "stereo" else 1, axis=0)
    codec = {".wav": "pcm_s16le", ".flac": "flac", ".mp3": "mp3"}[path.suffix]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format, layout, rate, frame_size=stream.frame_size)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return path


def wav(samples, rate=24000):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue()
