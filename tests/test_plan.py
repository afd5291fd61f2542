"""Plans: which words are said together, how long it is silent between, and no word lost."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.errors import BadInputError
from myspinbot.speech import Sentence, Word
from myspinbot.voice.text.markup import Kind, blocks
from myspinbot.voice.text.plan import Piece, plan, split_merged
from myspinbot.voice.text.sentences import weight, written_words

INLINE = "[SpinBot](/spˈɪnbɑt/)"
PAUSE = "[pause 1s]"
AWKWARD = """Dr. Mr. e.g. 3.14 $3.50 a.m. Yes. No! What? Hello, (so quoted. — -- ... 1. - * # >
and because J. john@site.com https://a.b/c?d=1 end. 你好。我们走吧！ नमस्ते café 2*3*4 snake_case
**bold** _it_ `code` [x] | a|b ~~ 1) & C# zero\u200bwidth so\u00adft e\u0301 👩\u200d👧"""
WORDS = st.one_of(
    st.sampled_from([*AWKWARD.split(), INLINE, PAUSE]),
    st.text(alphabet="abcXYZ019.,!?;:—'\"()", min_size=1, max_size=12),
    st.text(min_size=1, max_size=8),
    st.text(alphabet="abz", min_size=150, max_size=700),
)
GAPS = st.sampled_from([*" " * 6, "\n", "\n\n", "\r\n", "\r\n\r\n", "\t", "\u00a0", "\u2003"])


def letters(text: str) -> str:
    """What must come out of a plan as it went in: pauses are no words."""
    return "".join(c for c in re.sub(r"\[pause [^]]*\]", " ", text) if c.isalnum())


@given(st.lists(st.tuples(WORDS, GAPS), min_size=1, max_size=60), st.integers(20, 300))
def test_every_word_is_said_once_and_in_order(pairs: list[tuple[str, str]], limit: int) -> None:
    text = "".join(word + gap for word, gap in pairs)
    if re.search(r"<\w|&\S+;|```|~~~|\]:|\]\s*[\[(](?!/spˈ)", text) or "[^" in text:
        return  # marks that stand for no words: tags, entities, fences, targets of links
    if not letters(text):
        with pytest.raises(BadInputError, match="no words"):
            plan(text, limit=limit)
        return
    pieces = plan(text, limit=limit)
    assert letters(" ".join(piece.text for piece in pieces)) == letters(text)
    assert all(letters(piece.text) for piece in pieces[1:])
    assert all(piece.pause_s >= 0 for piece in pieces)
    for piece in pieces:
        spoken = [word for word in written_words(piece.text) if letters(word)]
        assert len(spoken) < 2 or sum(map(len, spoken)) <= limit + len(INLINE)
        assert "](/" not in piece.text.replace(INLINE, "")


@given(st.text(max_size=300))
def test_any_text_has_a_plan_or_a_reason(text: str) -> None:
    try:
        pieces = plan(text)
    except BadInputError:
        return
    assert pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One sentence only.", [("One sentence only.", 0)]),
        (
            "This is a sentence of some length. Is this another, as long? And this is the third!",
            [
                ("This is a sentence of some length.", 0.3),
                ("Is this another, as long?", 0.35),
                ("And this is the third!", 0),
            ],
        ),
        ("First paragraph.\n\nSecond one.", [("First paragraph.", 0.6), ("Second one.", 0)]),
        ("# Title\nThe text.", [("Title", 0.6), ("The text.", 0)]),
        ("Title\n=====\nThe text.", [("Title", 0.6), ("The text.", 0)]),
        (
            "To do:\n- [ ] eat **well**\n* sleep\n2. work\n\nDone.",
            [("To do:", 0.4), ("eat well", 0.4), ("sleep", 0.4), ("2. work", 0.4), ("Done.", 0)],
        ),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", [("a, b", 0.4), ("1, 2", 0)]),
        ("Well [pause 1.5s] then.", [("Well", 1.5), ("then.", 0)]),
        ("Well [pause 1.5s], then.", [("Well,", 1.5), ("then.", 0)]),
        ("Well.[PAUSE 500 ms] [pause 1s]\n\nThen.", [("Well.", 1.5), ("Then.", 0)]),
        ("Well.\n\n[pause 100ms]\n\nThen.", [("Well.", 0.1), ("Then.", 0)]),
        ("[pause 2s] Hi. [pause 1s]", [("", 2), ("Hi.", 1)]),
        ("Press [pause](https://a.b/c) now.", [("Press pause now.", 0)]),
        ("See [the page](https://a.b/c_(d)) ![a cat](cat.png).", [("See the page a cat.", 0)]),
        (f"I am {INLINE}.", [(f"I am {INLINE}.", 0)]),
        ("> quoted\n> text <br> &amp; more", [("quoted text & more", 0)]),
        ("---\nText\n***", [("Text", 0)]),
        ("2 * 3 * 4 and snake_case_name", [("2 * 3 * 4 and snake_case_name", 0)]),
    ],
)
def test_pieces_and_pauses(text: str, pieces: list[tuple[str, float]]) -> None:
    assert [(piece.text, piece.pause_s) for piece in plan(text)] == pieces


