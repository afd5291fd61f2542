"""Whether a mouth moves with the speech: correlation, delay, and lips that close where they must.

Works on one number per frame, the mouth gap; who tracks the face is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..audio import Audio
from ..errors import BadInputError
from ..speech import Phoneme, Speech

_RATE = 100  # Hz: both curves are compared in steps of 10 ms
_WIDEST_LAG_S = 0.6
_STILL = 0.015
"""A mouth whose gap varies by less than this share of the eye distance does not speak."""
_CLOSED_SHARE = 0.2
"""Of the mouth's own range: below it the lips count as closed."""
_BLUR_S = 0.04
_CLOSURE_BLUR_S = 0.02
_SLACK_S = 0.02
"""Half a frame at 25 fps: how far beside a bilabial the closed frame may lie."""
_MOST_MISSING = 0.2
_SHORTEST_S = 1.0
_QUIETEST_DB = 35.0
"""Range of loudness that counts, below the loudest."""

_BILABIALS = frozenset("pbm")
_OPENNESS = (
    ("aɑæɐɶɒ", 1.0),
    ("ɛɔʌɜœɞ", 0.7),
    ("eoɤøɘɵəɚ", 0.55),
    ("iuɪʊyʏɨʉɯᵻ", 0.35),
    ("fvpbm", 0.0),
)
_OPENNESS_OF = {symbol: value for symbols, value in _OPENNESS for symbol in symbols}
_CONSONANT = 0.25
_VOWELS = "".join(symbols for symbols, _ in _OPENNESS[:4])

_LEAST_CORRELATION = {"phonemes": 0.5, "audio": 0.35}
_MOST_LAG_MS = 100.0


@dataclass(frozen=True)
class Sync:
    """How well a mouth follows the speech."""

    reference: str
    """"phonemes" or "audio": what the mouth was compared with; audio gives lower figures."""
    moves: bool
    """False: the mouth stays still and the other figures mean nothing."""
    correlation: float
    """Pearson's r at lag 0."""
    best_correlation: float
    """The highest r within +-600 ms."""
    lag_ms: float
    """Where it lies; positive: the picture is late."""
    bilabials: int
    """How many p, b, m were looked at."""
    bilabials_closed: float | None
    """Share of them with closed lips; None without phonemes or bilabials."""
    vowels_closed: float | None
    """Share of vowels whose middle has closed lips: a fault; None without phonemes or vowels."""

    @property
    def in_sync(self) -> bool:
        """The coarse verdict: a static, random or 400 ms shifted mouth fails it."""
        return (
            self.moves
            and self.correlation >= _LEAST_CORRELATION[self.reference]
            and abs(self.lag_ms) <= _MOST_LAG_MS
        )


def measure(gap: np.ndarray, fps: float, spoken: Speech | Audio) -> Sync:
    """Compare the mouth gap of each frame with what is said.

    `gap`: inner-lip distance over eye distance, [F], NaN where no face was found. Raises
    BadInputError for under one second, or a face missing in more than a fifth of the frames.
    """
    curve = _gap_curve(gap, fps)
    if isinstance(spoken, Speech):
        wanted, kind = openness(spoken, len(curve)), "phonemes"
    else:
        wanted, kind = loudness(spoken, len(curve)), "audio"
    low, high = np.percentile(curve, (2, 95))
    if high - low < _STILL:
        return Sync(kind, False, 0.0, 0.0, 0.0, 0, None, None)
    at_zero, best, lag_s = _correlations(curve, wanted)
    bilabials, closed, vowels = 0, None, None
    if isinstance(spoken, Speech):
        is_closed = curve <= low + _CLOSED_SHARE * (high - low)
        bilabials, closed, vowels = _closures(is_closed, spoken.phonemes)
    return Sync(kind, True, at_zero, best, 1000 * lag_s, bilabials, closed, vowels)


