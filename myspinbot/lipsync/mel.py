"""The two log-mel spectra that published lip-sync nets listen to. Knows sound, no nets.

Sources of the constants: Prajwal et al. 2020 (Wav2Lip) with its `hparams`, and Radford et al. 2022
(Whisper, MIT). Everything is at 16 kHz and in blocks, so that memory does not grow with the length.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

RATE_HZ = 16_000
BANDS = 80
WAV2LIP_HOP = 200
"""12.5 ms: 80 columns a second."""
WHISPER_HOP = 160
"""10 ms: 100 columns a second."""
WAV2LIP_RANGE = 4.0
"""Its spectra lie in -4..4; -4 is silence."""
_WAV2LIP_WINDOW, _WHISPER_WINDOW = 800, 400
_PRE_EMPHASIS = 0.97
_BLOCK = 4000
"""Columns at once."""


def wav2lip_mel(samples: np.ndarray) -> np.ndarray:
    """What Wav2Lip hears of `samples` [T] at 16 kHz: float32 [T // 200 + 1, 80], -4..4."""
    emphasised = samples.astype(np.float32, copy=True)
    emphasised[1:] -= _PRE_EMPHASIS * samples[:-1]
    bands = _filters(_WAV2LIP_WINDOW, 55.0, 7600.0)
    blocks = [
        20 * np.log10(np.maximum(1e-5, np.abs(spectrum) @ bands)) - 20
        for spectrum in _spectra(emphasised, _WAV2LIP_WINDOW, WAV2LIP_HOP, "constant")
    ]
    decibels = np.concatenate(blocks)
    scaled = 2 * WAV2LIP_RANGE * (decibels + 100) / 100 - WAV2LIP_RANGE
    return np.clip(scaled, -WAV2LIP_RANGE, WAV2LIP_RANGE).astype(np.float32)


def whisper_mel(samples: np.ndarray) -> np.ndarray:
    """What Whisper hears of `samples` [T] at 16 kHz: float32 [T // 160, 80]."""
    bands = _filters(_WHISPER_WINDOW, 0.0, 8000.0)
    blocks = [
        np.log10(np.maximum(1e-10, np.square(np.abs(spectrum)) @ bands))
        for spectrum in _spectra(samples, _WHISPER_WINDOW, WHISPER_HOP, "reflect")
    ]
    levels = np.concatenate(blocks)[:-1]
    return ((np.maximum(levels, levels.max() - 8) + 4) / 4).astype(np.float32)


def _spectra(samples: np.ndarray, window: int, hop: int, edges) -> Iterator[np.ndarray]:
    """Complex spectra around every `hop`-th sample, in blocks [N, window // 2 + 1]."""
    padded = np.pad(samples, window // 2, mode=edges)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    # periodic, as both trainers had it
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)
    for first in range(0, len(frames), _BLOCK):
        yield np.fft.rfft(frames[first : first + _BLOCK] * hann, axis=1)


@lru_cache(maxsize=2)
def _filters(window: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Slaney's triangles, float64 [window // 2 + 1, BANDS]."""
    from transformers.audio_utils import mel_filter_bank  # takes a second to import

    return mel_filter_bank(
        window // 2 + 1, BANDS, low_hz, high_hz, RATE_HZ, norm="slaney", mel_scale="slaney"
    )
