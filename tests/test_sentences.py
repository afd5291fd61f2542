"""Sentences: borders where a reader hears them, and no word lost or repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.errors import BadInputError
from myspinbot.voice.text.sentences import split_sentences

AWKWARD = """Dr. Mr. e.g. U.S. 3.14 $3.50 a.m. Yes. No! What? Hello, (so "quoted." 😀 — -- ... 1. -
* and because J. john@site.com https://a.b/c?d=1 end."""
WORDS = st.one_of(
    st.sampled_from(AWKWARD.split()),
    st.text(alphabet="abcXYZ019.,!?;:—'\"()", min_size=1, max_size=12),
    st.text(alphabet="abz", min_size=150, max_size=700),
)
GAPS = st.sampled_from([" ", " ", " ", "  ", "\n", "\n\n", "\t"])


@given(st.lists(st.tuples(WORDS, GAPS), min_size=1, max_size=60), st.integers(20, 300))
def test_every_word_comes_out_once_and_in_order(pairs: list[tuple[str, str]], limit: int) -> None:
    text = "".join(word + gap for word, gap in pairs)
    if not any(c.isalnum() for c in text):
        with pytest.raises(BadInputError):
            split_sentences(text, limit)
        return
    sentences = split_sentences(text, limit)
    assert [word for sentence in sentences for word in sentence.split()] == text.split()
    assert all(any(c.isalnum() for c in sentence) for sentence in sentences)
    for sentence in sentences:
        spoken = [word for word in sentence.split() if any(c.isalnum() for c in word)]
        lone = len(spoken) == 1
        assert lone or sum(map(len, spoken)) <= limit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith met J. R. Tolkien.", ["Dr. Smith met J. R. Tolkien."]),
        ("It costs 3.5 dollars. Cheap.", ["It costs 3.5 dollars.", "Cheap."]),
        ("Write to a.b@site.com. Now.", ["Write to a.b@site.com.", "Now."]),
        ("See https://site.com/a.b?c=1. Now.", ["See https://site.com/a.b?c=1.", "Now."]),
        ('He said "Go." Then he left.', ['He said "Go."', "Then he left."]),
        ("At 5 p.m. we left. It was 6 a.m. then.", ["At 5 p.m. we left.", "It was 6 a.m. then."]),
        (
            "Wait... what? No. 5 is here. No. Really.",
            ["Wait... what?", "No. 5 is here.", "No.", "Really."],
        ),
        ("So it is with me and I. Then we go.", ["So it is with me and I.", "Then we go."]),
        ("A title\nThen a text\n\nand a part", ["A title", "Then a text", "and a part"]),
        ("To do:\n- eat\n- sleep\n1. Work", ["To do:", "- eat", "- sleep", "1. Work"]),
        ("A line that was wrapped at a width of\nseventy columns goes on, unlike this", None),
        ("“Quoted.” — 😀 (Really.) end", ["“Quoted.”", "— 😀 (Really.) end"]),
        ("no punctuation at all", None),
        ("Hi 😀", None),
        ("😀 Hi", None),
    ],
)
def test_borders(text: str, expected: list[str] | None) -> None:
    assert split_sentences(text) == (expected or [" ".join(text.split())])


def test_long_sentences_are_cut_at_clauses() -> None:
    clause = "the quick brown fox jumps over the lazy dog and runs home again"
    text = f"First. Then {clause}; {clause}, {clause}; {clause}."
    first, *rest = split_sentences(text, limit=150)
    assert first == "First."
    assert [piece[-1] for piece in rest] == [",", "."]
    assert max(map(len, rest)) <= 150


def test_a_long_opening_is_cut_at_a_comma_so_that_sound_starts_early() -> None:
    text = (
        "When the storm had passed over the hills, " + "we went out to look at the trees " * 3 + "."
    )
    first, second, *_ = split_sentences(text)
    assert first == "When the storm had passed over the hills,"
    assert second.startswith("we went")


@pytest.mark.parametrize("text", ["", "  \n", "😀 🎉", "... — !!!"])
def test_wordless_text_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="no words"):
        split_sentences(text)
