"""F5-TTS with few, random weights: files, prompt, tempo, long texts, and others' packages."""

from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("f5_tts", reason="needs the engine's packages")

from trouble import spoilt

from myspinbot.errors import BadInputError, MissingModelError
from myspinbot.voice.engines import ENGINES
from myspinbot.voice.engines.f5_sampling import HOP, RATE, STEPS

SENTENCE = "He opened the window and looked at the rain."


def test_weights_for_another_vocabulary_are_refused(folder):
    path = folder / "f5" / "vocab.txt"
    longer = path.read_bytes() + "ä\n".encode()
    with spoilt(path, longer), pytest.raises(MissingModelError, match=r"vocab\.txt"):
        ENGINES["f5"].open(folder)


def test_a_vocoder_that_runs_other_code_is_refused(folder):
    path = folder / "f5" / "vocos" / "config.yaml"
    other = path.read_bytes().replace(b"vocos.heads.ISTFTHead", b"os.system")
    with spoilt(path, other), pytest.raises(MissingModelError, match=r"os\.system"):
        ENGINES["f5"].open(folder)


def test_a_voice_is_a_prompt_with_the_pace_of_the_clip(voice):
    assert voice.method == "4.3 s of the clip as a prompt"
    assert voice.words_per_minute == pytest.approx(60 * 10 / (4 + 0.3), rel=0.03)


def test_the_voice_is_heard(engine, voice):
    first = engine.synthesize(SENTENCE, voice).samples
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
    with pytest.raises(BadInputError, match="letters П"):
        engine.synthesize("Привет, мир", voice)
    with pytest.raises(BadInputError, match="'de'"):
        engine.synthesize(SENTENCE, voice, language="de")


def test_a_spectrogram_of_another_size_is_refused(engine, voice_of):
    with pytest.raises(BadInputError, match="again with f5"):
        engine.synthesize(SENTENCE, voice_of({"mel": torch.zeros(400, 80)}))


def test_a_transcript_longer_than_the_clip_is_refused(engine, reference, listener):
    with pytest.raises(BadInputError, match="transcript"):
        engine.learn(replace(reference, transcript="word " * 200), listener)


def test_each_step_of_the_flow_ticks(engine, voice):
    ticks: list[tuple[int, int]] = []
    engine.synthesize(SENTENCE, voice, tick=lambda *t: ticks.append(t))
    assert ticks[-1][1] > STEPS


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


def test_the_first_import_leaves_others_packages_alone(folder):
    """In a process of its own, where nothing of the library has been imported yet."""
    script = """
import sys, types
mine = types.ModuleType("librosa")
sys.modules["librosa"] = mine
from pathlib import Path
from myspinbot.voice.engines import ENGINES
ENGINES["f5"].open(Path(sys.argv[1]))
assert sys.modules["librosa"] is mine
names = {name.partition(".")[0] for name in sys.modules}
heavy = {"wandb", "accelerate", "datasets", "gradio", "encodec", "transformers", "matplotlib"}
assert not names & (heavy | {"f5_tts", "vocos", "x_transformers", "stand_in"}), names
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
