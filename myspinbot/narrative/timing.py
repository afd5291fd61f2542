"""How long a text takes to say. Knows no voice: whoever has one hands in what it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..speech import LEAD_S, TAIL_S
from .sentences import UNSPACED, WORD, split

WORDS_PER_MINUTE = 150.0
# Fitted to what Kokoro makes of 110 sentences: 10 % off a sentence; counted words are 14 %.
PER_WORD, PER_LETTER, PER_SIGN, PER_SENTENCE = 0.2, 0.15, 0.3, 3.5
PER_DIGIT, PER_CAPITAL = 0.95, 0.5
"""Digits are read as words, short capitals as letters."""
LONGEST_CAPITALS = 4


@dataclass(frozen=True)
class Pace:
    """How fast a voice speaks, for planning a length."""

    words_per_minute: float = WORDS_PER_MINUTE
    """Pauses between sentences included."""
    told_s: Callable[[str], float] | None = None
    """Seconds of audio that the voice will make of a text, where it can tell beforehand."""

    def seconds(self, text: str) -> float:
        """Of the whole audio: `text` and the silence around it."""
        if self.told_s is not None:
            return self.told_s(text)
        return LEAD_S + TAIL_S + 60 * spoken_words(text) / self.words_per_minute

    def words(self, audio_s: float) -> float:
        """How many words of average length fit in an audio of `audio_s` seconds."""
        return (audio_s - LEAD_S - TAIL_S) * self.words_per_minute / 60


AVERAGE = Pace()
"""Of nobody in particular."""


def spoken_words(text: str) -> float:
    """How many words of average length take as long as `text`.

    Two characters of Chinese or Japanese are one word.
    """
    unspaced = len(UNSPACED.findall(text))
    rest = UNSPACED.sub(" ", text) if unspaced else text
    said = sum(map(_weight, WORD.findall(rest)))
    signs = sum(text.count(sign) for sign in ",;:")
    return unspaced / 2 + said + PER_SIGN * signs + PER_SENTENCE * len(split(text))


def _weight(word: str) -> float:
    digits = sum(map(str.isdigit, word))
    if digits:
        return PER_DIGIT * digits + PER_LETTER * (len(word) - digits)
    if 1 < len(word) <= LONGEST_CAPITALS and word.isupper():
        return PER_CAPITAL * len(word)
    return PER_WORD + PER_LETTER * len(word)
