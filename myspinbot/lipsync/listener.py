"""The mouth from sound alone: a small convolutional net that never learns what is said.

`benchmarks/make_listener.py` trained it on speech whose every sound has a known time. It
runs in numpy: 230 kFLOP a frame are not worth moving to a GPU.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from safetensors.numpy import load_file

from ..audio import Audio
from . import spectrum
from .mouth import LEAD_S, MouthTrack
from .spectrum import HOP, SAMPLE_RATE_HZ, WINDOW
from .visemes import CHANNELS

WEIGHTS: Final = Path(__file__).parent / "data" / "listener.safetensors"
RATE_HZ: Final = SAMPLE_RATE_HZ // HOP
"""Frames a second that the net hears and answers in."""
BANDS: Final = 40
DILATIONS: Final = (1, 2, 4, 8, 1)
"""Of the residual blocks; with 5 taps each the net hears 340 ms on either side."""
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7800.0
_RANGE_DB: Final = 50.0
"""What is further below the loud parts counts as silence."""
_SILENT_DBFS: Final = -62.0


def mouth_from_audio(audio: Audio, frame_count: int, fps: Fraction) -> MouthTrack:
    """Drive the mouth by the sound of `audio` at `fps`; a sound without a voice moves nothing."""
    heard = features(audio)
    told = answer(heard) * heard.any()  # of silence the net has heard little
    # The lead is in what the net learnt; it answers a little early besides (heard people: 14 ms).
    times_s = (np.arange(frame_count) + 0.5) / float(fps) - LEAD_S
    grid_s = (np.arange(len(told)) + 0.5) / RATE_HZ
    frames = np.stack([np.interp(times_s, grid_s, column) for column in told.T], 1)
    poses, (closed, on_teeth) = frames[:, : len(CHANNELS)], frames[:, len(CHANNELS) :].T
    apart = 1 - _decided(closed)
    return MouthTrack(
        poses.astype(np.float32),
        apart.astype(np.float32),
        np.minimum(_decided(on_teeth), apart).astype(np.float32),
    )


def features(audio: Audio) -> np.ndarray:
    """Level of `BANDS` mel bands below that of the loud parts, float32 [T, BANDS], 0..1.

    One row every 10 ms, the middle of its window at (i + .5) / RATE_HZ.
    """
    count = max(round(audio.duration_s * SAMPLE_RATE_HZ) // HOP, 1)
    power = spectrum.band_powers(audio, _filters(), (WINDOW - HOP) // 2, count)
    total = power.sum(1)
    loud = float(np.quantile(total, 0.95))
    if 10 * np.log10(loud + 1e-12) < _SILENT_DBFS:
        return np.zeros(power.shape, np.float32)
    level_db = 10 * np.log10(power / loud * BANDS + 10 ** (-_RANGE_DB / 10))
    return np.clip(1 + level_db / _RANGE_DB, 0, 1.5).astype(np.float32)


def answer(heard: np.ndarray) -> np.ndarray:
    """What the mouth does at each row of `features`: `CHANNELS`, then whether both lips meet and
    whether the lower one is at the teeth; float32 [T, len(CHANNELS) + 2], 0..1."""
    margin = 2 * sum(DILATIONS) + 4
    padded = np.pad(heard, ((margin, margin), (0, 0)))
    blocks = [
        _run(padded[start : start + spectrum.BLOCK + 2 * margin])[margin:-margin]
        for start in range(0, len(heard), spectrum.BLOCK)
    ]
    return np.concatenate(blocks)


def _run(x: np.ndarray) -> np.ndarray:
    weights = _weights()
    x = np.maximum(_convolved(x, weights["first.weight"], weights["first.bias"], 1), 0)
    for number, dilation in enumerate(DILATIONS):
        name = f"blocks.{number}"
        y = np.maximum(x, 0)
        x = x + _convolved(y, weights[f"{name}.weight"], weights[f"{name}.bias"], dilation)
    x = _convolved(np.maximum(x, 0), weights["last.weight"], weights["last.bias"], 1)
    return 1 / (1 + np.exp(-x))


def _convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, dilation: int) -> np.ndarray:
    """`x` [T, in] with `weight` [out, in, taps], zeros around."""
    taps = weight.shape[2]
    reach = dilation * (taps // 2)
    padded = np.pad(x, ((reach, reach), (0, 0)))
    return bias + sum(
        padded[k * dilation : k * dilation + len(x)] @ weight[:, :, k].T for k in range(taps)
    )


@cache
def _weights() -> dict[str, np.ndarray]:
    return {name: tensor.astype(np.float32) for name, tensor in load_file(WEIGHTS).items()}


@cache
def _filters() -> np.ndarray:
    """Triangles on the mel scale (O'Shaughnessy 1987), float32 [257, BANDS]."""
    lowest, highest = 2595 * np.log10(1 + np.array([_LOWEST_HZ, _HIGHEST_HZ]) / 700)
    mel = np.linspace(lowest, highest, BANDS + 2)
    corners_hz = 700 * (10 ** (mel / 2595) - 1)
    bins_hz = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE_HZ)[:, None]
    rising = (bins_hz - corners_hz[:-2]) / np.diff(corners_hz)[:-1]
    falling = (corners_hz[2:] - bins_hz) / np.diff(corners_hz)[1:]
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)


def _decided(chance: np.ndarray) -> np.ndarray:
    """How far a closure goes of which the net is so sure: half-closed lips are never right, and one
    too many is seen less than one too few (measured on human speech)."""
    return np.clip(3 * chance - 0.3, 0, 1)
