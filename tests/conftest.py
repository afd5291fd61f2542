"""Fixtures: the installed weights and samples, and a real ComfyUI that the server tests share."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings

from myspinbot.client.server import ComfyServer
from scripts.environment import BASE, SAMPLES
from scripts.serving import ComfyProcess

# how long an example takes says nothing on a busy machine
settings.register_profile("project", deadline=None)
settings.load_profile("project")


def _finish(session):
    """Run a coroutine function to its end in a thread: playwright keeps a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(session())).result()


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder that install.py filled."""
    return Path(os.environ.get("MYSPINBOT_MODELS", BASE / "models" / "myspinbot"))


@pytest.fixture(scope="session")
def samples_dir() -> Path:
    return SAMPLES


MODEL_FOLDERS = (
    "audio_encoders",
    "checkpoints",
    "clip_vision",
    "diffusion_models",
    "facerestore_models",
    "loras",
    "model_patches",
    "spinbot_lipsync",
    "text_encoders",
    "upscale_models",
    "vae",
)


@pytest.fixture(scope="session")
def extra_models(tmp_path_factory) -> Path:
    """What the shared server also lists: folders for tiny models that tests make, and packs."""
    base = tmp_path_factory.mktemp("models")
    for name in MODEL_FOLDERS:
        (base / name).mkdir()
    lines = ["tests:", f"  base_path: {base}", *(f"  {name}: {name}" for name in MODEL_FOLDERS)]
    lines.append(f"  custom_nodes: {Path(__file__).parent / 'packs'}")
    (base / "paths.yaml").write_text("\n".join(lines), "utf-8")
    return base


@pytest.fixture(scope="session")
def comfy(tmp_path_factory, extra_models) -> Iterator[ComfyProcess]:
    """A ComfyUI with the pack under an awkward folder name, and folders of its own."""
    base = tmp_path_factory.mktemp("comfy")
    folders = [
        argument
        for name in ("input", "output", "temp", "user")
        for argument in (f"--{name}-directory", str(base / name))
    ]
    for name in ("input", "output", "user"):
        (base / name).mkdir()
    folders += ["--extra-model-paths-config", str(extra_models / "paths.yaml")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLLAMA_HOST", "127.0.0.1:9")  # whatever runs on this machine
        with ComfyProcess(BASE, base / "server.log", *folders) as server:
            yield server


@pytest.fixture(scope="session")
def lora_played(tmp_path_factory):
    """What lora_plays found out, all in one process."""
    import lora_plays
    import tiny_models
    from inside_comfyui import play
    from lora_nets import POSE

    folder = tmp_path_factory.mktemp("lora")
    built = tiny_models.build(folder / "models", *lora_plays.KINDS)
    paths = {kind: str(path) for kind, path in built.items()}
    parts = (lora_plays.FAMILIES, lora_plays.LOAD, lora_plays.FAULTS, lora_plays.RIGHT)
    return play(POSE + f"paths = {paths!r}\n" + "".join(parts) + lora_plays.END, folder)


@pytest.fixture
def run(comfy):
    """Queue an API-format prompt on the shared server: ``run(prompt) -> history entry``."""

    def queue(prompt, event=None):
        async def session():
            async with ComfyServer(comfy.url) as server:
                return await server.run(prompt, event)

        return _finish(session)

    return queue


@pytest.fixture
def llm_settings(comfy):
    """Write ComfyUI's llm.json: ``llm_settings(ollama={...}, servers={...})``."""
    path = comfy.log.parent / "user" / "__myspinbot" / "llm.json"
    path.parent.mkdir(exist_ok=True)
    yield lambda **parts: path.write_text(json.dumps(parts), "utf-8")
    path.unlink(missing_ok=True)


@pytest.fixture
def upload(comfy):
    def send(path):
        async def session():
            async with ComfyServer(comfy.url) as server:
                return await server.upload(path)

        return _finish(session)

    return send


@pytest.fixture
def download(comfy, tmp_path):
    """Fetch the only file that a finished run saved."""

    def fetch(entry):
        (file,) = [
            item
            for output in entry["outputs"].values()
            for items in output.values()
            for item in items
            if isinstance(item, dict) and item.get("type") == "output"
        ]

        async def session():
            async with ComfyServer(comfy.url) as server:
                await server.download(file, tmp_path / file["filename"])
            return tmp_path / file["filename"]

        return _finish(session)

    return fetch


@pytest.fixture(scope="session")
def finder(models_dir):
    from myspinbot.face.finder import FaceFinder

    return FaceFinder.load(models_dir)


@pytest.fixture(scope="session")
def voice_of():
    """Make a voice profile around a style: ``voice_of({"style": tensor}, language="de")``."""
    import torch

    from myspinbot.voice.profile import VoiceProfile

    def make(style, **facts):
        known = {
            "engine": "kokoro",
            "engine_version": "1",
            "embedding": torch.ones(256) / 16,
            "f0_median_hz": 111.5,
            "f0_log_std": 0.17,
            "words_per_minute": 150.0,
            "transcript": "Grüße, “world”",
            "consent": "I am the speaker.",
            "source_sha256": "00" * 32,
        }
        return VoiceProfile(style=style, **{**known, **facts})

    return make
