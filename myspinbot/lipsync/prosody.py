"""How loud and how stressed the speech is in time, for head and brows. It knows sound, no face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..audio import Audio
from ..speech import Speech

HOP_S: Final = 0.01
_SECONDS_A_BLOCK: Final = 60


@dataclass(frozen=True, eq=False)
class Accent:
    """One stressed moment."""

    time_s: float
    weight: float
    """About 0.5 weak .. 1.5 strong."""


def loudness(audio: Audio) -> np.ndarray:
    """Level over the background of each 10 ms, float32 [T] 0 (silence) .. 1 (the loudest parts)."""
    hop = max(round(audio.rate * HOP_S), 1)
    levels = []
    for start in range(0, audio.samples.shape[1], hop * 100 * _SECONDS_A_BLOCK):
        block = audio.samples[:, start : start + hop * 100 * _SECONDS_A_BLOCK].mean(0)
        block = np.pad(block, (0, -len(block) % hop)).reshape(-1, hop)
        levels.append(np.square(block, dtype=np.float32).mean(1))
    power = np.concatenate(levels) if levels else np.zeros(1, np.float32)
    decibels = 10 * np.log10(gaussian_filter1d(power, 1.0) + 1e-10)
    loud = np.quantile(decibels, 0.95)
    quiet = max(np.quantile(decibels, 0.05), loud - 45, -75)
    floor = min(quiet + 6, loud - 12)
    if loud < -65:
        return np.zeros(len(power), np.float32)
    return np.clip((decibels - floor) / max(loud - floor, 6), 0, 1.15).astype(np.float32)


def accents(speech: Speech | None, level: np.ndarray) -> list[Accent]:
    """The stressed moments: words with primary stress, or peaks of loudness without a speech."""
    found = _word_accents(speech, level) if speech and speech.words else _peak_accents(level)
    spaced: list[Accent] = []
    for accent in found:
        if spaced and accent.time_s - spaced[-1].time_s < 0.35:
            if accent.weight > spaced[-1].weight:
                spaced[-1] = accent
        else:
            spaced.append(accent)
    return spaced


def pauses(level: np.ndarray, least_s: float = 0.25) -> list[tuple[float, float]]:
    """Spans of silence, seconds."""
    quiet = np.r_[False, gaussian_filter1d(level, 3.0) < 0.12, False]
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8)))
    spans = [(a * HOP_S, b * HOP_S) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [span for span in spans if span[1] - span[0] >= least_s]


def _word_accents(speech: Speech, level: np.ndarray) -> list[Accent]:
    found = []
    for word in speech.words:
        first, last = int(word.start_s / HOP_S), int(word.end_s / HOP_S) + 1
        loud = float(level[first:last].max(initial=0))
        stressed = [p for p in word.phonemes if p.stress == 1]
        content = len(word.phonemes) >= 4 or len(word.text.strip()) >= 5
        if not stressed and not content:
            continue
        at = stressed[0] if stressed else word
        length = min((word.end_s - word.start_s) / 0.4, 1.4)
        weight = 0.35 + 0.5 * loud * length + (0.25 if content else 0)
        found.append(Accent((at.start_s + at.end_s) / 2, weight))
    return found


def _peak_accents(level: np.ndarray) -> list[Accent]:
    smooth = gaussian_filter1d(level, 7.0)
    middle = smooth[1:-1]
    peaks = 1 + np.flatnonzero((middle > smooth[:-2]) & (middle >= smooth[2:]) & (middle > 0.45))
    return [Accent(float(i * HOP_S), float(0.4 + 0.8 * smooth[i])) for i in peaks]
