"""The measures on finished output: similarity, intelligibility, sync."""

import json
import math
import time
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from myspinbot.audio import Audio, read_audio
from myspinbot.errors import BadInputError, MissingModelError
from myspinbot.quality import report, sync
from myspinbot.quality.engines import ENGINES
from myspinbot.quality.intelligibility import edit_distance, word_errors
from myspinbot.quality.similarity import HeldOutEncoder
from myspinbot.quality.takes import judge
from myspinbot.speech import Phoneme, Sentence, Speech, Word
from myspinbot.video import write_mp4


@pytest.mark.parametrize(
    ("wanted", "heard", "errors"),
    [
        ("From one to ten, Mr. Smith!", "from 1 to 10 mister smith", 0),
        ("In 1999, twenty-five percent.", "In nineteen ninety-nine 25%.", 0),
        ("It's 1,000,000 people — so many.", "it is one million people so many", 0),
        ("The cat sat", "the cat", 1),
        ("The cat sat", "a cat sat down", 2),
        ("", "", 0),
    ],
)
def test_only_real_errors_count(wanted, heard, errors):
    assert word_errors(wanted, heard).errors == errors


def test_rates_of_odd_texts():
    assert word_errors("cat", "dogs are here").rate == 3
    assert word_errors("...", "hello").rate == 1
    assert word_errors("...", "").rate == 0
    assert word_errors("Grüße aus Köln!", "grüße aus köln", "de").rate == 0


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_edit_distance_is_a_distance(a, b):
    distance = edit_distance(a, b)
    assert distance == edit_distance(b, a)
    assert abs(len(a) - len(b)) <= distance <= max(len(a), len(b))
    assert (distance == 0) == (a == b)


def test_long_texts_are_compared_quickly():
    words = [str(number % 997) for number in range(5_000)]
    start = time.process_time()
    assert edit_distance(words, [*words[1:2_000], "new", "words", *words[2_001:]]) == 3
    assert edit_distance(words, []) == edit_distance([], words) == 5_000
    assert time.process_time() - start < 2


def test_recogniser_says_what_is_missing(tmp_path):
    pytest.importorskip("faster_whisper")
    with pytest.raises(MissingModelError, match=r"model\.bin.*install\.py --judges"):
        ENGINES["whisper-base"].open(tmp_path)
    (tmp_path / "whisper-base").mkdir()
    for name in ENGINES["whisper-base"].files:
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(MissingModelError, match=r"damaged.*install\.py --judges"):
        ENGINES["whisper-base"].open(tmp_path)


SYMBOLS = ["p", "ɑ", "s", "i", "m", "æ", "t", "u", "b", "ɛ", "n", "aɪ"]


def spoken(seed: int = 0) -> Speech:
    """Ten seconds of random syllables with pauses."""
    random = np.random.default_rng(seed)
    phonemes, time = [], 0.2
    while time < 9.5:
        symbol, length = SYMBOLS[random.integers(len(SYMBOLS))], random.uniform(0.06, 0.18)
        phonemes.append(Phoneme(symbol, time, time + length))
        time += length + (0.4 if random.random() < 0.1 else 0)
    words = (Word("la", 0.2, time, tuple(phonemes)),)
    return Speech((Sentence("la", 0.2, time, words),), 10.0)


def mouth(speech: Speech, fps: float = 25, late_s: float = 0.0) -> np.ndarray:
    curve = sync.openness(speech, 1000)
    times = (np.arange(round(10 * fps)) + 0.5) / fps - late_s
    return 0.02 + 0.15 * np.interp(times, (np.arange(1000) + 0.5) / 100, curve)


@pytest.mark.parametrize("fps", [24, 25, 29.97, 60])
def test_a_mouth_that_follows_is_in_sync(fps):
    result = sync.measure(mouth(spoken(), fps), fps, spoken())
    assert result.in_sync
    assert result.correlation > 0.97
    assert abs(result.lag_ms) <= 10
    assert result.bilabials > 10
    assert result.bilabials_closed is not None
    assert result.bilabials_closed > 0.8


@pytest.mark.parametrize("late_s", [-0.4, -0.2, 0.2, 0.4])
def test_a_shifted_mouth_fails_and_its_delay_is_told(late_s):
    result = sync.measure(mouth(spoken(), late_s=late_s), 25, spoken())
    assert result.lag_ms == pytest.approx(1000 * late_s, abs=20)
    assert not result.in_sync


def test_a_random_or_still_mouth_fails():
    random = sync.measure(mouth(spoken(1)), 25, spoken(0))
    assert not random.in_sync
    still = sync.measure(np.full(250, 0.1), 25, spoken())
    assert not still.moves
    assert not still.in_sync
    assert still.bilabials_closed is None


def test_lips_that_never_close_are_told():
    gap = np.maximum(mouth(spoken()), 0.08)
    gap[:10] = 0.02
    result = sync.measure(gap, 25, spoken())
    assert result.bilabials_closed is not None
    assert result.bilabials_closed < 0.2


def test_sync_with_the_sound_alone():
    wave = np.repeat(sync.openness(spoken(), 1000), 160) * np.sin(np.arange(160_000) * 0.3) * 0.3
    audio = Audio(wave[None].astype(np.float32), 16_000)
    assert sync.measure(mouth(spoken()), 25, audio).in_sync
    late = sync.measure(mouth(spoken(), late_s=0.3), 25, audio)
    assert late.lag_ms == pytest.approx(300, abs=40)
    assert not late.in_sync
    silent = Audio(np.zeros((1, 160_000), np.float32), 16_000)
    assert not sync.measure(mouth(spoken()), 25, silent).in_sync


