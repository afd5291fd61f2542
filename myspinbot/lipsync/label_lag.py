"""Whether the times of a speech are late against its sound."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..audio import Audio
from ..speech import Speech
from .prosody import HOP_S
from .spectrum import SAMPLE_RATE_HZ, WINDOW, band_powers
from .visemes import JAW, visemes_of

_FORMANTS_HZ: Final = (350, 2900)
_SEARCH_S: Final = 0.15
_BIAS_S: Final = 0.015
"""The sound of a vowel trails its label by this much even in exact labels (measured on espeak-ng,
whose labels come from the synthesiser)."""
_LEAST_S: Final = 0.025
"""Smaller offsets are left alone: nobody sees them, and the estimate is no better."""


def formants_db(audio: Audio) -> np.ndarray:
    """Level of the formants (350-2900 Hz) every 10 ms, dB of full scale, float64 [T]."""
    if not audio.samples.size:
        return np.full(1, -90.0)
    low, high = (hz * WINDOW // SAMPLE_RATE_HZ for hz in _FORMANTS_HZ)
    formants = np.zeros((WINDOW // 2 + 1, 1), np.float32)
    formants[low:high] = 1
    power = band_powers(audio, formants, WINDOW // 2, None)
    return 10 * np.log10(power[:, 0] + 1e-9)


def label_lag_s(speech: Speech, formants_db: np.ndarray) -> float:
    """How much later than the sound the labels of `speech` are, seconds; 0 if that is unclear.

    `formants_db` [T] is the level of the formants every 10 ms. Aligners and synthesisers differ by
    tens of milliseconds, which viewers see: what opens the mouth is compared with what is loud.
    """
    opening = np.zeros(len(formants_db))
    for phoneme in speech.phonemes:
        first, last = round(phoneme.start_s / HOP_S), round(phoneme.end_s / HOP_S)
        opening[first:last] = sum(v.pose[JAW] * share for v, share in visemes_of(phoneme.symbol))
    reach = round(_SEARCH_S / HOP_S)
    if len(opening) < 12 * reach or not opening.any():
        return 0.0
    level = gaussian_filter1d(np.clip(formants_db, np.quantile(formants_db, 0.95) - 35, None), 1.5)
    opening = gaussian_filter1d(opening, 1.5)
    middle = slice(reach, -reach)
    lags = np.arange(-reach, reach + 1)
    with np.errstate(invalid="ignore", divide="ignore"):  # Nothing correlates with a constant.
        fit = np.array(
            [np.corrcoef(opening[middle], np.roll(level, k)[middle])[0, 1] for k in lags]
        )
    best = int(np.nanargmax(fit)) if np.isfinite(fit).any() else reach
    if fit[best] < 0.35 or fit[best] - fit[reach] < 0.02 or best in (0, 2 * reach):
        return 0.0
    left, top, right = fit[best - 1 : best + 2]
    bend = left - 2 * top + right
    lag = lags[best] + (0.5 * (left - right) / bend if bend < 0 else 0.0)
    found = float(lag * HOP_S - _BIAS_S)
    return found if abs(found) >= _LEAST_S else 0.0
