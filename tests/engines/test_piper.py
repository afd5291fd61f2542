"""Piper with voices of two kilobytes: what is read, when it is said, and voices chosen."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("piper", reason="needs the engine's packages")
pytest.importorskip("onnx", reason="needs the engine's packages")

import tiny_piper
from trouble import Cancelled, cancel_after

from myspinbot.audio import Audio
from myspinbot.errors import BadInputError, EngineError, MissingModelError
from myspinbot.speech import Word
from myspinbot.voice.engines import ENGINES
from myspinbot.voice.engines.piper import Piper
from myspinbot.voice.engines.piper_voice import Manner, PiperVoice
from myspinbot.voice.engines.piper_words import Said, time_words
from myspinbot.voice.speak import Delivery, join, speak
from myspinbot.voice.text.pronunciation import Pronunciations

SENTENCE = "He had been out of the house; (nobody) knew."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models")
    tiny_piper.write(path, {"joe": "en-us", "thorsten": "de", "low": "en-us"}, 100.0)
    tiny_piper.write(path, {"anna": "en-us", "british": "en-gb-x-rp"}, 220.0)
    return path


@pytest.fixture(scope="module")
def joe(folder: Path) -> PiperVoice:
    return PiperVoice(folder / "piper" / "joe.onnx")


@pytest.fixture(scope="module")
def real(models_dir: Path) -> PiperVoice:
    return PiperVoice(models_dir / "piper" / "joe.onnx")


def sounds(words: tuple[Word, ...]) -> list[str]:
    return ["".join(("", "ˈ", "ˌ")[p.stress] + p.symbol for p in w.phonemes) for w in words]


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"espeak": {"voice": 3}}'])
def test_a_voice_without_its_description_is_named(tmp_path, text):
    tiny_piper.write(tmp_path, {"joe": "en-us", "eva": "en-us"})
    description = tmp_path / "piper" / "eva.onnx.json"
    description.unlink() if text is None else description.write_text(text)
    with pytest.raises(MissingModelError, match=r"eva\.onnx\.json"):
        ENGINES["piper"].open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_damaged_voice_is_named_when_it_speaks(tmp_path, content):
    tiny_piper.write(tmp_path)
    (tmp_path / "piper" / "joe.onnx").write_bytes(content)
    broken = ENGINES["piper"].open(tmp_path).voices["joe"]
    with pytest.raises(MissingModelError, match=r"joe\.onnx"):
        broken.say("Hello.")


def test_a_voice_that_needs_downloads_is_left_out(tmp_path, caplog):
    tiny_piper.write(tmp_path)
    tiny_piper.write_voice(tmp_path / "piper" / "wu.onnx", "cmn", phoneme_type="pinyin")
    assert list(ENGINES["piper"].open(tmp_path).voices) == ["joe"]
    assert "wu.onnx" in caplog.text


def test_a_language_that_espeak_lacks_is_reported(tmp_path):
    tiny_piper.write(tmp_path, {"joe": "xx-none"})
    with pytest.raises(EngineError, match="xx-none"):
        ENGINES["piper"].open(tmp_path).voices["joe"].say("Hello.")


def test_the_languages_are_those_of_the_voices(engine):
    assert set(engine.languages) == {"en-us", "de", "en-gb"}
    assert engine.modules() == []


def test_the_nearest_voice_is_chosen_and_raised(engine, reference, listener, monkeypatch):
    """The clip has 120 Hz: joe and low speak at 100 to 150, anna at 220 to 270."""
    learnt = engine.learn(reference, listener)
    assert learnt.method == "the ready-made voice joe: Piper does not clone"
    assert bytes(learnt.style["voice"].tolist()) == b"joe"
    monkeypatch.setitem(engine.voices, "joe", engine.voices["anna"])
    monkeypatch.setitem(engine.voices, "low", engine.voices["anna"])
    assert "anna" in engine.learn(reference, listener).method
    assert "thorsten" in engine.learn(reference, listener, language="de").method
    with pytest.raises(BadInputError, match="'fr', only de, en-us"):
        Piper({"a": engine.voices["thorsten"], "b": engine.voices["low"]}).learn(
            reference, listener, language="fr"
        )


def test_a_low_voice_is_raised_towards_the_clip(tmp_path, reference, listener):
    tiny_piper.write(tmp_path, base_hz=40.0)
    engine = ENGINES["piper"].open(tmp_path)
    learnt = engine.learn(reference, listener)
    assert learnt.style["higher"].item() == pytest.approx(1.2)
    assert "raised by 20%" in learnt.method


def test_a_voice_has_a_pace_and_the_rate_of_its_net(engine, voice):
    assert 80 < voice.words_per_minute < 400
    assert engine.synthesize(SENTENCE, voice).rate == tiny_piper.RATE


def test_words_are_as_written_and_sounds_belong_to_them(joe):
    _, words = joe.say(SENTENCE)
    assert [w.text for w in words] == SENTENCE.split()
    assert sounds(words) == [
        *("hi", "hɐd", "bɪn", "ˌaʊɾ", "əv", "ðə", "hˈaʊs", "nˈoʊbɑdi", "nˈu"),
    ]


@pytest.mark.parametrize(
    ("text", "words", "some_sounds"),
    [
        ("Dr. Smith paid $3.50.", ["Dr.", "Smith", "paid", "$3.50."], ["dˈɑktɚ", "smˈɪθ"]),
        ("GPUs, NASA's box", ["GPUs,", "NASA's", "box"], ["dʒˌipˌijˈuz", "nˈæsɐz"]),
        ("An idea—one that works 😀 !", ["An", "idea—", "one", "that", "works"], []),
        ("[[ Hello ]] you", ["Hello", "you"], ["həlˈoʊ", "ju"]),
    ],
)
def test_signs_and_numbers_are_said_as_words(joe, text, words, some_sounds):
    _, timed = joe.say(text)
    assert [w.text for w in timed][-len(words) :] == words
    assert sounds(timed)[: len(some_sounds)] == some_sounds


def test_pronunciations_by_ear_and_by_ipa(joe):
    own = Pronunciations.parse("blue = bloo\nSpinBot = /spˈɪnbɑt/")
    _, words = joe.say("The blue (SpinBot), [Anna](/ˈanɑː/)'s.", pronunciations=own)
    assert [w.text for w in words] == ["The", "blue", "(SpinBot),", "Anna's."]
    assert sounds(words)[2:] == ["spˈɪnbɑt", "ˈanɑz"]


def test_the_times_are_where_the_sounds_are(joe):
    """Each symbol of the tiny voice is a tone of its own, and the padding around it is silent."""
    audio, words = joe.say("Mama saw a yellow moon, and it was so lovely.", seed=3)
    consonants = [p for word in words for p in word.phonemes if p.symbol in "mslnwjzkt"]
    assert len(consonants) > 10
    for phoneme in consonants:
        first, last = (round(s * audio.rate) for s in (phoneme.start_s, phoneme.end_s))
        wave = audio.samples[0, first:last]
        hz = 100 + tiny_piper.SYMBOLS.index(phoneme.symbol)
        turn = np.exp(-2j * np.pi * hz * np.arange(first, last) / audio.rate)
        assert abs((wave * turn).sum()) / np.abs(wave).sum() > 0.7, phoneme  # a pure tone: pi / 4


def test_times_are_in_order_and_inside(joe):
    for text in (SENTENCE, "One. Two! Three?", "a"):
        audio, words = joe.say(text, Manner(1.1, 1.3))
        edges = [t for w in words for p in w.phonemes for t in (p.start_s, p.end_s)]
        assert edges == sorted(edges)
        assert edges[0] > 0
        assert edges[-1] <= audio.duration_s
        for word in words:
            assert word.start_s == word.phonemes[0].start_s
            assert word.end_s == word.phonemes[-1].end_s


def test_sentences_have_a_pause_between_them(joe):
    _, (one, two) = joe.say("One. Two.")
    assert two.start_s - one.end_s > 0.25


def test_a_space_is_shared_and_punctuation_is_silence():
    line = [("a", 0), (" ", None), ("b", 1), (",", None), (" ", None), ("ˈ", 2), ("a", 2), ("ɪ", 2)]
    line += [("ː", 2), ("a", 3), ("\u0303", 3)]
    said = [Said(s, o, i / 10, (i + 1) / 10) for i, (s, o) in enumerate(line)]
    one, two, three, four = time_words(["one", "two", "three", "four"], said)
    assert (one.end_s, two.start_s, two.end_s) == pytest.approx((0.15, 0.15, 0.3))
    assert (three.start_s, three.end_s) == pytest.approx((0.5, 0.9))
    assert [(p.symbol, p.stress) for p in three.phonemes] == [("aɪ", 1)]
    assert [p.symbol for p in four.phonemes] == ["ã"]


def test_a_swallowed_word_stays_in_the_text():
    said = [Said("a", 0, 0, 1), Said("b", 2, 1, 2), Said("c", 3, 2, 3)]
    words = time_words(["one", "two", "three", "four", "five"], said)
    assert [w.text for w in words] == ["one two", "three", "four five"]


@given(st.text("ab ɪˈː.,", max_size=40), st.data())
def test_any_line_is_timed_in_order(symbols, data):
    owners, owner = [], 0
    for symbol in symbols:
        owner += data.draw(st.integers(0, 1))
        owners.append(None if symbol in " .," else owner)
    said = [Said(s, o, i, i + 1) for i, (s, o) in enumerate(zip(symbols, owners, strict=True))]
    words = time_words([str(i) for i in range(owner + 1)], said)
    edges = [t for w in words for p in w.phonemes for t in (p.start_s, p.end_s)]
    assert edges == sorted(edges)
    if words:
        assert " ".join(w.text for w in words).split() == [str(i) for i in range(owner + 1)]


def test_speed_keeps_the_pitch(joe):
    plain, _ = joe.say(SENTENCE)
    for speed in (0.5, 2.0):
        other, _ = joe.say(SENTENCE, Manner(1.0, speed))
        assert other.duration_s == pytest.approx(plain.duration_s / speed, rel=0.25)
        assert main_hz(other) == pytest.approx(main_hz(plain), rel=0.1)


def main_hz(audio: Audio) -> float:
    spectrum = np.abs(np.fft.rfft(audio.samples[0]))
    hz = np.fft.rfftfreq(audio.samples.shape[1], 1 / audio.rate)
    return float(np.average(hz, weights=spectrum**2))


def test_higher_raises_the_pitch_and_not_the_tempo(joe):
    plain, words = joe.say(SENTENCE)
    raised, again = joe.say(SENTENCE, Manner(1.2, 1.0))
    assert main_hz(raised) == pytest.approx(1.2 * main_hz(plain), rel=0.02)
    assert raised.duration_s == pytest.approx(plain.duration_s, rel=0.05)
    assert again[-1].end_s == pytest.approx(words[-1].end_s, rel=0.05)


def test_untimed_voices_and_voices_of_letters_speak(tmp_path):
    tiny_piper.write_voice(tmp_path / "a.onnx", "en-us", timed=False)
    audio, words = PiperVoice(tmp_path / "a.onnx").say(SENTENCE)
    assert audio.duration_s > 1
    assert words == ()
    tiny_piper.write_voice(tmp_path / "b.onnx", "en-us", phoneme_type="text", num_speakers=3)
    _, words = PiperVoice(tmp_path / "b.onnx").say("he had it.")
    assert [(w.text, w.phonemes) for w in words] == [("he", ()), ("had", ()), ("it.", ())]


def test_what_cannot_be_said_is_refused(engine, voice):
    with pytest.raises(BadInputError, match="Latin letters"):
        engine.synthesize("Привет, мир", voice)
    with pytest.raises(BadInputError, match="'fr'"):
        engine.synthesize(SENTENCE, voice, language="fr")
    with pytest.raises(BadInputError, match="joe speaks en-us, not de"):
        engine.synthesize(SENTENCE, voice, language="de")


def test_a_voice_of_another_engine_or_folder_is_refused(engine, voice_of):
    name = torch.tensor(list(b"eva"), dtype=torch.uint8)
    numbers = {"higher": torch.ones(1), "pace": torch.ones(1)}
    for style in ({"voice": name}, {"voice": torch.ones(3), **numbers}):
        with pytest.raises(BadInputError, match="again with piper"):
            engine.synthesize(SENTENCE, voice_of(style))
    with pytest.raises(BadInputError, match="'eva' is not in"):
        engine.synthesize(SENTENCE, voice_of({"voice": name, **numbers}))


def test_a_long_text_is_said(engine, voice):
    text = "; ".join(["so it went on and on, day after day"] * 12) + "."
    chunk = engine.synthesize(text, voice)
    assert " ".join(w.text for w in chunk.sentence.words) == text


def test_each_sentence_ticks(engine, voice):
    ticks: list[tuple[int, int]] = []
    engine.synthesize("One. Two. Three.", voice, tick=lambda *t: ticks.append(t))
    assert ticks[-1] == (1, 1)
    assert {total for _, total in ticks} == {3, 1}


def test_the_first_import_leaves_no_trace(folder):
    """In a process of its own, where nothing of the library has been imported yet."""
    script = """
