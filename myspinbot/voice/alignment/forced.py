"""Forced alignment: where in a sound of any length each word of a known text is heard.

The sound is heard in stretches cut at pauses, each with as much of the text as could be said in it.
Only what is found beyond chance moves the place in the text forward, so that a passage that is not
in the text, or of which nothing is said, costs no more than itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...progress import Tick, no_tick
from ..activity import runs
from .acoustic import FIRST_BORDER_S, FRAME_S, RATE, PhoneDecoder
from .arpabet import Piece
from .word_graph import SpokenWord, Step, hear

_HOP = round(RATE * FRAME_S)
_LONGEST = 1600
"""Frames of a stretch."""
_EARLIEST_CUT = 0.6
"""Of the longest stretch."""
_PAUSE = 15
"""Frames of a pause that a stretch may end in."""
_UNSURE = 100
"""Frames at the end of a stretch without a pause there: words in them are heard again."""
_PHONES_PER_FRAME = 0.25
"""Nobody speaks faster."""
_FAR, _FAR_DOUBT = 6, 2.0
"""Times as much text, where nothing is found: some may not be said. More fits by chance in it."""
_CHANCE_FIT = -6.0
"""Nats a frame that words reach which are not said."""
_CHANCE_NATS = 100.0
"""By which words in a row may exceed that by chance: at most 85 in 28 sounds with a wrong text."""
_ENOUGH_WORDS, _NATS_PER_PHONE = 10, 4.0
"""What is enough for a very short text."""


@dataclass(frozen=True)
class TimedPiece:
    """What of a word belongs together, with its time."""

    piece: Piece
    start_s: float
    end_s: float


@dataclass
class Found:
    """What was heard of a text."""

    words: dict[int, tuple[TimedPiece, ...]] = field(default_factory=dict)
    """The pieces of each word that was found, by its place in the text."""
    strange_s: float = 0.0
    """Speech that is not in the text."""
    nats: float = 0.0
    """Log likelihood of the words against the best of all phones, over all of `frames`."""
    frames: int = 0
    """Length of the words that were found."""


def find_words(
    decoder: PhoneDecoder,
    samples: np.ndarray,
    is_speech: np.ndarray,
    words: Sequence[SpokenWord],
    tick: Tick = no_tick,
) -> Found:
    """Find `words`, in their order, in `samples` (int16 [T] at RATE).

    `is_speech` [N] tells of each frame whether it is loud enough. Time grows with the length of the
    sound, memory does not. `tick` counts frames. Raises EngineError.
    """
    found = Found()
    start = first = furthest = 0

    def forward(done: int, total: int) -> None:
        nonlocal furthest
        furthest = max(furthest, done)  # some of the sound is heard twice
        tick(furthest, total)

    while start < len(is_speech):
        end, in_pause = stretch_end(is_speech, start)
        steps = _listen(decoder, samples, is_speech, words[first:], (start, end), forward)
        if not in_pause:
            steps = [step for step in steps if step.heard.end <= end - start - _UNSURE]
        said = [(step.place, step) for step in steps if step.place is not None]
        for place, step in said:
            found.words[first + place] = _timed(step, start)
            length = step.heard.end - step.heard.start
            found.nats += step.heard.fit * length
            found.frames += length
        stop = end if in_pause or not steps else start + steps[-1].heard.end
        strange = sum(step.heard.end - step.heard.start for step in steps if step.is_strange)
        found.strange_s += FRAME_S * (strange if steps else int(is_speech[start:stop].sum()))
        first += said[-1][0] + 1 if said else 0
        start = stop
    return found


def stretch_end(is_speech: np.ndarray, start: int) -> tuple[int, bool]:
    """Where a stretch of at most 16 s from frame `start` ends, and whether that is in a pause."""
    if len(is_speech) - start <= _LONGEST:
        return len(is_speech), True
    earliest = start + round(_EARLIEST_CUT * _LONGEST)
    pauses = runs(~is_speech[earliest : start + _LONGEST])
    first, last = max(pauses, key=lambda run: run[1] - run[0], default=(0, 0))
    if last - first < _PAUSE:
        return start + _LONGEST, False
    return earliest + (first + last) // 2, True


def _listen(
    decoder: PhoneDecoder,
    samples: np.ndarray,
    is_speech: np.ndarray,
    words: Sequence[SpokenWord],
    stretch: tuple[int, int],
    tick: Tick,
) -> list[Step]:
    """What is heard from the first to the last frame of `stretch`, and surely of `words`."""
    start, end = stretch
    speech = is_speech[start:end]
    steps: list[Step] = []
    passes = 0

    def part(done: int, total: int) -> None:
        tick(start + len(speech) * (done + passes * total) // (2 * total), len(is_speech))

    for reach in (1, _FAR):
        last = _sayable(words, reach * _PHONES_PER_FRAME * int(speech.sum()))
        if last and not any(step.place is not None for step in steps):
            steps = hear(
                decoder,
                words[:last],
                samples[start * _HOP : end * _HOP],
                np.repeat(speech, _HOP)[: len(samples) - start * _HOP],
                is_last=end == len(is_speech) and last == len(words),
                tick=part,
            )
            steps = _sure(steps, words, _CHANCE_NATS * (1 if reach == 1 else _FAR_DOUBT))
        passes += 1
        if last == len(words):
            break
    return steps


def _sayable(words: Sequence[SpokenWord], phones: float) -> int:
    """How many words can be said at most in so many phones."""
    last = 0
    while last < len(words) and phones > 0:
        phones -= words[last].phones
        last += 1
    return last


def _sure(steps: Sequence[Step], words: Sequence[SpokenWord], chance_nats: float) -> list[Step]:
    """The same, without words that may fit by chance: a few in a row, far from where one was."""
    phones = sum(word.phones for word in words[:_ENOUGH_WORDS])
    least_nats = min(chance_nats, _NATS_PER_PHONE * phones)
    sure = list(steps)
    for row, follows in _rows(steps):
        if not follows and sum(_gain(steps[i]) for i in row) < least_nats:
            for i in row:
                sure[i] = replace(steps[i], place=None)
    return sure


def _rows(steps: Sequence[Step]) -> Iterator[tuple[list[int], bool]]:
    """Which steps are words in a row, and whether they follow from the start of the stretch."""
    row: list[int] = []
    follows, expected = True, 0
    for index, step in enumerate(steps):
        if step.is_strange or step.place not in (None, expected):
            yield row, follows
            row, follows = [], False
        if step.place is not None:
            row.append(index)
            expected = step.place + 1
    yield row, follows


def _gain(step: Step) -> float:
    return (step.heard.fit - _CHANCE_FIT) * (step.heard.end - step.heard.start)


def _timed(step: Step, start: int) -> tuple[TimedPiece, ...]:
    timed: list[TimedPiece] = []
    index = 0
    for piece in step.pronunciation:
        first = step.heard.phones[index]
        last = step.heard.phones[index + len(piece.phones) - 1]
        timed.append(TimedPiece(piece, _seconds(start + first[0]), _seconds(start + last[1])))
        index += len(piece.phones)
    return tuple(timed)


def _seconds(frame: int) -> float:
    return frame * FRAME_S + FIRST_BORDER_S
