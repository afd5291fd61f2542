"""What all optional engines promise, each through its real library with tiny random weights."""

from __future__ import annotations

import copy
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from trouble import Cancelled, cancel_after, spoilt

from myspinbot.errors import BadInputError, MissingDependencyError, MissingModelError
from myspinbot.voice.engines import ENGINES
from myspinbot.voice.enroll import enroll
from myspinbot.voice.profile import VoiceProfile
from myspinbot.voice.speak import Delivery, speak
from myspinbot.voice.text.pronunciation import Pronunciations

SENTENCE = "He opened the window and looked at the rain."
CLONING = ("f5", "pocket", "xtts")
"""Those whose nets run in torch, and are read at once."""
ADVICE = {
    "f5": ("huggingface.co/SWivid/F5-TTS", "CC-BY-NC-4.0"),
    "piper": ("install.py --extras", "CC0-1.0"),
    "pocket": (
        "huggingface.co/kyutai/pocket-tts (",
        "kyutai/pocket-tts-without-voice-cloning",
        "CC-BY-4.0",
    ),
    "xtts": ("huggingface.co/coqui/XTTS-v2", "CPML"),
}
"""Where the weights are to be found, and under which licence."""
PACKAGES = {
    "f5": ("vocos", "pip install --no-deps f5-tts"),
    "piper": ("piper", "pip install piper-tts onnx"),
    "pocket": ("pocket_tts", "pip install pocket-tts"),
    "xtts": ("TTS", 'pip install "coqui-tts[codec]" six'),
}


@pytest.fixture(scope="module", params=[*ADVICE])
def engine_name(request: pytest.FixtureRequest) -> str:
    if ENGINES[request.param].missing:
        pytest.skip("needs the engine's packages")
    return request.param


def test_each_missing_file_is_asked_for_by_name(engine_name, folder):
    for file in ENGINES[engine_name].files:
        with spoilt(folder / file, None), pytest.raises(MissingModelError) as caught:
            ENGINES[engine_name].open(folder)
        for part in (file, str(folder), *ADVICE[engine_name]):
            assert part in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>Log in</html>", b"version: [\xff"])
@pytest.mark.parametrize("engine_name", CLONING, indirect=True)
def test_a_damaged_file_is_told(engine_name, folder, content):
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        with spoilt(path, content), pytest.raises(MissingModelError, match="fetch") as caught:
            ENGINES[engine_name].open(folder)
        assert str(path.parent) in str(caught.value)


def test_a_missing_package_is_named(engine_name, monkeypatch):
    package, command = PACKAGES[engine_name]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError) as caught:
        ENGINES[engine_name].load()
    assert f" needs {package}. " in str(caught.value)
    assert command in str(caught.value)


def test_a_voice_survives_its_file_and_speaks(engine, voice, tmp_path):
    voice.save(tmp_path / "me.safetensors")
    chunk = engine.synthesize(SENTENCE, VoiceProfile.load(tmp_path / "me.safetensors"))
    assert chunk.samples.shape[0] == 1
    assert chunk.samples.dtype == np.float32
    assert 0 < np.abs(chunk.samples).max() <= 1  # and no NaN
    assert chunk.rate == engine.sample_rate
    assert chunk.sentence.text == SENTENCE
    assert chunk.sentence.end_s == chunk.samples.shape[1] / chunk.rate > 0.2
    np.testing.assert_array_equal(engine.synthesize(SENTENCE, voice).samples, chunk.samples)


def test_the_seed_decides_and_nothing_else(engine, voice):
    first = engine.synthesize(SENTENCE, voice, seed=7).samples
    for other in range(3):  # where a library has threads, they race
        torch.manual_seed(other)
        np.random.seed(other)
        np.testing.assert_array_equal(engine.synthesize(SENTENCE, voice, seed=7).samples, first)
    last = engine.synthesize(SENTENCE, voice, seed=2**63 - 1).samples
    assert not np.array_equal(last, first)


def test_the_text_is_heard(engine, voice):
    first = engine.synthesize(SENTENCE, voice).samples
    other = engine.synthesize(SENTENCE.replace("rain", "lawn"), voice).samples
    assert not np.array_equal(other, first)


def test_what_no_engine_says_is_refused(engine, voice, voice_of):
    with pytest.raises(BadInputError, match=r"nothing in '\.\.\. !\?' can be spoken"):
        engine.synthesize("... !?", voice)
    with pytest.raises(BadInputError, match="'tlh'"):
        engine.synthesize(SENTENCE, voice, language="tlh")
    for speed in (0.4, 2.5):
        with pytest.raises(BadInputError, match=r"0\.5\.\.2\.0"):
            engine.synthesize(SENTENCE, voice, speed=speed)
    for style in ({"style": torch.zeros(256)}, {}):
        with pytest.raises(BadInputError, match=rf"'kokoro'.* again with {engine.name}"):
            engine.synthesize(SENTENCE, voice_of(style))


