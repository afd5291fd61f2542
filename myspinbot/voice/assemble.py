"""Spoken pieces as one sound: joints without clicks, room tone in the pauses, one loudness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..audio import Audio
from ..errors import BadInputError
from ..speech import Sentence, Speech, shift
from .engines import Chunk
from .text.plan import split_merged

LOUDNESS_LUFS = -18.0
"""Of the whole, unless asked for another: speech as streaming services want it, with headroom."""
_SILENT_DB = -50.0
"""At the ends of a piece, blocks this far below its loudest are cut off."""
_BLOCK_S = 0.02
_FADE_S = 0.01
_LEAD_S, _TAIL_S = 0.04, 0.08
"""Silence kept before and after the sound of a piece."""
BREATH_S = _LEAD_S + _TAIL_S
_ROOM_DBFS = (-80.0, -70.0)
"""Bounds of the room tone: below hearing in use, above a dead line."""
_ROOM_SHARE = 0.1
"""The quietest blocks of a piece tell what the room sounds like."""


@dataclass(frozen=True)
class Spoken:
    """One piece of a text as the engine said it, and the pause after it."""

    chunk: Chunk | None
    """None: only a pause."""
    pause_s: float
    note: str = ""
    """What a user should know of it, e.g. that its timings are estimated."""


def join(
    pieces: Iterable[Spoken],
    *,
    loudness_lufs: float = LOUDNESS_LUFS,
    lead_s: float = 0.0,
    tail_s: float = 0.0,
) -> tuple[Audio, Speech]:
    """All pieces as one sound [1, T] of `loudness_lufs` and its timed text.

    Peaks stay under -1 dBFS. `lead_s` and `tail_s` of room tone come before and after. Raises
    BadInputError if there are no pieces with sound.
    """
    parts: list[np.ndarray] = []
    spoken: list[tuple[Sentence, int]] = []
    silence_s, length, rate, room = lead_s, 0, 0, None
    for piece in pieces:
        if piece.chunk is None:
            silence_s += piece.pause_s
            continue
        rate = piece.chunk.rate
        room = room or _Room.around(piece.chunk)
        chunk = _trimmed(piece.chunk)
        parts.append(np.zeros(round(silence_s * rate), np.float32))
        length += len(parts[-1])
        spoken.append((chunk.sentence, length))
        parts.append(chunk.samples[0])
        length += len(parts[-1])
        silence_s = piece.pause_s
    if room is None:
        raise BadInputError("There is no speech to join: the text was empty.")
    parts.append(np.zeros(round((silence_s + tail_s) * rate), np.float32))
    audio = Audio(np.concatenate(parts)[None], rate)
    audio.samples[0] += room.tone(audio.samples.shape[1])
    sentences = [
        sentence for whole, start in spoken for sentence in split_merged(shift(whole, start / rate))
    ]
    return audio.levelled(loudness_lufs), Speech(tuple(sentences), audio.duration_s)


def _trimmed(chunk: Chunk) -> Chunk:
    """Cut the silence at both ends down to a breath, and fade."""
    start, stop = _sounding(chunk)
    samples = chunk.samples[:, start:stop].copy()
    fade = min(round(_FADE_S * chunk.rate), samples.shape[1] // 2)
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)).astype(np.float32)
    samples[:, :fade] *= ramp
    samples[:, samples.shape[1] - fade :] *= ramp[::-1]
    sentence = _within(shift(chunk.sentence, -start / chunk.rate), samples.shape[1] / chunk.rate)
    return Chunk(samples, chunk.rate, sentence)


def _block_power(chunk: Chunk) -> np.ndarray:
    """Mean square of each block of 20 ms."""
    block = round(_BLOCK_S * chunk.rate)
    samples = chunk.samples[0, : chunk.samples.shape[1] // block * block]
    return np.square(samples, dtype=np.float64).reshape(-1, block).mean(1)


def _sounding(chunk: Chunk) -> tuple[int, int]:
    """First and last sample to keep."""
    power = _block_power(chunk)
    loudest = power.max(initial=0)
    block, length = round(_BLOCK_S * chunk.rate), chunk.samples.shape[1]
    loud = np.flatnonzero(power > loudest * 10 ** (_SILENT_DB / 10))
    if not loud.size:
        return 0, length
    start = int(loud[0]) * block - round(_LEAD_S * chunk.rate)
    return max(0, start), min(length, (int(loud[-1]) + 1) * block + round(_TAIL_S * chunk.rate))


def _within(sentence: Sentence, duration_s: float) -> Sentence:
    """Clamp all spans to 0..`duration_s`: nets stretch outer sounds into the silence around."""

    def clamped(item: Any) -> Any:
        start_s, end_s = (min(max(t, 0.0), duration_s) for t in (item.start_s, item.end_s))
        return replace(item, start_s=start_s, end_s=end_s)

    words = tuple(
        replace(clamped(word), phonemes=tuple(clamped(p) for p in word.phonemes))
        for word in sentence.words
    )
    return replace(sentence, start_s=0.0, end_s=duration_s, words=words)


@dataclass(frozen=True)
class _Room:
    """The faint noise under a voice: without it, pauses sound like a broken line."""

    taps: np.ndarray
    """Of the filter that colours white noise, float32 [N]."""

    @classmethod
    def around(cls, chunk: Chunk) -> _Room:
        """Hear the room in the quietest blocks of `chunk`."""
        power = _block_power(chunk)
        block = round(_BLOCK_S * chunk.rate)
        if not len(power):
            return cls(_coloured(np.ones(block // 2 + 1)))
        quiet = np.argsort(power)[: max(1, round(_ROOM_SHARE * len(power)))]
        blocks = chunk.samples[0, : len(power) * block].reshape(-1, block)[quiet]
        spectrum = np.square(np.abs(np.fft.rfft(blocks * np.hanning(block)))).mean(0)
        level_db = 10 * np.log10(np.median(power[quiet]) + 1e-12)
        return cls(_coloured(spectrum, float(np.clip(level_db, *_ROOM_DBFS))))

    def tone(self, length: int) -> np.ndarray:
        """`length` samples of it, the same every time."""
        noise = np.random.default_rng(0).standard_normal(length, np.float32)
        return np.convolve(noise, self.taps, "same")[:length] if length else noise


def _coloured(power: np.ndarray, level_dbfs: float = _ROOM_DBFS[0]) -> np.ndarray:
    """Taps of the linear-phase filter whose noise has this power spectrum and level."""
    taps = np.fft.fftshift(np.fft.irfft(np.sqrt(power + 1e-12)))
    taps *= np.hanning(len(taps))
    return (taps * 10 ** (level_dbfs / 20) / np.sqrt(np.square(taps).sum())).astype(np.float32)
