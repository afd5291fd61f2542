"""Which of several takes of a sentence is the best: the words first, then the voice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from ..audio import Audio
from ..progress import Tick, no_tick
from .intelligibility import word_errors

_WORDS_WEIGHT = 4.0
"""One wrong word in ten costs as much as .4 of similarity: no voice makes up for it."""


class Recogniser(Protocol):
    """A speech recogniser as `engines` lists them."""

    def transcribe(self, audio: Audio, language: str = "en", tick: Tick = no_tick) -> str: ...


def judge(
    embed: Callable[[Audio], Tensor],
    wanted: Tensor,
    recogniser: Recogniser | None = None,
    language: str = "en",
    tick: Tick = no_tick,
    tell: Callable[[str, float], None] = lambda measure, score: None,
) -> Callable[[Audio, str], float]:
    """Make ``score(audio, text)``, higher is better, about -4..1.

    Likeness is the cosine of `embed(audio)` with `wanted` (both L2-normalised, [256]); with a
    `recogniser` every wrong word costs. `tick` may cancel. `tell` hears "take_similarity" and
    "take_intelligibility" (the share of right words) of every take. Deterministic.
    """

    def score(audio: Audio, text: str) -> float:
        likeness = float(embed(audio) @ wanted)
        tell("take_similarity", likeness)
        if recogniser is None:
            return likeness
        heard = recogniser.transcribe(audio, language, tick)
        wrong = min(1.0, word_errors(text, heard, language).rate)
        tell("take_intelligibility", 1 - wrong)
        return likeness - _WORDS_WEIGHT * wrong

    return score
