"""A whole text: pieces, cache, takes, joints, loudness. The engine here hums, to be quick."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from myspinbot.audio import Audio
from myspinbot.errors import BadInputError
from myspinbot.progress import no_tick
from myspinbot.speech import Phoneme, Sentence, Word
from myspinbot.voice.assemble import Spoken, join
from myspinbot.voice.engines import Chunk
from myspinbot.voice.segments import SegmentCache
from myspinbot.voice.speak import Delivery, speak
from myspinbot.voice.text.pronunciation import Pronunciations

RATE = 8_000
TEXT = (
    "One two three four five six. Seven eight nine ten eleven twelve?\n\nAnother part begins now."
)


class Hum:
    """A voice engine: `margin_s` of silence, .5 s of sound per word, silence; pitch by the seed."""

    name, version, sample_rate, languages = "hum", "1", RATE, ("en-us", "de")

    def __init__(self, timed: bool = True, level: float = 0.1, margin_s: float = 0.5):
        self.timed, self.level, self.margin_s = timed, level, margin_s
        self.said: list[tuple[str, int]] = []

    @classmethod
    def load(cls, folder: Path) -> Hum:
        return cls()

    def modules(self) -> list:
        return []

    def learn(self, *_, **__):
        raise NotImplementedError

    def synthesize(
        self,
        text,
        voice,
        *,
        language="en-us",
        speed=1.0,
        seed=0,
        pronunciations=None,
        tick=no_tick,
    ) -> Chunk:
        self.said.append((text, seed))
        words = text.split()
        time_s = np.arange(round(4000 * len(words) / speed)) / RATE
        silence = np.zeros(round(self.margin_s * RATE))
        hum = self.level * np.sin(2 * np.pi * (150 + seed % 100) * time_s)
        wave = np.concatenate([silence, hum, silence])
        starts_s = [self.margin_s + i / 2 / speed for i in range(len(words) + 1)]
        timed = tuple(
            Word(word, start_s, end_s, (Phoneme("m", start_s, end_s),))
            for word, (start_s, end_s) in zip(words, pairwise(starts_s), strict=True)
        )
        tick(1, 2)
        sentence = Sentence(text, 0, len(wave) / RATE, timed if self.timed else ())
        return Chunk(wave[None].astype(np.float32), RATE, sentence)


@pytest.fixture
def voice(voice_of):
    return voice_of({"style": torch.zeros(256)})


def said(engine, voice, text, **how):
    return join(list(speak(engine, text, voice, Delivery(**how))))


def test_a_text_is_spoken_with_times_that_fit_the_sound(voice):
    ticks = []
    pieces = list(speak(Hum(), TEXT, voice, tick=lambda *t: ticks.append(t)))
    audio, speech = join(pieces, lead_s=0.2, tail_s=0.5)
    assert " ".join(s.text for s in speech.sentences) == " ".join(TEXT.split())
    assert speech.duration_s == audio.duration_s
    edges = [t for w in speech.words for t in (w.start_s, w.end_s)]
    assert edges == sorted(edges)
    assert 0.2 <= edges[0] < 0.3
    assert edges[-1] < audio.duration_s - 0.5
    assert [w.text for w in speech.words] == TEXT.split()
    for word in speech.words:  # where a word is, there is sound
        inside = audio.samples[0, int(word.start_s * RATE) : int(word.end_s * RATE)]
        assert np.square(inside).mean() > 1e-4
    assert ticks == sorted(ticks)
    paragraph = speech.sentences[-1].start_s - speech.sentences[-2].end_s
    sentence = speech.sentences[1].start_s - speech.sentences[0].end_s
    assert paragraph > sentence > 0.1


@pytest.mark.parametrize("level", [0.003, 0.1, 0.9])
def test_the_loudness_is_what_was_asked_for(level, voice):
    for wanted in (-18.0, -24.0):
        audio, _ = join(list(speak(Hum(level=level), TEXT, voice)), loudness_lufs=wanted)
        assert audio.loudness_lufs() == pytest.approx(wanted, abs=0.5)
        assert np.abs(audio.samples).max() <= 10 ** (-1 / 20)
        assert audio.samples.dtype == np.float32


def test_joints_do_not_click(voice):
    audio, speech = said(Hum(margin_s=0.0), voice, TEXT)
    jumps = np.abs(np.diff(audio.samples[0], 2))
    loudest = np.abs(audio.samples).max()
    for sentence in speech.sentences:
        inside = slice(int((sentence.start_s + 0.1) * RATE), int((sentence.end_s - 0.1) * RATE))
        hum = jumps[inside].max()  # what the sound itself does
        for edge_s in (sentence.start_s, sentence.end_s):
            around = slice(max(0, int((edge_s - 0.05) * RATE)), int((edge_s + 0.05) * RATE))
            assert jumps[around].max() <= hum + 1e-3 * loudest


def test_pauses_have_a_room_and_not_a_dead_line(voice):
    audio, speech = said(Hum(), voice, TEXT)
    first, second = speech.sentences[-2:]
    pause = audio.samples[:, int(first.end_s * RATE) : int(second.start_s * RATE)]
    assert -90 < Audio(pause, RATE).rms_dbfs() < -50


def test_speed_shortens_pauses_too(voice):
    normal, fast = (said(Hum(), voice, TEXT, speed=speed)[0].duration_s for speed in (1.0, 2.0))
    assert fast == pytest.approx(normal / 2, rel=0.1)


def test_explicit_pauses_are_as_long_as_they_say(voice):
    plain, _ = said(Hum(), voice, "One two three four five. Six seven eight nine ten.")
    for speed in (1.0, 2.0):
        text = "One two three four five. [pause 2s] Six seven eight nine ten."
        paused, speech = said(Hum(), voice, text, speed=speed)
        first, second = speech.sentences
        assert second.start_s - first.end_s == pytest.approx(2, abs=0.4)
        assert "pause" not in first.text + second.text
    assert paused.duration_s != plain.duration_s


def test_the_seed_of_a_piece_is_its_words(voice):
    engine = Hum()
    list(speak(engine, TEXT, voice))
    longer = Hum()
    list(speak(longer, "At first something entirely new is said.\n\n" + TEXT, voice))
    assert set(engine.said) < set(longer.said)
    other = Hum()
    list(speak(other, TEXT, voice, Delivery(seed=1)))
    assert not {seed for _, seed in engine.said} & {seed for _, seed in other.said}


def test_the_same_words_twice_are_not_said_alike(voice):
    engine = Hum()
    list(speak(engine, "\n\n".join(["This is said two times in a row."] * 2), voice))
    assert len({seed for _, seed in engine.said}) == 2


@pytest.fixture
def cache(tmp_path):
    return SegmentCache(tmp_path / "speech", 2_000_000)


def test_what_was_said_is_not_said_again(voice, cache):
    first, again = Hum(), Hum()
    once, timed = said(first, voice, TEXT, cache=cache)
    twice, timed_again = said(again, voice, TEXT, cache=cache)
    assert first.said
    assert not again.said
    np.testing.assert_array_equal(once.samples, twice.samples)
    assert timed == timed_again
    changed = Hum()
    said(changed, voice, TEXT.replace("begins", "ends"), cache=cache)
    assert len(changed.said) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"speed": 1.5},
        {"language": "de"},
        {"pronunciations": Pronunciations.parse("three = tree")},
    ],
    ids=str,
)
def test_what_is_heard_differently_is_said_again(change, voice, cache):
    said(Hum(), voice, TEXT, cache=cache)
    again = Hum()
    said(again, voice, TEXT, cache=cache, **change)
    assert again.said


def test_another_voice_or_version_says_it_again(voice, voice_of, cache):
    said(Hum(), voice, TEXT, cache=cache)
    other, newer = Hum(), Hum()
    said(other, voice_of({"style": torch.ones(256)}), TEXT, cache=cache)
    assert other.said
    newer.version = "2"
    said(newer, voice, TEXT, cache=cache)
    assert newer.said


def test_a_pronunciation_elsewhere_costs_nothing(voice, cache):
    said(Hum(), voice, TEXT, cache=cache)
    again = Hum()
    said(again, voice, TEXT, cache=cache, pronunciations=Pronunciations.parse("zebra = zeebra"))
    assert not again.said


def test_the_cache_stays_small_and_forgets_the_oldest(voice, tmp_path):
    cache = SegmentCache(tmp_path, 600_000)
    for number in range(12):
        said(Hum(), voice, f"Sentence number {number} has some words.", cache=cache)
        said(Hum(), voice, "Sentence number 0 has some words.", cache=cache)
    files = list(tmp_path.iterdir())
    assert 1 < len(files) < 12
    assert sum(f.stat().st_size for f in files) <= 600_000
    engine = Hum()
    said(engine, voice, "Sentence number 0 has some words.", cache=cache)
    assert not engine.said, "what is used again and again stays"


@pytest.mark.parametrize("content", [b"", b"rubbish" * 50])
def test_a_damaged_segment_is_said_again(content, voice, cache, tmp_path):
    said(Hum(), voice, TEXT, cache=cache)
    for path in (tmp_path / "speech").iterdir():
        path.write_bytes(content)
    engine = Hum()
    said(engine, voice, TEXT, cache=cache)
    assert engine.said


def test_a_cache_that_cannot_be_written_costs_only_a_warning(voice, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    audio, _ = said(Hum(), voice, TEXT, cache=SegmentCache(tmp_path / "file", 10**6))
    assert audio.duration_s > 1
    assert "could not be kept" in caplog.text


def test_the_best_take_is_kept(voice):
    engine = Hum()
    heard = []

    def judge(audio: Audio, text: str) -> float:
        heard.append((audio.samples, text))
        return [0.1, 0.9, 0.3][(len(heard) - 1) % 3]

    text = "Only one piece is said here."
    (piece,) = speak(engine, text, voice, Delivery(takes=3, judge=judge))
    assert len(engine.said) == 3
    assert len({seed for _, seed in engine.said}) == 3
    assert {text for _, text in heard} == {text}
    assert piece.chunk is not None
    np.testing.assert_array_equal(piece.chunk.samples, heard[1][0])


@pytest.mark.parametrize("language", ["en-us", "de"])
def test_an_engine_without_timings_gets_them(language, voice):
    audio, speech = said(Hum(timed=False), voice, TEXT, language=language)
    assert [w.text for w in speech.words] == TEXT.split()
    edges = [t for w in speech.words for t in (w.start_s, w.end_s)]
    assert edges == sorted(edges)
    assert edges[-1] <= audio.duration_s


def test_another_language_is_refused_before_anything_is_said(voice):
    engine = Hum()
    with pytest.raises(BadInputError, match="does not speak 'fr'"):
        next(speak(engine, TEXT, voice, Delivery(language="fr")))
    assert not engine.said


@pytest.mark.parametrize("text", ["", "  \n", "🎉🎉", "... !?"])
def test_nothing_to_say_is_refused(text, voice):
    with pytest.raises(BadInputError):
        list(speak(Hum(), text, voice))


def test_slow_speech_is_cut_into_shorter_pieces(voice):
    text = "this goes on and on, and on and on again " * 10
    fast, slow = (
        [p.chunk.sentence.text for p in speak(Hum(), text, voice, Delivery(speed=s)) if p.chunk]
        for s in (1.0, 0.5)
    )
    assert max(len(text) for text in slow) <= 100
    assert len(slow) > len(fast)


def test_cancel_passes_through(voice):
    class Cancelled(BaseException):
        pass

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        list(speak(Hum(), "One.", voice, tick=stop))


def test_nothing_to_join_is_refused():
    with pytest.raises(BadInputError):
        join([])
    with pytest.raises(BadInputError):
        join([Spoken(None, 1.0)])


def test_silence_from_an_engine_stays_silent(voice):
    audio, _ = said(Hum(level=0.0), voice, "One two.")
    assert audio.rms_dbfs() < -40
