"""How much of a text can be understood in a recording: word error rate after normalising both.

Knows no recogniser; `engines` has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers.models.whisper.english_normalizer import (
    BasicTextNormalizer,
    EnglishTextNormalizer,
)

# A comma ends a number: "in 1999, 25 percent" is not 199925 percent.
_CLAUSE_END = re.compile(r"(?<=[,;:.!?])\s+|[\n—–]+")


@dataclass(frozen=True)
class WordErrors:
    """How a heard text differs from the wanted one."""

    errors: int
    """Least substitutions, insertions and deletions that turn one into the other."""
    words: int
    """Of the wanted text, normalised."""
    heard: str
    """As the recogniser wrote it."""

    @property
    def rate(self) -> float:
        """0 perfect; may exceed 1; without wanted words 0 if nothing was heard, else 1."""
        return self.errors / self.words if self.words else float(self.errors > 0)


def word_errors(wanted: str, heard: str, language: str = "en") -> WordErrors:
    """Compare two texts without case, punctuation, fillers, or the way numbers are written.

    Normaliser: Whisper's (Radford et al. 2022, appendix C), as transformers ships it (Apache-2.0).
    """
    wanted_words, heard_words = normalised(wanted, language), normalised(heard, language)
    return WordErrors(edit_distance(wanted_words, heard_words), len(wanted_words), heard)


def normalised(text: str, language: str = "en") -> list[str]:
    """The words that count: "Mr. Smith paid 25 percent" -> mister, smith, paid, 25%."""
    english = language.lower().startswith("en")
    normalise = EnglishTextNormalizer({}) if english else BasicTextNormalizer()
    words = [word for clause in _CLAUSE_END.split(text) for word in normalise(clause).split()]
    return [word for word in words if any(character.isalnum() for character in word)]


def edit_distance(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance between two sequences."""
    others = np.array(heard, dtype=object)
    columns = np.arange(len(heard) + 1)
    previous = columns
    for row, word in enumerate(wanted, 1):
        current = previous + 1
        current[0] = row
        current[1:] = np.minimum(current[1:], previous[:-1] + (others != word))
        # Insertions, for all columns at once: each costs one more than the column before.
        previous = np.minimum.accumulate(current - columns) + columns
    return int(previous[-1])
