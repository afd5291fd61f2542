"""How high a voice is and how much it moves: the fundamental frequency of a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio import Audio

_RATE = 8_000
_FRAME, _HOP = 400, 80  # 50 ms hold two periods of the lowest voice; a value every 10 ms
_LOWEST_HZ, _HIGHEST_HZ = 55.0, 500.0
_CLARITY = 0.6
"""Least normalised correlation of a voiced frame."""
_FIRST_PEAK = 0.9
"""The shortest period whose peak reaches this share of the best one wins: no octave below."""
_QUIET_DB = 30.0
"""Frames this far below the loud ones carry no pitch worth counting."""


@dataclass(frozen=True)
class Pitch:
    """Statistics over the voiced frames, the outer 5 % on each side left out."""

    median_hz: float
    """0 when no frame is voiced."""
    log_std: float
    """Standard deviation of the natural logarithm of F0; about 0.1 flat, 0.25 lively."""
    voiced_share: float
    """Voiced part of all frames, 0..1."""


def track(audio: Audio) -> np.ndarray:
    """F0 in Hz every 10 ms, 0 where unvoiced, [N].

    Normalised square difference and its first high peak: McLeod and Wyvill 2005, "A smarter way to
    find pitch"; own code.
    """
    if audio.duration_s * _RATE < _FRAME:
        return np.zeros(0)
    samples = audio.mono().resampled(_RATE).samples[0].astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    level_db = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-12)
    audible = level_db > max(np.percentile(level_db, 95) - _QUIET_DB, -70)
    periods, clarity = _periods(_normalised_correlation(frames))
    voiced = audible & (clarity > _CLARITY)
    return np.where(voiced, _RATE / periods, 0.0)


def measure(audio: Audio) -> Pitch:
    """Measure a recording of one speaker; silence gives zeros."""
    f0 = track(audio)
    voiced = f0[f0 > 0]
    if not len(voiced):
        return Pitch(0.0, 0.0, 0.0)
    low, high = np.percentile(voiced, (5, 95))
    kept = voiced[(voiced >= low) & (voiced <= high)]
    return Pitch(float(np.median(kept)), float(np.log(kept).std()), len(voiced) / len(f0))


def _normalised_correlation(frames: np.ndarray) -> np.ndarray:
    """[N, _FRAME] -> [N, lags], 1 where a frame repeats itself after that many samples."""
    lags = int(_RATE / _LOWEST_HZ) + 2
    spectrum = np.fft.rfft(frames, 2 * _FRAME)
    correlation = np.fft.irfft(np.square(np.abs(spectrum)))[:, :lags]
    energy = np.pad(np.cumsum(np.square(frames), axis=1), ((0, 0), (1, 0)))
    lag = np.arange(lags)
    heads, tails = energy[:, _FRAME - lag], energy[:, -1:] - energy[:, lag]
    return 2 * correlation / np.maximum(heads + tails, 1e-9)


def _periods(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The period in samples (with a parabola's precision) and its height, [N] each."""
    shortest = int(_RATE / _HIGHEST_HZ)
    inner = correlation[:, 1:-1]
    is_peak = (inner >= correlation[:, :-2]) & (inner > correlation[:, 2:])
    is_peak[:, : shortest - 1] = False
    heights = np.where(is_peak, inner, 0.0)
    high = is_peak & (heights >= _FIRST_PEAK * heights.max(axis=1, keepdims=True))
    index = high.argmax(axis=1) + 1
    rows = np.arange(len(correlation))
    before, peak, after = (correlation[rows, index + step] for step in (-1, 0, 1))
    curvature = np.minimum(before - 2 * peak + after, -1e-9)
    offset = np.clip(0.5 * (before - after) / curvature, -0.5, 0.5)
    return index + offset, np.where(high.any(axis=1), peak, 0.0)
