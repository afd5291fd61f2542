"""Cut a text into sentences short enough to be spoken in one go. Loses no word and repeats none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..errors import BadInputError

_CLOSERS = "\"'”’»)]}*_"
_OPENERS = "\"'“‘«([{¿¡*_-–—•"
_END = re.compile(rf"[.!?…]+[{re.escape(_CLOSERS)}]*$")
_CLAUSE_END = re.compile(rf"([;:—–]|--)[{re.escape(_CLOSERS)}]*$")
_COMMA_END = re.compile(rf"[,)][{re.escape(_CLOSERS)}]*$")
_BULLET = re.compile(r"([-*•–]|\d{1,3}[.)])$")
_ABBREVIATION = re.compile(
    r"mr|mrs|ms|dr|prof|rev|gen|lt|col|sgt|capt|gov|sen|rep|st|mt|jr|sr|vs|approx|dept|fig|vol|no|"
    r"jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|"
    r"e\.g|i\.e|cf|al|inc|ltd|co|corp|u\.s|u\.k|ph\.d|a\.k\.a"
)
_JOINER = re.compile(r"and|but|or|so|because|which|while|when|where|although|that|if|then|who")
_SHORT_LINE = 60


def split_sentences(text: str, limit: int = 200, first_limit: int = 100) -> list[str]:
    """Sentences of at most about `limit` characters; a digit, said as a word, counts as seven.

    A longer one is cut at the best clause border, comma or space; only a single long word exceeds
    the limit. A first sentence over `first_limit` is cut at a comma, so that sound starts early.
    White space is normalised; every sentence holds a letter or digit. Raises BadInputError if the
    text has none.
    """
    if not any(c.isalnum() for c in text):
        raise BadInputError(
            "The text to speak has no words (only spaces, signs or emoji): write at least one word."
        )
    sentences = [
        piece
        for block in _blocks(text)
        for sentence in _sentences(block)
        for piece in _cut(sentence, limit)
    ]
    sentences = _voiced(sentences)
    sentences[:1] = _early(sentences[0], first_limit)
    return [" ".join(sentence) for sentence in _voiced(sentences)]


def _blocks(text: str) -> Iterator[list[str]]:
    """Words of each paragraph, heading or list item."""
    block: list[str] = []
    previous = ""
    for line in text.splitlines():
        words = line.split()
        if block and (not words or _starts_block(previous, words)):
            yield block
            block = []
        block.extend(words)
        previous = line.strip()
    if block:
        yield block


def _starts_block(previous: str, words: Sequence[str]) -> bool:
    if len(words) > 1 and _BULLET.match(words[0]):
        return True
    ended = previous[-1:] in ".!?:;…"
    heading = len(previous) < _SHORT_LINE and previous[-1:] not in ",-–—"
    return ended or (heading and words[0].lstrip(_OPENERS)[:1].isupper())


def _sentences(words: Sequence[str]) -> Iterator[list[str]]:
    sentence: list[str] = []
    for word, following in pairwise([*words, ""]):
        sentence.append(word)
        if not following or _ends_sentence(word, following, len(sentence) == 1):
            yield sentence
            sentence = []


def _ends_sentence(word: str, following: str, first: bool) -> bool:
    if not _END.search(word):
        return False
    start = following.lstrip(_OPENERS)[:1]
    if start.islower():
        return False
    core = word.rstrip(_CLOSERS).strip(_OPENERS)
    if core[-1:] != ".":
        return True
    if first and _BULLET.match(word):
        return False
    stem = core[:-1].lower()
    initial = len(stem) == 1 and stem.isalpha() and stem != "i"
    if _ABBREVIATION.fullmatch(stem) and (stem != "no" or start.isdigit()):
        return False
    return not initial


def _weight(words: Sequence[str]) -> int:
    return sum(1 + len(word) + 6 * sum(c.isdigit() for c in word) for word in words)


def _cut(words: list[str], limit: int) -> list[list[str]]:
    """Halve at the best place until every piece fits."""
    total = _weight(words)
    if total <= limit or len(words) < 2:
        return [words]
    best, lowest = 1, float("inf")
    weight = 0
    for index in range(1, len(words)):
        weight += _weight(words[index - 1 : index])
        balance = abs(2 * weight - total) / total  # 0 in the middle, 1 at the ends
        cost = balance + _roughness(words[index - 1], words[index])
        if cost < lowest:
            best, lowest = index, cost
    return _cut(words[:best], limit) + _cut(words[best:], limit)


def _roughness(word: str, following: str) -> float:
    """How much a cut between two words hurts: 0 after a clause to 1 inside a phrase."""
    if _CLAUSE_END.search(word):
        return 0.0
    if _COMMA_END.search(word):
        return 0.2
    return 0.6 if _JOINER.fullmatch(following.lower()) else 1.0


def _early(words: list[str], limit: int) -> list[list[str]]:
    """Cut a long first sentence at its first comfortable comma."""
    if _weight(words) > limit:
        for index in range(1, len(words)):
            head = _weight(words[:index])
            borders = _roughness(words[index - 1], words[index]) <= 0.2
            if borders and limit * 0.25 <= head <= limit and _weight(words[index:]) >= limit * 0.25:
                return [words[:index], words[index:]]
    return [words]


def _voiced(sentences: Sequence[list[str]]) -> list[list[str]]:
    """Join pieces without a letter or digit to a neighbour."""
    joined: list[list[str]] = []
    for sentence in sentences:
        silent = not any(c.isalnum() for word in sentence for c in word)
        if joined and (silent or not any(c.isalnum() for word in joined[-1] for c in word)):
            joined[-1] = joined[-1] + sentence
        else:
            joined.append(sentence)
    return joined
