"""Optional engines inside a real ComfyUI: learn, keep, speak, be thrown out, come back, cancel."""

from __future__ import annotations

import asyncio
import importlib
import json
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest
from prompts import get, inputs_of, load

from myspinbot.audio import read_audio
from myspinbot.client.server import ComfyServer
from myspinbot.errors import PromptRejectedError
from myspinbot.voice.engines import ENGINES
from scripts.environment import BASE
from scripts.serving import ComfyProcess

NAMES = ("piper", "xtts", "f5", "pocket")
pytestmark = [
    pytest.mark.comfy,
    pytest.mark.skipif(find_spec("TTS") is None, reason="needs the engines' packages"),
]


@pytest.fixture
def offline() -> None:
    """The server is on loopback; the engines themselves are cut off in their own tests."""


@pytest.fixture(scope="module")
def comfy(tmp_path_factory):
    """A ComfyUI whose models folder has the embedded weights and a tiny one of every engine."""
    base = tmp_path_factory.mktemp("comfy")
    models = base / "models" / "myspinbot"
    models.mkdir(parents=True)
    for path in (BASE / "models" / "myspinbot").iterdir():
        (models / path.name).symlink_to(path)
    for name in NAMES:
        if not ENGINES[name].absent(models):
            continue
        importlib.import_module(f"tiny_{name}").write(models)
    folders = ["--models-directory", str(base / "models")]
    for name in ("input", "output", "temp", "user"):
        (base / name).mkdir()
        folders += [f"--{name}-directory", str(base / name)]
    with ComfyProcess(BASE, base / "server.log", *folders) as server:
        yield server


@pytest.fixture
def clone(upload, samples_dir):
    prompt = load("clone_voice")
    inputs_of(prompt, "LoadAudio")["audio"] = upload(samples_dir / "voice.wav")
    transcript = (samples_dir / "voice.txt").read_text("utf-8").strip()
    inputs_of(prompt, "MySpinBot_VoiceProfile").update(transcript=transcript, fit_steps=0)
    return prompt


def unload(comfy):
    body = json.dumps({"unload_models": True, "free_memory": False}).encode()
    request = urllib.request.Request(f"{comfy.url}/free", body)
    urllib.request.urlopen(request).close()


def test_all_are_usable(comfy):
    engines = get(comfy, "/myspinbot/capabilities")["engines"]["voice"]
    assert [name for name in NAMES if not engines[name]["usable"]] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_learns_speaks_leaves_and_returns(name, clone, run, download, comfy):
    inputs_of(clone, "MySpinBot_VoiceProfile")["engine"] = name
    inputs_of(clone, "MySpinBot_SaveVoice")["name"] = name
    inputs_of(clone, "MySpinBot_Speak")["text"] = "Hello from a very small net."
    assert read_audio(download(run(clone))).duration_s > 0.5
    saved = {voice["name"]: voice for voice in get(comfy, "/myspinbot/voices")["voices"]}
    assert saved[f"{name}.safetensors"]["engine"] == name
    unload(comfy)
    again = {
        "1": {"class_type": "MySpinBot_LoadVoice", "inputs": {"name": f"{name}.safetensors"}},
        "2": {
            "class_type": "MySpinBot_Speak",
            "inputs": {"voice": ["1", 0], "text": "The net is back.", "speed": 1.0, "seed": 1},
        },
        "3": {
            "class_type": "SaveAudioAdvanced",
            "inputs": {"audio": ["2", 0], "filename_prefix": name, "format": "flac"},
        },
    }
    assert read_audio(download(run(again))).duration_s > 0.3


@pytest.mark.parametrize("name", NAMES)
def test_speech_can_be_cancelled(name, clone, comfy):
    inputs_of(clone, "MySpinBot_VoiceProfile")["engine"] = name
    long = " ".join(f"This is the sentence with the number {n} in it." for n in range(400))
    inputs_of(clone, "MySpinBot_Speak")["text"] = long
    (speak,) = [k for k, node in clone.items() if node["class_type"] == "MySpinBot_Speak"]

    async def session():
        async with ComfyServer(comfy.url) as server:
            reached, loop = asyncio.Event(), asyncio.get_running_loop()

            def event(kind, data):
                if kind == "executing" and data.get("node") == speak:
                    loop.call_later(1.0, reached.set)

            task = asyncio.create_task(server.run(clone, event))
            await asyncio.wait_for(reached.wait(), 120)
            cancelled = loop.time()
            await server.session.post(f"{comfy.url}/interrupt")
            with pytest.raises(PromptRejectedError, match="cancelled"):
                await task
            return loop.time() - cancelled

    assert asyncio.run(session()) < 2


def test_a_voice_names_the_licence_of_its_engine(clone, run):
    inputs_of(clone, "MySpinBot_VoiceProfile")["engine"] = "f5"
    texts = [t for out in run(clone)["outputs"].values() for t in out.get("text", [])]
    report = json.loads(next(t for t in texts if t.startswith("{")))
    assert "non-commercial" in report["licence"]


def test_the_log_has_no_complaint_of_ours(comfy):
    lines = Path(comfy.log).read_text("utf-8", "replace").splitlines()
    assert not [line for line in lines if "IMPORT FAILED" in line]
