"""F5-TTS with few, random weights: files, prompt, tempo, seeds, cancelling, and no traces."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("f5_tts", reason="needs the engine's packages")

import tiny_f5

from myspinbot.errors import BadInputError, MissingDependencyError, MissingModelError
from myspinbot.voice.engines import ENGINES
from myspinbot.voice.engines.f5 import F5
from myspinbot.voice.engines.f5_sampling import HOP, RATE, STEPS
from myspinbot.voice.enroll import enroll
from myspinbot.voice.profile import VoiceProfile
from myspinbot.voice.speak import Delivery, speak
from myspinbot.voice.text.pronunciation import Pronunciations

SENTENCE = "He opened the window and looked at the rain."
FILES = ("model_1250000.safetensors", "vocab.txt", "vocos/config.yaml", "vocos/pytorch_model.bin")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models")
    tiny_f5.write(path)
    return path


@pytest.fixture(scope="module")
def engine(folder: Path) -> F5:
    return ENGINES["f5"].open(folder)


@pytest.fixture(scope="module")
def voice(engine: F5, reference, listener) -> VoiceProfile:
    return enroll(engine, listener, reference)


class Cancelled(BaseException):
    """As ComfyUI's own is: no Exception."""


def cancel_after(calls: int):
    def tick(done: int, total: int) -> None:
        nonlocal calls
        calls -= 1
        if calls < 0:
            raise Cancelled

    return tick


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_asked_for_by_name(folder, tmp_path, name):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "f5" / name).unlink()
    with pytest.raises(MissingModelError) as caught:
        ENGINES["f5"].open(tmp_path)
    for part in (f"f5/{name}", str(tmp_path), "huggingface.co/SWivid/F5-TTS", "CC-BY-NC-4.0"):
        assert part in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named(folder, tmp_path, name):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "f5" / name).write_bytes(b"class_path: [\xff")
    with pytest.raises(MissingModelError, match=name.split("/")[0].replace(".", r"\.")):
        ENGINES["f5"].open(tmp_path)


def test_weights_for_another_vocabulary_are_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with open(tmp_path / "f5" / "vocab.txt", "a", encoding="utf-8") as file:
        file.write("ä\n")
    with pytest.raises(MissingModelError, match=r"vocab\.txt"):
        ENGINES["f5"].open(tmp_path)


def test_a_vocoder_that_runs_other_code_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "f5" / "vocos" / "config.yaml"
    config.write_text(config.read_text().replace("vocos.heads.ISTFTHead", "os.system"))
    with pytest.raises(MissingModelError, match=r"os\.system"):
        ENGINES["f5"].open(tmp_path)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "vocos", None)
    with pytest.raises(
        MissingDependencyError, match=r"needs vocos\. .*pip install --no-deps f5-tts"
    ):
        ENGINES["f5"].load()


def test_a_voice_survives_its_file_and_speaks(engine, voice, tmp_path):
    voice.save(tmp_path / "me.safetensors")
    loaded = VoiceProfile.load(tmp_path / "me.safetensors")
    assert loaded.method == "4.3 s of the clip as a prompt"
    assert loaded.words_per_minute == pytest.approx(60 * 10 / (4 + 0.3), rel=0.03)
    chunk = engine.synthesize(SENTENCE, loaded)
    assert chunk.samples.shape[0] == 1
    assert chunk.samples.dtype == np.float32
    assert np.isfinite(chunk.samples).all()
    assert np.abs(chunk.samples).max() <= 1
    assert chunk.sentence.end_s == chunk.samples.shape[1] / RATE
    assert chunk.sentence.text == SENTENCE
    assert chunk.sentence.words == ()
    again = engine.synthesize(SENTENCE, voice)
    np.testing.assert_array_equal(again.samples, chunk.samples)


def test_the_seed_decides_and_nothing_else(engine, voice):
    torch.manual_seed(1)
    first = engine.synthesize(SENTENCE, voice, seed=7).samples
    torch.manual_seed(2)
    np.testing.assert_array_equal(engine.synthesize(SENTENCE, voice, seed=7).samples, first)
    assert not np.array_equal(engine.synthesize(SENTENCE, voice, seed=8).samples, first)


def test_text_and_voice_are_heard(engine, voice):
    first = engine.synthesize(SENTENCE, voice).samples
    other = engine.synthesize(SENTENCE.replace("rain", "lawn"), voice).samples
    assert other.shape == first.shape
    assert not np.array_equal(other, first)
    softer = replace(voice, style={"mel": voice.style["mel"] - 1})
    assert not np.array_equal(engine.synthesize(SENTENCE, softer).samples, first)


def test_the_tempo_is_that_of_the_reference(engine, voice):
    """As many bytes a second as the prompt has, its added full stop and space included."""
    prompt = len(voice.transcript + ". ")
    spoken_s = len(voice.style["mel"]) * HOP / RATE - 0.25
    expected_s = spoken_s / prompt * len(SENTENCE)
    for speed in (0.5, 1.0, 2.0):
        chunk = engine.synthesize(SENTENCE, voice, speed=speed)
        assert chunk.sentence.end_s == pytest.approx(expected_s / speed, abs=0.03)
    assert engine.synthesize("Yes.", voice).sentence.end_s == pytest.approx(
        spoken_s / prompt * 4 / 0.3, abs=0.03
    )


def test_the_reference_ends_in_silence(voice):
    mel = voice.style["mel"]
    quiet = round(0.2 * RATE / HOP)
    assert mel[-quiet:].max() == pytest.approx(np.log(1e-5))
    assert mel[:-quiet].mean() > -8