@pytest.mark.parametrize("engine_name", CLONING, indirect=True)
def test_pronunciations_are_respelled(engine, voice):
    words = Pronunciations.parse("rain = rayn")
    said = engine.synthesize("Look at the rain today.", voice, pronunciations=words)
    np.testing.assert_array_equal(
        said.samples, engine.synthesize("Look at the rayn today.", voice).samples
    )
    assert said.sentence.text == "Look at the rain today."
    with pytest.raises(BadInputError, match="IPA"):
        engine.synthesize("[Rain](/ɹeɪn/) again.", voice)


def test_ticks_and_cancel(engine, voice, reference, listener, no_trace, monkeypatch):
    monkeypatch.setattr("myspinbot.voice.engines.guest._TICK_S", 0.0)
    spoken: list[tuple[int, int]] = []
    learnt: list[tuple[int, int]] = []
    text = "One. Two. Three."
    chunk = engine.synthesize(text, voice, tick=lambda *t: spoken.append(t))
    engine.learn(reference, listener, tick=lambda *t: learnt.append(t))
    assert spoken[0][0] == 0
    assert spoken[-1][0] == spoken[-1][1]
    assert all(done <= total for done, total in [*spoken, *learnt])
    running = threading.active_count()
    for calls in (0, 1, len(spoken) // 2):
        with no_trace(), pytest.raises(Cancelled):
            engine.synthesize(text, voice, tick=cancel_after(calls))
        assert threading.active_count() == running
    for calls in (0, len(learnt) // 2):
        with no_trace(), pytest.raises(Cancelled):
            engine.learn(reference, listener, tick=cancel_after(calls))
    assert not any(m._forward_pre_hooks for net in engine.modules() for m in net.modules())
    np.testing.assert_array_equal(engine.synthesize(text, voice).samples, chunk.samples)


def test_under_inference_mode_and_after_moves(engine, voice, reference, listener):
    expected = engine.synthesize(SENTENCE, voice).samples
    with torch.inference_mode():
        made = enroll(engine, listener, reference)
        np.testing.assert_array_equal(engine.synthesize(SENTENCE, made).samples, expected)
    assert not any(tensor.is_inference() for tensor in made.style.values())
    np.testing.assert_array_equal(engine.synthesize(SENTENCE, made).samples, expected)
    for module in engine.modules():
        module.eval().to("cpu").device = torch.device("cpu")  # as ComfyUI's ModelPatcher does
    np.testing.assert_array_equal(engine.synthesize(SENTENCE, voice).samples, expected)


@pytest.mark.parametrize("engine_name", CLONING, indirect=True)
def test_a_copy_says_the_same(engine, voice):
    expected = engine.synthesize(SENTENCE, voice).samples
    twin = copy.deepcopy(engine)
    np.testing.assert_array_equal(twin.synthesize(SENTENCE, voice).samples, expected)


def test_it_leaves_no_trace(engine_name, folder, reference, listener, no_trace):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with no_trace():
            engine = ENGINES[engine_name].open(folder)
            engine.synthesize(SENTENCE, enroll(engine, listener, reference))
    finally:
        torch.set_num_threads(threads)


FIRST_IMPORT = """
import os, sys, warnings, logging, torch
from pathlib import Path
from myspinbot.voice.engines import ENGINES
def traces():
    backend = sys.modules["matplotlib"].rcParams["backend"] if "matplotlib" in sys.modules else ""
    root = logging.getLogger()
    return (dict(os.environ), list(warnings.filters), torch.get_num_threads(), sys.path[:],
            root.handlers[:], root.level, torch.get_rng_state().tolist(), backend,
            torch.get_float32_matmul_precision())
torch.set_num_threads(3)
before = traces()
_, name, package, folder = sys.argv
ENGINES[name].load()
assert package not in sys.modules, "heavy before it is used"
ENGINES[name].open(Path(folder))
assert traces() == before
"""


@pytest.mark.parametrize("engine_name", CLONING, indirect=True)
def test_the_first_import_leaves_no_trace(engine_name, folder):
    """In a process of its own, where nothing of the library has been imported yet."""
    arguments = [engine_name, PACKAGES[engine_name][0], str(folder)]
    done = subprocess.run(
        [sys.executable, "-c", FIRST_IMPORT, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_it_speaks_through_the_pack(engine, voice):
    text = "Hello there. Nobody came."
    pieces = list(speak(engine, text, voice, Delivery(seed=3)))
    assert " ".join(piece.chunk.sentence.text for piece in pieces if piece.chunk) == text
