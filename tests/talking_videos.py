"""Prompts with a Talking Video on the tiny video models, as tests and the benchmark queue them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import tiny_models
import tiny_video_models
from prompts import wav
from safetensors.torch import load_file, save_file

from myspinbot.client.graph import Graph, Node

WINDOW, MOTION = 21, 5
FPS = 25


def models(folder: Path) -> None:
    """Write all that `loaders` loads below a models folder."""
    tiny_models.build(folder, "sd15", "wan_vae")
    tiny_video_models.build(folder, "i2v", "infinitetalk", "wav2vec_base")


def text_encoder(folder: Path) -> None:
    """The tiny checkpoint's text encoder as a file of its own, and a LoRA that changes nothing."""
    prefix = "cond_stage_model.transformer."
    checkpoint = load_file(folder / "checkpoints" / "tiny_sd15.safetensors")
    alone = {k.removeprefix(prefix): v for k, v in checkpoint.items() if k.startswith(prefix)}
    save_file(alone, folder / "text_encoders" / "tiny_clip.safetensors")
    save_file({}, folder / "loras" / "tiny_lora.safetensors")


def speech(folder: Path, seconds: float, name: str = "speech.wav", seed: int = 0) -> Path:
    """A sound that is never twice the same: noise under a slow envelope."""
    rate, path = 16000, folder / name
    noise = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    times = np.arange(len(noise)) / rate
    path.write_bytes(wav(0.2 * np.clip(noise, -3, 3) * np.sin(3 * times) ** 2, rate))
    return path


def portrait(folder: Path, side: int = 64) -> Path:
    """A colourful square that is no other picture turned or flipped."""
    rows, columns = np.mgrid[:side, :side] / side
    pixels = np.stack([rows, columns, (rows * columns) ** 0.5], axis=2)
    path = folder / "portrait.png"
    cv2.imwrite(str(path), (pixels * 255).astype(np.uint8))
    return path


def loaders(graph: Graph, image: str, audio: str) -> dict[str, Node]:
    """What InfiniteTalk's nodes and ours are given alike."""
    checkpoint = graph.add("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors")
    return {
        "model": graph.add("UNETLoader", unet_name="tiny_i2v.safetensors", weight_dtype="default"),
        "model_patch": graph.add("ModelPatchLoader", name="tiny_infinitetalk.safetensors"),
        "positive": graph.add("CLIPTextEncode", text="a person talks", clip=checkpoint.out(1)),
        "negative": graph.add("CLIPTextEncode", text="", clip=checkpoint.out(1)),
        "vae": graph.add("VAELoader", vae_name="tiny_wan_vae.safetensors"),
        "audio_encoder": graph.add(
            "AudioEncoderLoader", audio_encoder_name="tiny_wav2vec_base.safetensors"
        ),
        "image": graph.add("LoadImage", image=image),
        "audio": graph.add("LoadAudio", audio=audio),
    }


def infinitetalk(image: str, audio: str, **settings) -> Graph:
    """A saved InfiniteTalk video of the whole sound."""
    graph = Graph()
    given = loaders(graph, image, audio)
    values = {
        "seed": 0,
        "steps": 1,
        "cfg": 1.0,
        "sampler_name": "euler",
        "scheduler": "simple",
        "width": 64,
        "height": 64,
        "window_frames": WINDOW,
        "motion_frames": MOTION,
    }
    video = graph.add("MySpinBot_TalkingVideo", **{**values, **given, **settings})
    save(graph, video)
    return graph


def quickly(graph: Graph, counting: bool = False) -> Graph:
    """The same, heard with the quick ears of tests/packs, which may count tensors."""
    for node in graph.nodes.values():
        if node["class_type"] == "AudioEncoderLoader":
            large = "large" in node["inputs"]["audio_encoder_name"]
            node.update(class_type="QuickEars", inputs={"counting": counting, "large": large})
    return graph


def s2v(image: str, audio: str, **settings) -> Graph:
    """The same with S2V."""
    graph = infinitetalk(image, audio, **settings)
    node = next(n for n in graph.nodes.values() if n["class_type"] == "MySpinBot_TalkingVideo")
    del node["inputs"]["model_patch"]
    for loader in graph.nodes.values():
        if loader["class_type"] == "UNETLoader":
            loader["inputs"]["unet_name"] = "tiny_s2v.safetensors"
        if loader["class_type"] == "AudioEncoderLoader":
            loader["inputs"]["audio_encoder_name"] = "tiny_wav2vec_large.safetensors"
    return graph


def save(graph: Graph, video: Node) -> None:
    graph.add("SaveVideo", video=video, filename_prefix="long", format="mp4", codec="h264")
    graph.add("PreviewAny", source=video.out(1))


def windows_of(events: list[tuple[str, dict]]) -> int:
    """How many windows a run rendered, out of its events."""
    nodes = [str(data.get("node")) for kind, data in events if kind == "executing"]
    return sum(node.endswith(".Keep") for node in nodes)