def test_a_long_text_is_said_in_parts(engine, voice):
    text = "; ".join(["so it went on and on and on, day after day"] * 9) + "."
    whole = engine.synthesize(text, voice)
    spoken_s = len(voice.style["mel"]) * HOP / RATE - 0.25
    expected_s = spoken_s / len(voice.transcript + ". ") * len(text)
    assert expected_s > 22  # more than fits the window at once
    assert whole.sentence.end_s == pytest.approx(expected_s, rel=0.05)
    assert np.abs(whole.samples[0]).max() > 0


def test_chinese_and_english_are_read(engine, voice):
    assert engine.synthesize("你好。", voice, language="zh").sentence.end_s > 0.2


def test_what_cannot_be_said_is_refused(engine, voice):
    with pytest.raises(BadInputError, match="at least one word"):
        engine.synthesize("... !?", voice)
    with pytest.raises(BadInputError, match="letters П"):
        engine.synthesize("Привет, мир", voice)
    with pytest.raises(BadInputError, match="'de'"):
        engine.synthesize(SENTENCE, voice, language="de")
    with pytest.raises(BadInputError, match=r"0\.5"):
        engine.synthesize(SENTENCE, voice, speed=0.4)


def test_a_voice_of_another_engine_is_refused(engine, voice_of):
    for style in ({"style": torch.zeros(256)}, {"mel": torch.zeros(400, 80)}, {}):
        with pytest.raises(BadInputError, match="engine 'kokoro', not of f5"):
            engine.synthesize(SENTENCE, voice_of(style))


def test_a_transcript_longer_than_the_clip_is_refused(engine, reference, listener):
    with pytest.raises(BadInputError, match="transcript"):
        engine.learn(replace(reference, transcript="word " * 200), listener)


def test_pronunciations_are_respelled(engine, voice):
    words = Pronunciations.parse("rain = rayn")
    said = engine.synthesize("Look at the rain today.", voice, pronunciations=words)
    np.testing.assert_array_equal(
        said.samples, engine.synthesize("Look at the rayn today.", voice).samples
    )
    assert said.sentence.text == "Look at the rain today."
    with pytest.raises(BadInputError, match="IPA"):
        engine.synthesize("[Rain](/ɹeɪn/) again.", voice)


def test_ticks_and_cancel(engine, voice, reference, listener, no_trace):
    ticks: list[tuple[int, int]] = []
    chunk = engine.synthesize(SENTENCE, voice, tick=lambda *t: ticks.append(t))
    assert ticks[-1][0] == ticks[-1][1] > STEPS
    assert all(done <= total for done, total in ticks)
    with no_trace(), pytest.raises(Cancelled):
        engine.synthesize(SENTENCE, voice, tick=cancel_after(0))
    with pytest.raises(Cancelled):
        engine.learn(reference, listener, tick=cancel_after(1))
    assert not any(m._forward_pre_hooks for net in engine.modules() for m in net.modules())
    np.testing.assert_array_equal(engine.synthesize(SENTENCE, voice).samples, chunk.samples)


def test_under_inference_mode_and_after_moves(engine, voice, reference, listener):
    expected = engine.synthesize(SENTENCE, voice).samples
    with torch.inference_mode():
        made = enroll(engine, listener, reference)
        np.testing.assert_array_equal(engine.synthesize(SENTENCE, made).samples, expected)
    for module in engine.modules():
        module.to("cpu")
    np.testing.assert_array_equal(engine.synthesize(SENTENCE, voice).samples, expected)
    twin = F5(*copy.deepcopy((engine.net, engine.vocoder)), engine.vocabulary)
    np.testing.assert_array_equal(twin.synthesize(SENTENCE, voice).samples, expected)


def test_the_modules_hold_all_that_is_on_a_device(engine, voice):
    """On "meta" every tensor outside the modules would clash with those inside."""
    net = copy.deepcopy(engine.net).to("meta")
    flow = net(
        x=torch.zeros(1, 40, 100, device="meta"),
        cond=torch.zeros(1, 40, 100, device="meta"),
        text=torch.zeros(1, 9, dtype=torch.long, device="meta"),
        time=torch.zeros((), device="meta"),
        cfg_infer=True,
    )
    assert flow.device.type == "meta"
    spoken = copy.deepcopy(engine.vocoder)
    spoken = spoken.to("meta").get_submodule("backbone")(torch.zeros(1, 100, 40, device="meta"))
    assert spoken.device.type == "meta"


def test_it_leaves_no_trace(folder, reference, listener, no_trace):
    with no_trace():
        engine = ENGINES["f5"].open(folder)
        voice = enroll(engine, listener, reference)
        engine.synthesize(SENTENCE, voice)


def test_the_first_import_leaves_others_packages_alone(folder):
    """In a process of its own, where nothing of the library has been imported yet."""
    script = """
import sys, os, types, warnings, torch
mine = types.ModuleType("librosa")
sys.modules["librosa"] = mine
before = dict(os.environ), list(warnings.filters), torch.get_num_threads(), sys.path[:]
from pathlib import Path
from myspinbot.voice.engines import ENGINES
ENGINES["f5"].open(Path(sys.argv[1]))
assert before == (dict(os.environ), list(warnings.filters), torch.get_num_threads(), sys.path)
assert sys.modules["librosa"] is mine
names = {name.partition(".")[0] for name in sys.modules}
heavy = {"wandb", "accelerate", "datasets", "gradio", "encodec", "transformers", "matplotlib"}
assert not names & (heavy | {"f5_tts", "vocos", "x_transformers", "stand_in"}), names
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_it_speaks_through_the_pack(engine, voice):
    pieces = list(speak(engine, "Hello there. Nobody came.", voice, Delivery(seed=3)))
    assert [piece.chunk.sentence.text for piece in pieces if piece.chunk]