def test_missing_faces_are_bridged_up_to_a_point():
    gap = mouth(spoken())
    gap[::10] = math.nan
    assert sync.measure(gap, 25, spoken()).in_sync
    gap[::2] = math.nan
    with pytest.raises(BadInputError, match="No face was found in 125 of 250 frames"):
        sync.measure(gap, 25, spoken())
    with pytest.raises(BadInputError, match="too few"):
        sync.measure(gap[:10], 25, spoken())


@pytest.mark.parametrize("content", [None, b"", b"rubbish" * 9])
def test_a_damaged_similarity_model_is_told(content, tmp_path):
    path = tmp_path / "dvector.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MissingModelError, match=r"dvector\.safetensors.*install\.py"):
        HeldOutEncoder.load(path)


def test_weights_of_another_model_are_told(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "x")
    with pytest.raises(MissingModelError):
        HeldOutEncoder.load(tmp_path / "x")


@pytest.fixture
def voice_clips(samples_dir) -> tuple[Path, Path]:
    """A woman and a man."""
    return samples_dir / "voice.wav", samples_dir / "voice_man.wav"


def test_a_long_recording_is_judged_by_its_first_minute():
    torch.manual_seed(0)
    encoder = HeldOutEncoder()
    torch.nn.init.uniform_(encoder.mel, 0, 1)
    noise = np.random.default_rng(0).normal(size=(2, 16_000 * 61)).astype(np.float32) * 0.1
    ticks: list[tuple[int, int]] = []
    minute = encoder.embed(Audio(noise[:, : 16_000 * 60], 16_000))
    more = encoder.embed(Audio(noise, 16_000), lambda done, total: ticks.append((done, total)))
    assert torch.equal(minute, more)
    assert ticks == [(32 * step, 148) for step in range(5)]


@pytest.mark.weights
def test_similarity_knows_speakers_apart(models_dir, voice_clips):
    encoder = HeldOutEncoder.load(models_dir / "dvector.safetensors")
    woman, man = (read_audio(path) for path in voice_clips)
    half = woman.samples.shape[1] // 2
    parts = [Audio(woman.samples[:, :half], woman.rate), Audio(woman.samples[:, half:], woman.rate)]
    same, other = encoder.cosine(parts[0], parts[1]), encoder.cosine(woman, man)
    assert same > 0.75
    assert other < 0.55
    louder = Audio(np.repeat(woman.samples, 2, axis=0), woman.rate)
    assert encoder.cosine(woman, louder) == pytest.approx(1, abs=1e-4)
    with pytest.raises(BadInputError, match="too short"):
        encoder.embed(Audio(woman.samples[:, :100], woman.rate))
    with pytest.raises(BadInputError, match="NaN"):
        encoder.embed(Audio(np.full((1, 16_000), np.nan, np.float32), 16_000))


class Hearing:
    def transcribe(self, audio, language="en", tick=None):
        return "the cat sat on a hat"


def test_a_take_is_judged_and_told():
    sound, axis = Audio(np.zeros((1, 16_000), np.float32), 16_000), torch.eye(256)
    told = []
    score = judge(
        lambda audio: 0.6 * axis[0] + 0.8 * axis[1],
        axis[0],
        Hearing(),
        tell=lambda measure, value: told.append((measure, round(value, 3))),
    )
    assert score(sound, "the cat sat on a mat") == pytest.approx(0.6 - 4 / 6)
    assert told == [("take_similarity", 0.6), ("take_intelligibility", 0.833)]


class GreyVideo:
    """Each frame is as bright as the mouth is open."""

    width, height, fps, frame_count = 32, 32, Fraction(25), 250

    def __init__(self, sounds: bool) -> None:
        samples = np.zeros((1, 240_000), np.float32)
        self.audio = Audio(samples, 24_000) if sounds else None

    def frames(self):
        for gap in mouth(spoken()):
            yield np.full((32, 32, 3), round(gap * 1_000), np.uint8)


def brightness(frame: np.ndarray, previous: object) -> Any:
    """A tracker that reads the mouth gap from the brightness."""
    return SimpleNamespace(mouth_gap=float(frame.mean()) / 1_000)


def test_a_report_of_a_video(tmp_path):
    path = tmp_path / "talk.mp4"
    write_mp4(path, GreyVideo(sounds=True))
    seen = []
    figures = report.measure(
        path, track=brightness, spoken=spoken(), tick=lambda done, total: seen.append((done, total))
    )
    assert figures.keys() == {"file", "sync"}
    assert figures["sync"]["in_sync"]
    assert figures["sync"]["correlation"] > 0.95
    assert seen[-1] == (250, 250)
    json.dumps(figures)


def test_a_report_needs_sound(tmp_path):
    path = tmp_path / "mute.mp4"
    write_mp4(path, GreyVideo(sounds=False))
    assert report.measure(path).keys() == {"file"}
    with pytest.raises(BadInputError, match="no sound"):
        report.measure(path, track=brightness)


@pytest.mark.weights
def test_the_recogniser_understands(models_dir, samples_dir):
    pytest.importorskip("faster_whisper")
    recogniser = ENGINES["whisper-base"].open(models_dir)
    heard = recogniser.transcribe(read_audio(samples_dir / "voice.wav"))
    text = (samples_dir / "voice.txt").read_text("utf-8")
    assert word_errors(text, heard).rate < 0.25
    assert recogniser.transcribe(Audio(np.zeros((1, 16_000), np.float32), 16_000)) == ""
    with pytest.raises(BadInputError, match="xx"):
        recogniser.transcribe(Audio(np.zeros((1, 16_000), np.float32), 16_000), "xx")
