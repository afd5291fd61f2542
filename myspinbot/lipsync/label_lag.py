"""Mouth parameters from sound alone, without knowing what is said: band energies and their shape.

It opens on vowels, closes in silence, spreads and rounds by the balance of the spectrum.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..audio import Audio
from ..speech import Speech
from .mouth import MouthTrack, frame_times_s
from .prosody import HOP_S
from .visemes import CHANNELS, JAW, LOWER, PRESS, PUCKER, UPPER, WIDE, visemes_of

_RATE_HZ: Final = 16000
_HOP: Final = 160
_WINDOW: Final = 512
_BLOCK_S: Final = 30
_BANDS_HZ: Final = ((80, 350), (350, 1100), (1100, 2900), (2900, 4500), (4500, 7800))
_SEARCH_S: Final = 0.15
_BIAS_S: Final = 0.015
"""The sound of a vowel trails its label by this much even in exact labels (measured on espeak-ng,
whose labels come from the synthesiser)."""
_LEAST_S: Final = 0.025
"""Smaller offsets are left alone: nobody sees them, and the estimate is no better."""


def mouth_from_audio(audio: Audio, frame_count: int, fps: Fraction) -> MouthTrack:
    """Drive the mouth by the sound of `audio` at `fps`."""
    times = frame_times_s(frame_count, fps)
    bands = band_powers(audio)
    decibels = 10 * np.log10(bands + 1e-9)
    voiced = 10 * np.log10(bands[:, :3].sum(1) + 1e-9)
    loud = float(np.quantile(voiced, 0.95))
    if loud < -62:
        voiced, decibels = np.full_like(voiced, -100.0), np.full_like(decibels, -100.0)
        bands = np.zeros_like(bands)
    floor = max(float(np.quantile(voiced, 0.08)) + 5, loud - 30)
    speaking = np.clip((voiced - floor) / max(loud - floor, 10), 0, 1.1)
    hiss = 1 / (1 + np.exp(-(np.maximum(decibels[:, 3], decibels[:, 4]) - voiced + 3) / 2.5))
    active = np.clip((np.maximum(voiced, decibels[:, 4]) - floor) / 8, 0, 1)
    # Formants radiate from an open mouth: their amplitude tells more than the voice's own.
    formants = _relative(bands[:, 1] + bands[:, 2], active)
    upper_formants = _relative(bands[:, 2], active)
    # An open vowel has its first formant high: the second band over the first.
    openness = 1 / (1 + np.exp(-(decibels[:, 1] - decibels[:, 0] + 1.0) / 3.0))
    front = 1 / (1 + np.exp(-(decibels[:, 2] - decibels[:, 1] + 9.0) / 3.5))
    vowel = speaking * (1 - 0.5 * hiss)
    poses = np.zeros((len(bands), len(CHANNELS)), np.float32)
    opening = 0.30 * formants + 0.38 * upper_formants + 0.22 * speaking * (0.4 + 0.9 * openness)
    poses[:, JAW] = active * opening * (1 - 0.45 * front * (1 - openness))
    poses[:, WIDE] = 0.7 * active * np.maximum(front * (1 - 0.6 * openness), 0.5 * hiss)
    poses[:, PUCKER] = 0.9 * vowel * (1 - openness) * (1 - front)
    poses[:, UPPER] = active * (0.10 + 0.30 * np.maximum(hiss, front))
    poses[:, LOWER] = active * (0.14 + 0.40 * np.maximum(hiss, front))
    closed = _closures(voiced, decibels, floor)
    poses[:, PRESS] = 0.4 * closed
    return _sampled(poses, closed, times)


def formants_db(audio: Audio) -> np.ndarray:
    """Level of the formants (350-2900 Hz) every 10 ms, dB, float64 [T]."""
    bands = band_powers(audio)
    return 10 * np.log10(bands[:, 1] + bands[:, 2] + 1e-9)


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


def _relative(power: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Amplitude over that of the loud parts, 0..1.2."""
    loud = np.quantile(power[active > 0.5], 0.93) if (active > 0.5).any() else 0.0
    return np.clip(np.sqrt(power / loud), 0, 1.2) if loud > 0 else np.zeros_like(power)


def band_powers(audio: Audio) -> np.ndarray:
    """Power in each of `_BANDS_HZ` every 10 ms, float64 [T, 5]; 0 dB is full scale."""
    if not audio.samples.size:
        return np.zeros((1, len(_BANDS_HZ)))
    sound = audio.mono().resampled(_RATE_HZ).samples[0]
    sound = np.pad(sound, (_WINDOW // 2, _WINDOW))
    window = np.hanning(_WINDOW).astype(np.float32)
    edges = np.asarray(_BANDS_HZ) * _WINDOW // _RATE_HZ
    count = (len(sound) - _WINDOW) // _HOP
    powers = np.empty((count, len(edges)))
    views = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
    step = _BLOCK_S * _RATE_HZ // _HOP
    for start in range(0, count, step):
        stop = min(start + step, count)
        spectrum = np.abs(np.fft.rfft(views[start:stop] * window, axis=1)) ** 2
        for band, (low, high) in enumerate(edges):
            powers[start:stop, band] = spectrum[:, low:high].sum(1)
    return powers / (window.sum() ** 2 / 4)


def _closures(voiced: np.ndarray, decibels: np.ndarray, floor: float) -> np.ndarray:
    """0..1: short, deep dips of the formants between louder sounds, as p, b and m make them."""
    formants = gaussian_filter1d(np.maximum(decibels[:, 1], decibels[:, 2]), 1.0)
    before = np.maximum.reduce([np.roll(formants, k) for k in range(4, 13, 2)])
    after = np.maximum.reduce([np.roll(formants, -k) for k in range(4, 13, 2)])
    dip = np.minimum(before, after) - formants
    bright = decibels[:, 4] - np.maximum(voiced, floor)
    return np.clip((dip - 10) / 8, 0, 1) * (bright < -6) * (np.minimum(before, after) > floor + 4)


def _sampled(poses: np.ndarray, closed: np.ndarray, times: np.ndarray) -> MouthTrack:
    grid = np.arange(len(poses)) * _HOP / _RATE_HZ
    smooth = gaussian_filter1d(poses, 3.2, axis=0)
    smooth[:, WIDE] = gaussian_filter1d(poses[:, WIDE], 5.0)
    smooth[:, PUCKER] = gaussian_filter1d(poses[:, PUCKER], 5.0)
    frames = np.stack([np.interp(times, grid, smooth[:, c]) for c in range(poses.shape[1])], 1)
    contact = np.interp(times, grid, gaussian_filter1d(closed, 2.0))
    apart = 1 - np.clip(1.3 * contact - 0.1, 0, 1)
    return MouthTrack(
        np.clip(frames, 0, 1).astype(np.float32),
        apart.astype(np.float32),
        np.zeros(len(times), np.float32),
    )