def openness(speech: Speech, count: int) -> np.ndarray:
    """How open a mouth should be, 0..1, every 10 ms, [count].

    Vowels by their height in the IPA's chart, diphthongs from one to the other, neighbours run into
    each other; lips that meet for p, b, m do meet.
    """
    curve, closed = np.zeros(count), np.zeros(count)
    for phoneme in speech.phonemes:
        letters = [letter for letter in phoneme.symbol if letter.isalpha()]
        edges_s = np.linspace(phoneme.start_s, phoneme.end_s, len(letters) + 1)
        for letter, (start_s, end_s) in zip(letters, pairwise(edges_s), strict=True):
            span = _span(start_s, end_s)
            curve[span] = _OPENNESS_OF.get(letter, _CONSONANT)
            closed[span] = letter in _BILABIALS
    return _blurred(curve) * (1 - _blurred(closed, _CLOSURE_BLUR_S))


def loudness(audio: Audio, count: int) -> np.ndarray:
    """Loudness above the quiet in dB, every 10 ms, [count]."""
    samples = np.square(audio.mono().samples[0], dtype=np.float64)
    total = np.pad(np.cumsum(samples), (1, 0))
    edges = np.round(np.arange(count + 1) / _RATE * audio.rate).astype(int)
    edges = np.minimum(edges, len(samples))
    power = np.diff(total[edges]) / np.maximum(np.diff(edges), 1)
    level_db = 10 * np.log10(_blurred(power) + 1e-12)
    return np.maximum(level_db, level_db.max() - _QUIETEST_DB)


def _gap_curve(gap: np.ndarray, fps: float) -> np.ndarray:
    """The gap every 10 ms, missing frames interpolated."""
    gap = np.asarray(gap, dtype=np.float64)
    if len(gap) < _SHORTEST_S * fps:
        raise BadInputError(f"{len(gap)} frames are too few to judge sync: give a second or more.")
    seen = np.isfinite(gap)
    if seen.mean() < 1 - _MOST_MISSING:
        raise BadInputError(
            f"No face was found in {(~seen).sum()} of {len(gap)} frames: sync cannot be judged."
        )
    times = (np.arange(len(gap)) + 0.5) / fps
    wanted = (np.arange(round(len(gap) / fps * _RATE)) + 0.5) / _RATE
    return np.interp(wanted, times[seen], gap[seen])


def _blurred(curve: np.ndarray, blur_s: float = _BLUR_S) -> np.ndarray:
    offsets = np.arange(-3 * blur_s, 3 * blur_s + 1e-9, 1 / _RATE)
    kernel = np.exp(-0.5 * (offsets / blur_s) ** 2)
    edge = len(kernel) // 2
    padded = np.pad(curve, edge, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")[: len(curve)]


def _correlations(curve: np.ndarray, wanted: np.ndarray) -> tuple[float, float, float]:
    """r at lag 0, the best r, and its lag in seconds."""
    widest = min(round(_WIDEST_LAG_S * _RATE), len(curve) // 2)
    found = {}
    for lag in range(-widest, widest + 1):
        later, earlier = curve[max(0, lag) :], wanted[max(0, -lag) :]
        length = min(len(later), len(earlier))
        found[lag] = _pearson(later[:length], earlier[:length])
    best = max(found, key=lambda lag: (found[lag], -abs(lag)))
    return found[0], found[best], best / _RATE


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt(np.square(a).sum() * np.square(b).sum())
    return float((a * b).sum() / norm) if norm > 1e-12 else 0.0


def _closures(
    is_closed: np.ndarray, phonemes: tuple[Phoneme, ...]
) -> tuple[int, float | None, float | None]:
    """How many bilabials there are, the share of them closed, and the share of vowels closed."""
    bilabials: list[bool] = []
    vowels: list[bool] = []
    for phoneme in phonemes:
        if phoneme.symbol[:1] in _BILABIALS and phoneme.symbol:
            span = _span(phoneme.start_s - _SLACK_S, phoneme.end_s + _SLACK_S)
            bilabials += [bool(is_closed[span].any())] if is_closed[span].size else []
        elif any(letter in _VOWELS for letter in phoneme.symbol):
            quarter_s = (phoneme.end_s - phoneme.start_s) / 4
            core = is_closed[_span(phoneme.start_s + quarter_s, phoneme.end_s - quarter_s)]
            vowels += [bool(core.all())] if core.size else []
    share = float(np.mean(bilabials)) if bilabials else None
    return len(bilabials), share, float(np.mean(vowels)) if vowels else None


def _span(start_s: float, end_s: float) -> slice:
    start = max(0, round(start_s * _RATE))
    return slice(start, max(start, round(end_s * _RATE)))
