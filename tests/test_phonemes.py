"""Words to Kokoro's symbols: each keeps its own sounds, and numbers are said as in English."""

from __future__ import annotations

import re
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myspinbot.voice.alphabet import VOCABULARY, ipa
from myspinbot.voice.phonemes import LANGUAGES, Phonemes, to_symbols
from myspinbot.voice.spoken_words import spoken_forms

LITTLE_WORDS = re.findall(r"\w+", "of the in have been should to a it is out for you that")


@pytest.fixture(scope="module")
def american() -> Phonemes:
    return Phonemes("en-us")


def forms(text: str) -> str:
    words = text.split()
    cores = [word.rstrip(".,") for word in words]
    dotted = [word.endswith(".") for word in words]
    return " ".join(spoken_forms(cores, dotted)).lower()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Dr. Smith paid $3.50", "doctor smith paid 3 dollars and 50 cents"),
        ("$1", "1 dollar"),
        ("£0.01", "1 penny"),
        ("€20bn", "20 billion euros"),
        ("$3.5 million", "3.5 million dollars"),
        ("¥500", "500 yen"),
        ("in 2026", "in 20 26"),
        ("in 2005", "in 2000 5"),
        ("in 1900 and 1905", "in 19 hundred and 19 oh 5"),
        ("the 1990s", "the 19 nineties"),
        ("10-20 km", "10 to 20 km"),
        ("5km at 10-20°C", "5 kilometers at 10 to 20 degrees celsius"),
        ("1kg", "1 kilogram"),
        ("10:05", "10 oh 5"),
        ("12:00", "12"),
        ("#1", "number 1"),
        ("No. 5", "number 5"),
        ("Henry VIII", "henry 8"),
        ("I am", "i am"),
        ("e.g. this", "for example this"),
        ("U.S. and Ph.D.", "u s and p h d"),
        ("a@b.com", "a at b dot com"),
        ("and/or 1/2", "and or one half"),
        ("**bold** 😀", "bold "),
        ("2026-05-04", "2026 05 04"),
        ("the 90s and 1980s", "the nineties and 19 eighties"),
        ("10s 45s 20s", "10 seconds 45 seconds twenties"),
        ("5G 4K 100M 3D", "5g 4k 100 million 3d"),
        ("-5 and −3°C", "minus 5 and minus 3 degrees celsius"),
        ("-$5 .5", "minus 5 dollars 0.5"),
        ("0.5 .5 5.", "0.5 0.5 5"),
        ("555-1234 1-800-555-0199", "555 1234 1 800 555 0199"),
        ("10:30-11:45", "10 30 to 11 45"),
        ("5 kg, 1 km, 3 ms.", "5 kilograms 1 kilometer 3 milliseconds"),
        ("Chapter 5. Ms. Smith", "chapter 5 miz smith"),
        ("Main St. in St. Paul", "main street in saint paul"),
        ("½ cup", "one half cup"),
    ],
)
def test_spoken_forms(text: str, said: str) -> None:
    assert forms(text) == said


def test_the_brief_example(american: Phonemes) -> None:
    text = "Dr. Smith paid $3.50 on 5 May 2026."
    words = american.words(text)
    assert [word.text for word in words] == text.split()
    assert to_symbols(words) == (
        "dˈɑktəɹ smˈɪθ pˈAd θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts ˌɔn fˈIv mˈA twˈɛnti twˈɛnti sˈɪks."
    )


def test_signs_before_numbers_count(american: Phonemes) -> None:
    def said(text: str) -> str:
        return to_symbols(american.words(text)).rstrip(").”")

    assert said("(-5)") == said("(minus five)")
    assert said(".5") == said("0.5")
    assert said("...5") == said("--5") == said("five")
    assert said("'90s") == said("nineties")


def test_a_dash_or_ellipsis_inside_a_word_pauses(american: Phonemes) -> None:
    words = american.words("An idea—one that works…maybe—")
    assert [word.text for word in words] == ["An", "idea—", "one", "that", "works…", "maybe—"]
    assert [word.after for word in words] == ["", "—", "", "", "…", "—"]


def test_foreign_words_bring_no_language_marks(american: Phonemes) -> None:
    assert to_symbols(american.words("नमस्ते")) == "nəmˈʌste"


def test_many_signs_are_quick(american: Phonemes) -> None:
    start = time.process_time()
    assert len(american.words("= = = = " * 40)) == 160
    assert time.process_time() - start < 1


def test_words_that_espeak_runs_together_are_parted(american: Phonemes) -> None:
    words = american.words("In the end, of the people I have been to, it should have been me.")
    sounds = [word.symbols for word in words]
    assert sounds[:2] == ["ɪn", "ðɪ"]
    assert sounds[3:5] == ["ʌv", "ðə"]
    assert all(sounds)
    assert len(words) == 15


def test_signs_without_sound_are_dropped_and_dashes_pause(american: Phonemes) -> None:
    words = american.words("Hello 😀 world — “it” is (fine)...")
    assert [word.text for word in words] == ["Hello", "world", "“it”", "is", "(fine)..."]
    assert [word.before for word in words] == ["", "", "“", "", "("]
    assert [word.after for word in words] == ["", " —", "”", "", "…)"]


def test_abbreviations_do_not_pause_inside_a_sentence(american: Phonemes) -> None:
    assert to_symbols(american.words("Mr. Jones of the U.S. agrees.")).count(".") == 1


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_text_becomes_known_symbols(text: str) -> None:
    words = Phonemes("en-us").words(text)
    assert set(to_symbols(words)) <= set(VOCABULARY)
    written = iter(text.split())
    assert all(word.text in written for word in words)  # in order, none invented
    assert all(word.symbols for word in words)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(LITTLE_WORDS),
        min_size=1,
    )
)
def test_no_little_word_is_lost(words: list[str]) -> None:
    assert [word.text for word in Phonemes("en-us").words(" ".join(words))] == words


@pytest.mark.parametrize(("word", "symbols"), [("7" * 170, 170 * 6), ("ab" * 200, 400)])
def test_no_end_of_an_endless_word_is_lost(american: Phonemes, word: str, symbols: int) -> None:
    (spoken,) = american.words(word)
    assert len(spoken.symbols) >= symbols


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_speaks(language: str) -> None:
    assert len(Phonemes(language).words("Maria 12 radio.")) == 3


def test_every_sound_has_plain_ipa() -> None:
    assert ipa("A") == "eɪ"
    assert ipa("ʤ") == "dʒ"
    assert ipa("ˈ") == ipa("ː") == ipa(" ") == ipa(",") == ""
    assert not {c for symbol in VOCABULARY for c in ipa(symbol)} & set("AIOQWYTSʧʤᵊˈˌː")


def test_threads_do_not_mix_voices() -> None:
    expected = {name: Phonemes(name).words("water better") for name in ("en-us", "en-gb")}
    wrong: list[str] = []

    def work(name: str) -> None:
        phonemes = Phonemes(name)
        wrong.extend(name for _ in range(20) if phonemes.words("water better") != expected[name])

    threads = [threading.Thread(target=work, args=(name,)) for name in ("en-us", "en-gb") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
