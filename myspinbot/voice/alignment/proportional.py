"""Words laid over the loud parts of a sound by their length alone: it hears no words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..activity import HOP_S, runs

_PAUSE_S = 0.15
"""Shorter gaps are stops and soft sounds inside of words."""
_FARTHEST = 3
"""Mean lengths of a word that a border may move to meet a pause."""

Span = tuple[float, float]


def lay_out(
    sizes: Sequence[int], is_speech: np.ndarray, start_s: float, end_s: float
) -> list[Span]:
    """Start and end of things of `sizes` > 0 over the speech between two times, in seconds.

    `is_speech` is bool [N], a value per HOP_S. What is between speech is left out; borders near a
    pause move into it, so that few things reach across one. Without speech all is at `start_s`.
    """
    stretches = _stretches(is_speech, start_s, end_s)
    if not stretches:
        return [(start_s, start_s)] * len(sizes)
    starts, ends = np.array(stretches).T
    spoken = np.cumsum(ends - starts)
    before = spoken - (ends - starts)
    borders = _borders(np.cumsum([0, *sizes]), spoken)
    first = np.searchsorted(spoken[:-1], borders[:-1] + 1e-9, side="right")
    last = np.searchsorted(spoken[:-1], borders[1:] - 1e-9, side="left")
    begin = np.minimum(starts[first] + borders[:-1] - before[first], ends[first])
    finish = np.maximum(starts[last] + borders[1:] - before[last], begin)
    return list(zip(begin.tolist(), finish.tolist(), strict=True))


def _stretches(is_speech: np.ndarray, start_s: float, end_s: float) -> list[Span]:
    """Speech between the two times, short gaps bridged."""
    stretches: list[Span] = []
    for first, last in runs(is_speech):
        begin, finish = max(first * HOP_S, start_s), min(last * HOP_S, end_s)
        if stretches and begin - stretches[-1][1] < _PAUSE_S:
            begin = stretches.pop()[0]
        if begin < finish:
            stretches.append((begin, finish))
    return stretches


def _borders(sizes: np.ndarray, spoken: np.ndarray) -> np.ndarray:
    """Seconds of speech before each border; `sizes` and `spoken` are running totals."""
    per_size = spoken[-1] / sizes[-1]
    fixed = {0: 0.0, len(sizes) - 1: float(spoken[-1])}
    farthest = _FARTHEST * spoken[-1] / (len(sizes) - 1)
    for pause in spoken[:-1].tolist():
        place = int(np.argmin(np.abs(sizes * per_size - pause)))
        near = abs(sizes[place] * per_size - pause) <= farthest
        if near and all((place - p) * (pause - s) > 0 for p, s in fixed.items()):
            fixed[place] = pause
    places = sorted(fixed)
    return np.interp(sizes, sizes[places], [fixed[place] for place in places])
