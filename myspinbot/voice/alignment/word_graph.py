"""The ways in which a known text may be said in a piece of sound, and the best of them.

Words follow one another in the order of the text. At a price, speech that is not of it may lie
between sentences, and words may be left out: so a text that does not belong to the sound is not
pressed into it, but shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...progress import Tick, no_tick
from .acoustic import Arc, Heard, PhoneDecoder
from .arpabet import Pronunciation, phones_of

_STRANGE_PHONES = ("AH", "IH", "IY", "AA", "ER", "OW", "S", "T", "N", "L", "K", "M")
"""Enough to mimic any speech, worse than the right words would."""
_STRANGE = 1e-12
"""Probability of each phone that is not of the text."""
_MISSING = 1e-40
"""Probability that a part of the text is left out."""
_BAD_FIT, _BAD_FRAMES = -7.0, 20
"""Of a pause: there is a sound in it, not silence. A shorter one is noise, or a stop's closure."""


@dataclass(frozen=True)
class SpokenWord:
    """A word of the text and how it may sound."""

    pronunciations: tuple[Pronunciation, ...]
    begins: bool
    """Whether it is the first of a sentence."""

    @property
    def phones(self) -> int:
        """Of its shortest pronunciation."""
        return min(len(phones_of(pronunciation)) for pronunciation in self.pronunciations)


@dataclass(frozen=True)
class Step:
    """One word, pause or strange sound of the best way."""

    heard: Heard
    place: int | None = None
    """Which of the words it is; None for a pause and what is not of the text."""
    pronunciation: Pronunciation = ()

    @property
    def is_strange(self) -> bool:
        """Whether something is heard that is not in the text."""
        is_long = self.heard.end - self.heard.start >= _BAD_FRAMES
        is_sound = bool(self.heard.name) or (is_long and self.heard.fit < _BAD_FIT)
        return self.place is None and is_sound


def hear(
    decoder: PhoneDecoder,
    words: Sequence[SpokenWord],
    samples: np.ndarray,
    is_speech: np.ndarray,
    *,
    is_last: bool,
    tick: Tick = no_tick,
) -> list[Step]:
    """Find the best way through `words` in `samples`, int16 [T]; `is_speech` is bool [T].

    It may stop after any word, at a price if it `is_last` (no text follows). Empty when there is no
    way. Raises EngineError.
    """
    graph = _Graph(decoder, words, stop=_MISSING if is_last else 1.0)
    path = decoder.best_path(samples, graph.arcs, graph.end, samples[is_speech], tick)
    return [Step(heard, *graph.places.get(heard.name, (None, ()))) for heard in path]


class _Graph:
    """State n lies before word n; the last state is the end."""

    def __init__(self, decoder: PhoneDecoder, words: Sequence[SpokenWord], stop: float) -> None:
        """`stop`: probability of each way to end before the last word."""
        self.places: dict[str, tuple[int, Pronunciation]] = {}
        """What each arc stands for."""
        self.arcs: list[Arc] = []
        self.end = len(words)
        names = self._named(decoder, words)
        strange = [decoder.arc_name((phone,), 0) for phone in _STRANGE_PHONES]
        borders = [0, *(place for place, word in enumerate(words) if word.begins and place)]
        for place in range(self.end):
            self._add(names[place], place, place + 1, 1.0)
            if place + 1 < self.end:
                self._add(names[place], place, self.end, stop)
            if place not in borders:
                self._add(names[place], 0, place + 1, _MISSING)
        for index, border in enumerate(borders):
            for later in borders[index + 1 :]:
                self._add(names[later], border, later + 1, _MISSING)
        for border in (*borders, self.end):
            self._add(strange, border, border, _STRANGE)
        self._add(strange, 0, self.end, _STRANGE * stop)

    def _named(self, decoder: PhoneDecoder, words: Sequence[SpokenWord]) -> list[list[str]]:
        """The names of each word's arcs; a name stands for one place in the text."""
        used: dict[tuple[str, ...], int] = {}
        names: list[list[str]] = []
        for place, word in enumerate(words):
            names.append([])
            for phones, pronunciation in {phones_of(p): p for p in word.pronunciations}.items():
                used[phones] = used.get(phones, 0) + 1
                name = decoder.arc_name(phones, used[phones])
                self.places[name] = (place, pronunciation)
                names[-1].append(name)
        return names

    def _add(self, names: Sequence[str], start: int, end: int, probability: float) -> None:
        self.arcs += [Arc(start, end, probability, name) for name in names]
