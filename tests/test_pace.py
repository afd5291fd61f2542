"""How fast a voice speaks: learned from a clip, and kept when it speaks."""

import numpy as np
import pytest
import torch

from myspinbot.audio import Audio, read_audio
from myspinbot.voice import clip, pace
from myspinbot.voice.engines.kokoro import Kokoro
from myspinbot.voice.pace import FASTEST, SAMPLE, SLOWEST, match
from myspinbot.voice.profile import VoiceProfile
from myspinbot.voice.sentences import split_sentences
from myspinbot.voice.speak import join, speak

STYLE = torch.zeros(256)


class Metronome:
    """An engine that says two words a second."""

    def sounding_s(self, text: str, style: torch.Tensor) -> float:
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
    found, words_per_minute = match(Metronome(), STYLE, "word " * words, speech_s)
    assert found == pytest.approx(wanted)
    count, pauses_s = len(SAMPLE.split()), pace.PAUSE_S * len(split_sentences(SAMPLE))
    assert words_per_minute == pytest.approx(60 * count / (count / 2 / wanted + pauses_s))


def test_it_can_be_cancelled_between_sentences():
    calls = 0

    def pulse():
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        match(Metronome(), STYLE, "One. Two. Three. Four.", 2, pulse)


@pytest.fixture(scope="module")
def engine(models_dir) -> Kokoro:
    return Kokoro.load(models_dir)


def profile(style: torch.Tensor, speed: float) -> VoiceProfile:
    tensors = {"style": style, "pace": torch.tensor([speed])}
    return VoiceProfile("kokoro", tensors, 0.0, 0.0, 150.0, "", "", "")


@pytest.mark.weights
@pytest.mark.parametrize("speed", [0.85, 1.0, 1.15])
def test_the_pace_of_kokoro_is_found_in_its_own_speech(engine, speed):
    style = engine.stock_style("af_heart")
    text = "The irons weighed four pounds, but heavier irons, seven or eight pounds. She had your "
    text += "dark suit in greasy wash water all year."
    sound, speech = join(speak(engine, text, profile(style, speed)))
    assert speech.duration_s == sound.duration_s
    ready = clip.prepare(sound, text)
    assert match(engine, style, text, ready.speech_s)[0] == pytest.approx(speed, rel=0.08)


@pytest.mark.weights
def test_the_words_per_minute_come_true(engine):
    style = engine.stock_style("am_michael")
    promised = match(engine, style, "word", 100.0)[1]
    sound, _ = join(speak(engine, SAMPLE, profile(style, 1.0)))
    assert 60 * len(SAMPLE.split()) / sound.duration_s == pytest.approx(promised, rel=0.08)


@pytest.mark.weights
def test_a_long_recording_with_its_whole_transcript(engine, samples_dir):
    sound = read_audio(samples_dir / "voice.wav")
    text = (samples_dir / "voice.txt").read_text("utf-8")
    style = engine.stock_style("af_heart")
    thrice = Audio(np.tile(sound.samples, 3), sound.rate)
    paces = [
        match(engine, style, words, clip.prepare(audio, words).speech_s)[0]
        for audio, words in ((sound, text), (thrice, " ".join([text] * 3)))
    ]
    assert paces[1] == pytest.approx(paces[0], rel=0.05)
