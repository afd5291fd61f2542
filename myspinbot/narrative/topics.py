"""Turns what a user typed as topic or persona into words that fit into a sentence of ours.

Both are untrusted: whatever they hold, one short line of speakable text comes out.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ..errors import BadInputError
from .sentences import split, words
from .vocabulary import (
    AUXILIARIES,
    CLAUSE_WORDS,
    DETERMINERS,
    FINITE_VERBS,
    ORDERS,
    PRONOUNS,
    RELATIVES,
    REQUESTS,
    UNFINISHED,
)

TOPIC_WORDS = 14
PERSONA_WORDS = 8
LINE_CHARACTERS = 120
BREAK = re.compile(r"[\r\n\u2028\u2029\x85\v\f]|<\|.*?\|>")
"""Line ends, and the markers of chat formats, which begin another speaker's turn."""
VOWEL = re.compile(
    r"[AEFHILMNORSX][A-Z]{0,2}$|(?![A-Z]{2,3}$)"
    r"(?i:hour|honest|heir|honou?r|(?!eu|one\b|uni|us[aeu]|ut[io])[aeiou])"
)
"""A word that "an" goes with; short capitals are spelled (an MBA, a UFO)."""
REQUEST = re.compile(rf"(?:{'|'.join(REQUESTS)})\b[\s,:]*", re.IGNORECASE)


@dataclass(frozen=True)
class Topic:
    """A topic ready for the templates."""

    text: str
    """One line, no end mark."""
    kind: str
    """``noun`` (bees), ``clause`` (why we dream), ``question`` (Do bees sleep) or ``statement``."""
    shortened: bool = False

    @property
    def tell(self) -> str:
        """What follows "tell you": about bees, why we dream."""
        return self.text if self.kind == "clause" else self.on

    @property
    def on(self) -> str:
        """What follows "talk": about bees, about why we dream, about this."""
        return f"about {self.text}" if self.kind in ("noun", "clause") else "about this"


def speakable(text: str) -> str:
    """`text` on one line without markup, quotes, control characters and emoji.

    Of text that is nothing but emoji their names remain.
    """
    text = re.sub(r"<\|.*?\|>|</?\w[^>]*>|https?://\S+", " ", unicodedata.normalize("NFKC", text))
    text = (
        text.replace("\u2019", "'")
        .replace("\u2026", ".")
        .replace("\u2013", "-")
        .replace("\u2014", ", ")
    )
    kept = "".join(
        c if c in " ,.!?'-:;%&+/$€£#°" or c.isalnum() or _is_mark(c) else " " for c in text
    )
    if not words(kept):
        symbols = [unicodedata.name(c, "") for c in text if unicodedata.category(c) == "So"]
        kept = " and ".join(dict.fromkeys(name.lower() for name in symbols if name))
    kept = re.sub(r"(?<![^\W_])'|'(?![^\W_])", "", kept)
    kept = re.sub(r"[$€£](?!\d)|(?<![^\W_])#(?!\d)", " ", kept)  # $5, C# and #1 stay
    kept = re.sub(r"\s+([,.!?:;])", r"\1", re.sub(r"([,.!?:;])[\s,.!?:;]*(?=[,.!?:;])", "", kept))
    return " ".join(kept.split()).lstrip("+!? ").strip(" ,.:;-/&")


def _is_mark(character: str) -> bool:
    # Combining vowels of Devanagari, Thai and others belong to their letters.
    return unicodedata.category(character).startswith("M")


def read_topic(raw: str) -> Topic:
    """Understand what a user asked for: the first sentence of the first line that has a word.

    Raises BadInputError when there is none.
    """
    lines = [line for part in BREAK.split(raw) if words(line := speakable(part))]
    if not lines:
        raise BadInputError("The topic is empty. Write what the talk is about, like 'tea'.")
    line = _without_request(lines[0])
    first = _first_sentence(line)
    asks = first.endswith("?") or "?" in line[len(first) : len(first) + 1]
    short = shorten(first.rstrip(".!? "), TOPIC_WORDS)
    said = words(short)
    kind = _kind(said, asks)
    if kind == "noun" and _is_order(said, raw):
        kind = "statement"
    shortened = len(lines) > 1 or len(short) < len(line.rstrip(".!? "))
    return Topic(_sentence_case(short, kind), kind, shortened)


def _first_sentence(line: str) -> str:
    return next(sentence for sentence in split(line) if words(sentence))


def _without_request(line: str) -> str:
    while match := REQUEST.match(line):
        rest = line[match.end() :]
        if not words(rest):
            break
        line = rest
    return line


def _kind(said: list[str], asks: bool) -> str:
    second = said[1] if len(said) > 1 else ""
    if said[0] in AUXILIARIES and asks:
        return "question"
    if said[0] in CLAUSE_WORDS:
        return "question" if second in AUXILIARIES else "clause"
    if asks:
        return "question"
    return "statement" if said[0] in PRONOUNS or _is_sentence(said) else "noun"


def _is_sentence(said: list[str]) -> bool:
    """Whether a verb follows that is not in a relative clause: in "people who are kind" it is."""
    return any(
        word in FINITE_VERBS and not RELATIVES.intersection(said[1:index])
        for index, word in enumerate(said[1:], 1)
    )


def _is_order(said: list[str], raw: str) -> bool:
    return said[0] in ORDERS or "<|" in raw or "instructions" in said


def _sentence_case(text: str, kind: str) -> str:
    if text.isupper() and " " in text:
        text = text.lower()
    first = text.split(" ", 1)[0]
    if kind == "question":
        return text[:1].upper() + text[1:]
    if first.lower() in CLAUSE_WORDS | AUXILIARIES | DETERMINERS or (
        first.istitle() and first.endswith("ing")
    ):
        return text[:1].lower() + text[1:]
    return text


def shorten(text: str, limit: int) -> str:
    """At most `limit` words and 120 characters of `text`, cut at a comma or before a small word."""
    parts = text.split(" ")
    if len(parts) <= limit and len(text) <= LINE_CHARACTERS:
        return text
    head = " ".join(parts[:limit])[:LINE_CHARACTERS]
    if len(parts[0]) < len(head) < len(text) and text[len(head)] != " ":
        head = head.rsplit(" ", 1)[0]
    clause = re.split(r"[,;:]\s", head)[0]
    if len(clause.split()) >= 3:
        head = clause
    kept = head.split(" ")
    while len(kept) > 1 and kept[-1].strip(",;:.").lower() in UNFINISHED:
        kept.pop()
    return " ".join(kept).strip(" ,.:;-")


def read_persona(raw: str) -> str:
    """A persona as it stands after "I am": "a retired sailor", "Captain Ahab", or ""."""
    lines = [line for part in BREAK.split(raw) if words(line := speakable(part))]
    if not lines:
        return ""
    first = _first_sentence(lines[0])
    text = re.sub(r"^(?:i am|i'm|you are|you're|he is|she is|as)\s+", "", first, flags=re.I)
    text = shorten(text.rstrip(".!? "), PERSONA_WORDS)
    first = text.split(" ", 1)[0]
    if first.lower() in ("a", "an", "the", "my", "your", "our"):
        return text[:1].lower() + text[1:]
    if first[:1].isupper() and ("." in first or not first.isupper()):
        return text
    return f"{'an' if VOWEL.match(first) else 'a'} {text}"
