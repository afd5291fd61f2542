"""Whether a speech's times fit its sound, and where the sound is silent whatever the times say."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..speech import Speech
from .prosody import HOP_S
from .visemes import JAW, visemes_of

_SEARCH_S: Final = 0.15
_BIAS_S: Final = 0.015
"""The sound of a vowel trails its label by this much even in exact labels (measured on espeak-ng,
whose labels come from the synthesiser)."""
_LEAST_S: Final = 0.025
"""Smaller offsets are left alone: nobody sees them, and the estimate is no better."""


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
    fit = np.array([np.corrcoef(opening[middle], np.roll(level, k)[middle])[0, 1] for k in lags])
    best = int(np.nanargmax(fit)) if np.isfinite(fit).any() else reach
    if fit[best] < 0.35 or fit[best] - fit[reach] < 0.02 or best in (0, 2 * reach):
        return 0.0
    left, top, right = fit[best - 1 : best + 2]
    bend = left - 2 * top + right
    lag = lags[best] + (0.5 * (left - right) / bend if bend < 0 else 0.0)
    found = float(lag * HOP_S - _BIAS_S)
    return found if abs(found) >= _LEAST_S else 0.0


def voice_gate(
    silence: list[tuple[float, float]], times: np.ndarray, ease_s: float = 0.07
) -> np.ndarray:
    """0 within the silent spans, 1 outside, easing, at `times`: float32 [F]. Labels often let the
    last sound of a phrase run on into the pause."""
    gate = np.ones(len(times))
    for start_s, end_s in silence:
        inside = np.minimum(times - start_s, end_s - times)
        gate = np.minimum(gate, 1 - np.clip(inside / ease_s, 0, 1))
    return (gate * gate * (3 - 2 * gate)).astype(np.float32)
