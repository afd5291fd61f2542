"""In which pieces a text is said, and how long each pause is. Knows no engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...errors import BadInputError
from ...speech import Sentence, Word
from .markup import Block, Kind, blocks
from .pronunciation import check_inline, shown
from .sentences import (
    NO_WORDS,
    early,
    one_line_forms,
    sentences_of,
    voiced,
    weight,
    written_words,
)

LONGEST_PAUSE_S = 10.0
_PAUSE_S = {".": 0.3, "!": 0.3, "?": 0.35, "…": 0.4, ":": 0.25, ";": 0.2, ",": 0.1, "—": 0.15}
_PAUSE_UNMARKED_S = 0.02
_BLOCK_PAUSE_S = {Kind.PARAGRAPH: 0.6, Kind.HEADING: 0.6, Kind.ITEM: 0.4, Kind.LINE: 0.4}
_SHORT = 20
"""Characters; engines say sentences of one or two words poorly, so these join a neighbour."""
_TAG = re.compile(r"\[\s*pause\s+(\d{1,6}(?:\.\d{1,6})?\s*m?s)\s*\]", re.IGNORECASE)
_ATTEMPT = re.compile(r"\[\s*pause\b[^\[\]\n]*(?:\]|$|(?=[\[\n]))(?!\()", re.IGNORECASE)
_LATE_MARKS = re.compile(r"\s*([.,;:!?…]+)(?!\S)")
"""Punctuation after a pause: it belongs to the words before."""


@dataclass(frozen=True)
class Piece:
    """What one call of an engine says, and the silence after it."""

    text: str
    """White space normalised, marks of markup gone; "" only at the start, for a pause there."""
    pause_s: float


def plan(text: str, *, limit: int = 200, first_limit: int = 100, speed: float = 1.0) -> list[Piece]:
    """The pieces of a plain or Markdown `text`: sentences of about `limit` characters at most.

    Neighbouring short sentences of a paragraph share a piece (`split_merged` parts them again); a
    longer one is cut at a clause, comma or space. A first piece over `first_limit` is cut early, so
    that sound starts soon. Pauses follow the closing mark and the kind of block, shorter at a
    higher `speed`; none follows the last piece. `[pause 1.5s]` or `[pause 500ms]`, up to 10 s,
    cuts the text anywhere and is taken as written instead; several in a row add up, also at both
    ends of the text. Raises BadInputError for a text without words, a malformed pause or an inline
    pronunciation with unknown sounds.
    """
    check_inline(text)
    for tag in _ATTEMPT.finditer(text):
        _check_pause(tag[0])
    pieces, asked = [Piece("", 0.0)], [True]
    for part in _parts(one_line_forms(text), limit, first_limit):
        if isinstance(part, Piece):
            pieces.append(replace(part, pause_s=part.pause_s / speed))
            asked.append(False)
        else:
            before_s = pieces[-1].pause_s if asked[-1] else 0.0
            pieces[-1], asked[-1] = replace(pieces[-1], pause_s=before_s + part), True
    if len(pieces) == 1:
        raise BadInputError(NO_WORDS)
    if not asked[-1]:
        pieces[-1] = replace(pieces[-1], pause_s=0.0)
    return pieces if pieces[0].pause_s else pieces[1:]


def split_merged(sentence: Sentence) -> tuple[Sentence, ...]:
    """The sentences of a spoken piece, each with its own words and the span that they fill.

    Without timed words, or with others than the text has, it stays one. Inline pronunciations are
    shown as the words they are for.
    """
    whole = replace(sentence, text=shown(sentence.text))
    sentences = sentences_of(written_words(sentence.text))
    texts = [shown(" ".join(words)) for words in voiced(sentences)]
    shares = _share_words(texts, sentence.words)
    if len(texts) < 2 or not shares or not all(shares):
        return (whole,)
    starts_s = [sentence.start_s, *(words[0].start_s for words in shares[1:])]
    ends_s = [*(words[-1].end_s for words in shares[:-1]), sentence.end_s]
    return tuple(map(Sentence, texts, starts_s, ends_s, shares))


def _share_words(texts: Sequence[str], words: Sequence[Word]) -> list[tuple[Word, ...]] | None:
    """The timed words of each text, found by their letters; None if one is in none of them."""
    bare = ["".join(text.split()) for text in texts]
    line, position = "".join(bare), 0
    shares: list[list[Word]] = [[] for _ in texts]
    for word in words:
        letters = "".join(word.text.split())
        start = line.find(letters, position)
        if start < 0:
            return None
        position = start + len(letters)
        owner, stop = 0, len(bare[0])
        while start >= stop:
            owner += 1
            stop += len(bare[owner])
        shares[owner].append(word)
    return [tuple(share) for share in shares]


def _parts(text: str, limit: int, first_limit: int) -> Iterator[Piece | float]:
    """Pieces with the pause that they call for, and the seconds of pauses that were asked for."""
    is_first = True
    for block in blocks(text):
        parts: list[Piece | float] = []
        for index, part in enumerate(_at_pauses(block.text)):
            if index % 2:
                parts.append(_seconds(part))
                continue
            pieces = _merged(written_words(part), limit)
            if is_first and pieces:
                pieces[:1] = early(pieces[0], first_limit)
                is_first = False
            parts += [Piece(" ".join(words), _pause_s(words[-1])) for words in pieces]
        yield from _ended(parts, block)


def _at_pauses(text: str) -> list[str]:
    """`text` cut at its pauses: words, length of the pause, words, ..."""
    parts, spoken = _TAG.split(text), 0
    for index in range(0, len(parts), 2):
        late = _LATE_MARKS.match(parts[index]) if index else None
        if late:
            parts[spoken] = parts[spoken].rstrip() + late[1]
            parts[index] = parts[index][late.end() :]
        if parts[index].strip():
            spoken = index
    return parts


def _ended(parts: list[Piece | float], block: Block) -> list[Piece | float]:
    """The parts of `block`, its last piece with at least the pause that follows such a block."""
    last = parts[-1] if parts else 0.0
    if isinstance(last, Piece):
        parts[-1] = replace(last, pause_s=max(last.pause_s, _BLOCK_PAUSE_S[block.kind]))
    return parts


def _merged(words: Sequence[str], limit: int) -> list[list[str]]:
    """Sentences, a short one joined to a neighbour; none if nothing in `words` can be said."""
    if not any(c.isalnum() for word in words for c in word):
        return []
    merged: list[list[str]] = []
    for sentence in voiced(sentences_of(words, limit)):
        is_short = merged and min(weight(merged[-1]), weight(sentence)) < _SHORT
        if is_short and weight(merged[-1]) + weight(sentence) <= limit:
            merged[-1] = merged[-1] + sentence
        else:
            merged.append(sentence)
    return merged


def _pause_s(word: str) -> float:
    """Pause after a piece, from the last mark it ends with."""
    bare = word.rstrip("\"'”’»)]}*_")
    return _PAUSE_S.get(bare[-1:], _PAUSE_UNMARKED_S)


def _check_pause(tag: str) -> None:
    match = _TAG.fullmatch(tag)
    if not match or _seconds(match[1]) > LONGEST_PAUSE_S:
        raise BadInputError(
            f"{tag.strip()!r} is no pause: write [pause 1.5s] or [pause 500ms], at most "
            f"{LONGEST_PAUSE_S:g} s each."
        )


def _seconds(length: str) -> float:
    """Of "1.5s" or "500 ms"."""
    number = float(length.lower().rstrip("ms "))
    return number / 1000 if length[-2:].lower() == "ms" else number