import sys, os, warnings, logging, torch
before = dict(os.environ), list(warnings.filters), torch.get_num_threads(), sys.path[:]
from pathlib import Path
from myspinbot.voice.engines import ENGINES
ENGINES["piper"].open(Path(sys.argv[1])).voices["joe"].say("Hello.")
assert before == (dict(os.environ), list(warnings.filters), torch.get_num_threads(), sys.path)
assert not logging.getLogger().handlers
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_it_speaks_through_the_pack(engine, voice):
    text = "Hello there, nobody came. Were you out of the house?"
    audio, speech = join(list(speak(engine, text, voice, Delivery(seed=3))))
    assert " ".join(w.text for w in speech.words) == text
    assert speech.words[-1].end_s <= audio.duration_s


@pytest.mark.weights
def test_joe_tells_exact_times(real):
    text = "The irons weighed from three to four pounds."
    audio, words = real.say(text, seed=1)
    assert " ".join(w.text for w in words) == text
    assert 2 < audio.duration_s < 4
    for word in words:
        inside = audio.samples[0, round(word.start_s * audio.rate) : round(word.end_s * audio.rate)]
        assert np.sqrt(np.mean(inside**2)) > 0.01
    np.testing.assert_array_equal(real.say(text, seed=1)[0].samples, audio.samples)


@pytest.mark.weights
def test_joe_stops_in_the_middle_of_a_sentence(real):
    text = "The irons weighed from three to four pounds, " * 8
    real.say("Ready.")
    threads = threading.active_count()
    with pytest.raises(Cancelled):
        real.say(text, tick=cancel_after(2))  # before the net, and once while it runs
    assert threading.active_count() == threads
    assert real.say("The end.")[1][0].text == "The"
