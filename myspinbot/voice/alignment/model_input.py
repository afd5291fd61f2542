"""A recording of any kind as the acoustic model takes it: one channel, 16 kHz, at full level."""

from __future__ import annotations

import numpy as np

from ...audio import Audio
from ...errors import BadInputError
from ...progress import Tick, no_tick
from ..activity import levels_db, speech_frames
from .acoustic import FRAME_S, RATE

_BLOCK_S = 30
"""Converted at once, which bounds the wait for Cancel."""
_PEAK = 0.5
_SILENCE = 1e-4
"""A peak below -80 dBFS is no recording."""


def prepare(audio: Audio, tick: Tick = no_tick) -> tuple[np.ndarray, np.ndarray]:
    """Convert `audio` to int16 [T] at RATE, and tell which frames of 10 ms are speech, bool [N].

    `tick` reports nothing yet, but may cancel. Raises BadInputError for an empty or silent sound
    and for NaN.
    """
    if not audio.samples.size:
        raise BadInputError("The sound is empty: give a recording of the text.")
    blocks: list[np.ndarray] = []
    frames = max(1, int(audio.duration_s / FRAME_S))
    for start in range(0, audio.samples.shape[1], _BLOCK_S * audio.rate):
        tick(0, frames)
        block = audio.samples[:, start : start + _BLOCK_S * audio.rate]
        if not np.isfinite(block).all():
            raise BadInputError("The sound holds NaN or infinite samples: export it again.")
        mono = Audio(block - block.mean(), audio.rate).mono().resampled(RATE)
        blocks.append(mono.samples[0])
    peak = max(np.percentile(np.abs(block), 99.9) for block in blocks)
    if peak < _SILENCE:
        raise BadInputError("The sound is silent: check the recording.")
    level_db: list[np.ndarray] = []
    whole: list[np.ndarray] = []
    while blocks:
        tick(0, frames)
        block = np.clip(blocks.pop(0) * (_PEAK / peak), -1, 1)
        level_db.append(levels_db(Audio(block[None], RATE)))
        whole.append(np.round(block * 32767).astype(np.int16))
    return np.concatenate(whole), speech_frames(np.concatenate(level_db))
