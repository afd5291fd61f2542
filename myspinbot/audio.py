"""Sound as plain data: read, resample, mix down, measure. Knows files, but no engine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from .errors import BadInputError


@dataclass(frozen=True)
class Audio:
    """Samples with their rate."""

    samples: np.ndarray
    """float32 [C, T], nominally -1..1."""
    rate: int
    """Hz."""

    @property
    def duration_s(self) -> float:
        return self.samples.shape[1] / self.rate

    def mono(self) -> Audio:
        """The mean of all channels, [1, T]."""
        return Audio(self.samples.mean(axis=0, keepdims=True), self.rate)

    def resampled(self, rate: int) -> Audio:
        """The same sound at `rate` Hz (swresample's windowed sinc)."""
        if rate == self.rate or not self.samples.size:
            return Audio(self.samples, rate)
        layout = "mono" if len(self.samples) == 1 else f"{len(self.samples)}c"
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(self.samples, dtype=np.float32), format="fltp", layout=layout
        )
        frame.sample_rate = self.rate
        frame.time_base = Fraction(1, self.rate)
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        blocks = [f.to_ndarray() for f in [*resampler.resample(frame), *resampler.resample(None)]]
        samples = np.concatenate(blocks, axis=1) if blocks else np.zeros((len(self.samples), 0))
        length = round(self.samples.shape[1] * rate / self.rate)
        samples = np.pad(samples, ((0, 0), (0, max(0, length - samples.shape[1]))))[:, :length]
        return Audio(samples.astype(np.float32), rate)

    def rms_dbfs(self) -> float:
        """Root mean square in dB relative to full scale; -inf for digital silence."""
        power = (
            float(np.mean(np.square(self.samples, dtype=np.float64))) if self.samples.size else 0
        )
        return 10 * np.log10(power) if power > 0 else float("-inf")


def read_audio(path: str | os.PathLike) -> Audio:
    """Decode the first audio stream of any file FFmpeg reads; raises BadInputError."""
    try:
        with av.open(os.fspath(path)) as container:
            if not container.streams.audio:
                raise BadInputError(f"{Path(path).name} has no audio stream: choose a sound file.")
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp")
            blocks = [
                block.to_ndarray()
                for frame in [*container.decode(stream), None]
                for block in resampler.resample(frame)
            ]
            rate = stream.rate
    except FFmpegError as error:
        raise BadInputError(f"{Path(path).name} cannot be decoded as audio: {error}") from error
    if not blocks:
        raise BadInputError(f"{Path(path).name} holds no sound: choose another file.")
    return Audio(np.concatenate(blocks, axis=1), rate)