def test_short_sentences_join_a_neighbour_of_their_paragraph() -> None:
    assert [p.text for p in plan("No. Wait. Stop! Now.")] == ["No. Wait. Stop! Now."]
    text = "No. This sentence is longer than it has to be. Why? Because.\n\nYes.\n\nNo."
    first, *rest = [piece.text for piece in plan(text)]
    assert first == "No. This sentence is longer than it has to be. Why? Because."
    assert rest == ["Yes.", "No."]
    assert len(plan("No. [pause 1s] Wait.")) == 2


def test_a_joined_piece_stays_under_the_limit() -> None:
    text = "Yes. " * 30
    pieces = plan(text, limit=60)
    assert len(pieces) > 2
    assert max(weight(piece.text.split()) for piece in pieces) <= 60


def test_a_long_first_piece_is_cut_so_that_sound_starts_early() -> None:
    text = "Hello there, my friends. " + "It is a story, and it goes on for quite some time. " * 2
    assert len(plan(text, first_limit=60)[0].text) <= 60
    assert plan(text, first_limit=60)[1].text


def test_pauses_that_were_asked_for_do_not_follow_the_speed() -> None:
    slow = plan(
        "A sentence that is long enough. [pause 1s] Another that is long.\n\nEnd.", speed=0.5
    )
    assert [piece.pause_s for piece in slow] == [1.0, 1.2, 0.0]


@pytest.mark.parametrize(
    "tag", ["[pause]", "[pause 3]", "[pause 11s]", "[pause -1s]", "[Pause for effect]", "[pause 1s"]
)
def test_a_malformed_pause_shows_the_right_form(tag: str) -> None:
    with pytest.raises(BadInputError, match=r"write \[pause 1\.5s\] or \[pause 500ms\]"):
        plan(f"Text {tag} text")


def test_an_unknown_sound_is_named_before_anything_is_said() -> None:
    with pytest.raises(BadInputError, match="ʘ"):
        plan("Long text. [word](/ʘa/) text.")


def test_blocks_know_their_kind() -> None:
    kinds = [
        block.kind for block in blocks("# H\ntext\n- item\n\ncode:\n```py\nx = 1\n```\n[r]: /x")
    ]
    assert kinds == [Kind.HEADING, Kind.LINE, Kind.ITEM, Kind.PARAGRAPH, Kind.LINE]


def timed(text: str, words: list[str]) -> Sentence:
    spans = [Word(word, i + 0.1, i + 0.9) for i, word in enumerate(words)]
    return Sentence(text, 0.0, len(words) + 0.5, tuple(spans))


def test_a_joined_piece_is_parted_into_its_sentences_again() -> None:
    text = f"No. I am {INLINE}—really! 😀 Wait."
    words = ["No.", "I", "am", "SpinBot—", "really!", "Wait."]
    parts = split_merged(timed(text, words))
    assert [part.text for part in parts] == ["No.", "I am SpinBot—really!", "😀 Wait."]
    assert [[word.text for word in part.words] for part in parts] == [
        ["No."],
        ["I", "am", "SpinBot—", "really!"],
        ["Wait."],
    ]
    assert [(part.start_s, part.end_s) for part in parts] == [(0, 0.9), (1.1, 4.9), (5.1, 6.5)]


@pytest.mark.parametrize("words", [[], ["other", "words"], ["No.", "I"]])
def test_without_the_words_of_its_text_a_piece_stays_whole(words: list[str]) -> None:
    parts = split_merged(timed("No. I am. Stop.", words))
    assert [part.text for part in parts] == ["No. I am. Stop."]
    assert [word.text for part in parts for word in part.words] == words


@given(st.lists(st.sampled_from(["No.", "Yes!", "so", "it", "is", "why?", "Now"]), min_size=1))
def test_no_timed_word_is_lost_by_parting(words: list[str]) -> None:
    parts = split_merged(timed(" ".join(words), words))
    assert [word.text for part in parts for word in part.words] == words
    assert " ".join(part.text for part in parts) == " ".join(words)
    ends = [time_s for part in parts for time_s in (part.start_s, part.end_s)]
    assert ends == sorted(ends)


def test_ten_thousand_words_are_planned_quickly() -> None:
    text = (
        "The quick brown fox, as they say, jumped over 3 lazy dogs. Then (at last) it slept! " * 625
    )
    start = time.process_time()
    pieces = plan(text)
    assert time.process_time() - start < 2
    assert len(" ".join(piece.text for piece in pieces).split()) == 10_625
    assert isinstance(pieces[0], Piece)
