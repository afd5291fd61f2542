"""Timed speech: moving it, captions."""

from hypothesis import given
from hypothesis import strategies as st

from myspinbot.speech import Phoneme, Sentence, Speech, Word, shift, to_srt


def sentence(*words, start_s=0.0):
    """Every word takes half a second and has one phoneme."""
    spans = [(start_s + i / 2, start_s + (i + 1) / 2) for i in range(len(words))]
    timed = tuple(
        Word(word, a, b, (Phoneme("a", a, b),)) for word, (a, b) in zip(words, spans, strict=True)
    )
    return Sentence(" ".join(words), start_s, start_s + len(words) / 2, timed)


def test_shift_moves_everything():
    moved = shift(sentence("one", "two"), 3)
    assert (moved.start_s, moved.end_s) == (3, 4)
    assert moved.words[1].phonemes[0].start_s == 3.5


def test_srt():
    text = to_srt(Speech((sentence("Hello", "there."),), 3725.5))
    assert text == "1\n00:00:00,000 --> 00:00:01,000\nHello there.\n"


def test_srt_beyond_an_hour():
    assert "01:02:05,500 --> 01:02:06,000" in to_srt(Speech((sentence("x", start_s=3725.5),), 3726))


@given(st.lists(st.text("abcdefghij", min_size=1, max_size=60), min_size=1, max_size=30))
def test_cues_keep_every_word_and_the_limit(words):
    blocks = to_srt(Speech((sentence(*words),), len(words) / 2), line_characters=42).split("\n\n")
    lines = [block.strip().split("\n")[2] for block in blocks]
    assert " ".join(lines).split() == words
    assert all(len(line) <= 42 or " " not in line for line in lines)
