"""Power of bands of sound over time, in blocks: memory does not grow with the length."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..audio import Audio

SAMPLE_RATE_HZ: Final = 16000
WINDOW: Final = 512
HOP: Final = 160
"""10 ms."""
BLOCK: Final = 6000
"""Frames at once: a minute."""


def band_powers(audio: Audio, bands: np.ndarray, before: int, count: int | None) -> np.ndarray:
    """Power in each of `bands` [WINDOW // 2 + 1, B] every 10 ms, [T, B]; full scale is 1.

    The first window begins `before` samples ahead of the sound. `count` None: until the last one
    is all behind it.
    """
    sound = audio.mono().resampled(SAMPLE_RATE_HZ).samples[0]
    after = WINDOW if count is None else max(count * HOP + WINDOW - len(sound), 0)
    sound = np.pad(sound, (before, after))
    window = np.hanning(WINDOW).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP][:count]
    blocks = [
        np.square(np.abs(np.fft.rfft(frames[start : start + BLOCK] * window, axis=1))) @ bands
        for start in range(0, len(frames), BLOCK)
    ]
    return np.concatenate(blocks) / (window.sum() ** 2 / 4)
