"""How fast a voice speaks: learned from a clip, and kept when it speaks."""

from functools import partial

import numpy as np
import pytest
import torch

from myspinbot.audio import Audio, read_audio
from myspinbot.voice import clip, pace
from myspinbot.voice.assemble import join
from myspinbot.voice.engines.kokoro import Kokoro
from myspinbot.voice.pace import FASTEST, SAMPLE, SLOWEST, match
from myspinbot.voice.speak import speak
from myspinbot.voice.text.sentences import split_sentences


def two_words_a_second(text: str) -> float:
    return len(text.split()) / 2


@pytest.mark.parametrize(
    ("words", "speech_s", "wanted"),
    [
        (20, 10, 1.0),
        (20, 9, 10 / 9),
        (20, 12, 10 / 12),
        (20, 6, FASTEST),
        (20, 18, SLOWEST),
        (20, 4, 1.0),
        (20, 25, 1.0),
        (200, 95, 100 / 95),
    ],
)
def test_the_pace_is_that_of_the_clip(words, speech_s, wanted):
    found, words_per_minute = match(two_words_a_second, "word " * words, speech_s)
    assert found == pytest.approx(wanted)
    count, pauses_s = len(SAMPLE.split()), pace.PAUSE_S * len(split_sentences(SAMPLE))
    assert words_per_minute == pytest.approx(60 * count / (count / 2 / wanted + pauses_s))


@pytest.fixture(scope="module")
def engine(models_dir) -> Kokoro:
    return Kokoro.load(models_dir)


def sounding(engine: Kokoro, style: torch.Tensor):
    return partial(engine.sounding_s, voice=style)


def style_at(style: torch.Tensor, speed: float) -> dict[str, torch.Tensor]:
    return {"style": style, "pace": torch.tensor([speed])}


@pytest.mark.weights
@pytest.mark.parametrize("speed", [0.85, 1.0, 1.15])
def test_the_pace_of_kokoro_is_found_in_its_own_speech(engine, speed, voice_of):
    style = engine.stock_style("af_heart")
    text = "The irons weighed four pounds, but heavier irons, seven or eight pounds. She had your "
    text += "dark suit in greasy wash water all year."
    sound, speech = join(speak(engine, text, voice_of(style_at(style, speed))))
    assert speech.duration_s == sound.duration_s
    ready = clip.prepare(sound, text)
    assert match(sounding(engine, style), text, ready.speech_s)[0] == pytest.approx(speed, rel=0.08)


@pytest.mark.weights
def test_the_words_per_minute_come_true(engine, voice_of):
    style = engine.stock_style("am_michael")
    promised = match(sounding(engine, style), "word", 100.0)[1]
    sound, _ = join(speak(engine, SAMPLE, voice_of(style_at(style, 1.0))))
    assert 60 * len(SAMPLE.split()) / sound.duration_s == pytest.approx(promised, rel=0.08)


@pytest.mark.weights
def test_a_long_recording_with_its_whole_transcript(engine, samples_dir):
    sound = read_audio(samples_dir / "voice.wav")
    text = (samples_dir / "voice.txt").read_text("utf-8")
    style = engine.stock_style("af_heart")
    thrice = Audio(np.tile(sound.samples, 3), sound.rate)
    clips = [clip.prepare(sound, text), clip.prepare(thrice, " ".join([text] * 3))]
    paces = [match(sounding(engine, style), c.transcript, c.speech_s)[0] for c in clips]
    assert paces[1] == pytest.approx(paces[0], rel=0.05)
