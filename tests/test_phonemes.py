"""Words to Kokoro's symbols: each keeps its own sounds, and numbers are said as in English."""

from __future__ import annotations

import re
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myspinbot.voice.text.alphabet import VOCABULARY, ipa
from myspinbot.voice.text.phonemes import LANGUAGES, Phonemes, to_symbols

LITTLE_WORDS = re.findall(r"\w+", "of the in have been should to a it is out for you that")


@pytest.fixture(scope="module")
def american() -> Phonemes:
    return Phonemes("en-us")


def test_the_brief_example(american: Phonemes) -> None:
    text = "Dr. Smith paid $3.50 on 5 May 2026."
    words = american.words(text)
    assert [word.text for word in words] == text.split()
    assert words[5].symbols == "ðə fˈɪfθ ʌv"
    assert to_symbols(words) == (
        "dˈɑktəɹ smˈɪθ pˈAd θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts "
        "ˌɔn ðə fˈɪfθ ʌv mˈA twˈɛnti twˈɛnti sˈɪks."
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


def test_groups_of_digits_are_parted_by_pauses(american: Phonemes) -> None:
    words = american.words("Call +1 (555) 123-4567 now")
    assert [word.text for word in words] == ["Call", "+1", "(555)", "123-4567", "now"]
    assert [word.after for word in words[1:4]] == [",", ",)", ""]
    assert words[3].symbols == "wˈʌn tˈu θɹˈi, fˈɔɹ fˈIv sˈɪks sˈɛvən"


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("GPUs cost", "ʤˌipˌijˈuz kˈɔst"),
        ("NASA's bus", "nˈæsəz bˈʌs"),
        ("the LED", "ðɪ ˌɛlˌidˈi"),
        ("iOS's end", "ˌIˌOˈɛsᵻz ˈɛnd"),
        ("vitamin A is", "vˈITəmɪn ˈA ɪz"),
        ("at 5 a.m.", "æt fˈIv ˌAˈɛm."),
        ("(AP) — The", "(ˌApˈi) — ðə"),
        ("10 min., then", "tˈɛn mˈɪnɪts, ðˈɛn"),
    ],
)
def test_what_espeak_says_wrong_is_said_right(american: Phonemes, text: str, symbols: str) -> None:
    assert to_symbols(american.words(text)) == symbols


@pytest.mark.parametrize("text", ["J. R. Tolkien", "the U.S. Senate", "5 p.m. EST", "Dr. J.K. Who"])
def test_initials_do_not_pause(american: Phonemes, text: str) -> None:
    assert "." not in to_symbols(american.words(text))


def test_nasal_vowels_keep_their_vowel() -> None:
    assert "u\u0303" in to_symbols(Phonemes("pt-br").words("um"))


@pytest.mark.parametrize("text", ["a.a. " * 200, "a." * 400, ".ไ(" * 300, "p.m. " * 200])
def test_full_stops_inside_words_do_not_end_the_process(text: str) -> None:
    for language in LANGUAGES:
        assert Phonemes(language).words(text)


def test_scripts_that_espeak_would_spell_are_silent(american: Phonemes) -> None:
    assert [word.text for word in american.words("Say 你好 or ¯\\_(ツ)_/¯ now")] == [
        "Say",
        "or",
        "now",
    ]
