"""How long a text takes: as words tell it, and as the voice itself foretells it."""

from __future__ import annotations

import pytest

from myspinbot.narrative.timing import AVERAGE, Pace, spoken_words
from myspinbot.speech import LEAD_S, TAIL_S
from myspinbot.voice.assemble import join
from myspinbot.voice.engines.kokoro import Kokoro
from myspinbot.voice.length import foretold
from myspinbot.voice.pace import SAMPLE
from myspinbot.voice.speak import speak


def test_the_sentences_that_teach_a_pace_have_as_many_words_as_they_count():
    assert spoken_words(SAMPLE) == pytest.approx(len(SAMPLE.split()), abs=1)
    silence_s = LEAD_S + TAIL_S
    assert Pace(120).seconds(SAMPLE) - silence_s == pytest.approx(len(SAMPLE.split()) / 2, abs=0.5)


def test_words_and_seconds_are_two_sides_of_one():
    assert AVERAGE.words(AVERAGE.seconds(SAMPLE)) == pytest.approx(spoken_words(SAMPLE))


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ("I like a cat.", "I understand everybody."),
        ("I like tea and I like rain.", "I like tea, and, well, I like rain."),
        ("It was in May.", "It was in 1969."),
        ("I like it.", "I like NASA."),
        ("I like it a lot and you like it.", "I like it a lot. You like it."),
    ],
)
def test_what_takes_longer_to_say(less, more):
    assert spoken_words(less) < spoken_words(more)


def test_two_characters_of_chinese_are_a_word():
    assert spoken_words("我喜欢喝茶吗") - spoken_words("") == pytest.approx(3 + 3.5)


def test_an_engine_that_cannot_tell(voice_of):
    assert foretold(object(), voice_of({})) is None  # type: ignore[arg-type]


def test_a_text_that_grows_costs_only_what_is_new(voice_of):
    class Teller:
        asked: list[str] = []  # noqa: RUF012

        def sounding_s(self, text, voice, language):
            self.asked.append(text)
            return 1.0

    seconds = foretold(Teller(), voice_of({}))  # type: ignore[arg-type]
    assert seconds is not None
    one, two = "This is the first sentence of it.", "This is what comes after it, at last."
    first_s = seconds(one)
    assert seconds(f"{one} {two}") > first_s + 1
    assert Teller.asked == [one, two]


@pytest.mark.weights
def test_kokoro_takes_as_long_as_it_foretold(models_dir, voice_of):
    engine = Kokoro.load(models_dir)
    for voice, pace in (("af_heart", 1.1), ("am_michael", 0.9)):
        profile = voice_of({"style": engine.stock_style(voice), "pace": _tensor(pace)})
        text = "It has been on my mind for some time. Do you see it, too? Thank you."
        seconds = foretold(engine, profile)
        assert seconds is not None
        sound, _ = join(speak(engine, text, profile), lead_s=LEAD_S, tail_s=TAIL_S)
        assert seconds(text) == pytest.approx(sound.duration_s, rel=0.05)


def _tensor(value: float):
    import torch

    return torch.tensor([value])
