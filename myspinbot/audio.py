"""Sound as plain data: read, resample, stretch, mix down, measure. Knows files, but no engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np
from av.error import FFmpegError

from .errors import BadInputError

_K_RATE = 48_000
_HEAD = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (-1.69065929318241, 0.73248077421585),
)
_HIGH_PASS = (1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621)
_K_WEIGHTING = np.array([[*b, 1.0, *a] for b, a in (_HEAD, _HIGH_PASS)])
"""BS.1770-4, tables 1 and 2: second-order sections for _K_RATE."""
PEAK_DBFS = -1.0
"""Ceiling of what was levelled."""
_BLOCK = 1 << 16
"""Samples that are worked on at once."""
_SILENCE_LUFS = -60.0
"""Nothing below is raised: there is no voice in it."""
_DOWN = np.array([[1, 0, 1, 0, 1, 0, 1, 0], [0, 1, 1, 0, 0, 1, 0, 1]], np.float32)
_DOWN[:, 2:] *= np.float32(0.5**0.5)
"""Left, right, centre, bass, back and side channels to left and right."""
_ATEMPO_S = 0.2
"""More than `atempo` looks ahead: it keeps as much of the end to itself."""


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
        """The mean of the channels of `stereo`, [1, T]."""
        if len(self.samples) == 1:
            return self
        return Audio(self.stereo().samples.mean(axis=0, keepdims=True), self.rate)

    def stereo(self) -> Audio:
        """One or two channels: 5.1 and 7.1 are mixed down (ITU-R BS.775), peaks stay within 1.

        Of what else has more than two, it is the mean, [1, T].
        """
        channels = len(self.samples)
        if channels <= 2:
            return self
        if channels not in (6, 8):
            return Audio(self.samples.mean(axis=0, keepdims=True), self.rate)
        mixed = _DOWN[:, :channels] @ self.samples
        return Audio(mixed / max(mixed.max(initial=1), -mixed.min(initial=-1)), self.rate)

    def resampled(self, rate: int) -> Audio:
        """The same sound at `rate` Hz (swresample's windowed sinc)."""
        if rate == self.rate or not self.samples.size:
            return Audio(self.samples, rate)
        channels, total = self.samples.shape
        made, done = np.zeros((channels, round(total * rate / self.rate)), np.float32), 0
        for block in self._blocks(rate):
            block = block[:, : made.shape[1] - done]
            made[:, done : done + block.shape[1]] = block
            done += block.shape[1]
        return Audio(made, rate)

    def _blocks(self, rate: int) -> Iterator[np.ndarray]:
        """The sound at `rate` Hz, piece by piece: of an hour at once there would be copies."""
        channels = [
            (row[None], av.AudioResampler(format="fltp", layout="mono", rate=rate))
            for row in self.samples
        ]
        for at in (*range(0, self.samples.shape[1], _BLOCK), None):
            made = [
                resampler.resample(
                    None if at is None else _frame(row[:, at : at + _BLOCK], self.rate)
                )
                for row, resampler in channels
            ]
            for frames in zip(*made, strict=True):
                yield np.concatenate([frame.to_ndarray() for frame in frames])

    def finite(self) -> Audio:
        """The same, silent where samples are no numbers, as in what broken models make."""
        if np.isfinite(self.samples).all():
            return self
        return Audio(np.nan_to_num(self.samples, nan=0.0, posinf=0.0, neginf=0.0), self.rate)

    def rms_dbfs(self) -> float:
        """Root mean square in dB relative to full scale; -inf for digital silence."""
        power = (
            float(np.mean(np.square(self.samples, dtype=np.float64))) if self.samples.size else 0
        )
        return 10 * np.log10(power) if power > 0 else float("-inf")

    def loudness_lufs(self) -> float:
        """Integrated loudness of mono or stereo (ITU-R BS.1770-4, gated).

        -inf for silence (under -70 LUFS) and for less than 0.4 s.
        """
        # needs a while to import, and few ask for loudness
        from scipy.signal import sosfilt

        tenth = _K_RATE // 10
        count = round(self.samples.shape[1] * _K_RATE / self.rate) // tenth
        if count < 4:
            return float("-inf")
        power, done = np.zeros(count + 1), 0
        state = np.zeros((len(_K_WEIGHTING), len(self.samples), 2))
        for block in self._blocks(_K_RATE):
            heard, state = sosfilt(_K_WEIGHTING, block.astype(np.float64), zi=state)
            number = np.minimum((done + np.arange(block.shape[1])) // tenth, count)
            power += np.bincount(number, np.square(heard).sum(axis=0), count + 1) / tenth
            done += block.shape[1]
        power = power[:count]
        blocks = np.convolve(power, np.full(4, 0.25), "valid")  # 0.4 s, a new one every 0.1 s
        blocks = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
        if not len(blocks):
            return float("-inf")
        gated = blocks[blocks > blocks.mean() / 10]
        return float(-0.691 + 10 * np.log10(gated.mean()))

    def levelled(self, loudness_lufs: float) -> Audio:
        """The same sound at `loudness_lufs`; peaks are rounded off under PEAK_DBFS.

        What is all but silent stays as it is.
        """
        now = self.loudness_lufs()
        if not np.isfinite(now):  # too short to have one
            now = self.rms_dbfs()
        gain = 10 ** ((loudness_lufs - now) / 20) if now > _SILENCE_LUFS else 1.0
        made = np.empty(self.samples.shape, np.float32)
        for part, place in zip(_parts(self.samples), _parts(made), strict=True):
            place[:] = _limited(part * np.float32(gain))
        return Audio(made, self.rate)

    def stretched(self, factor: float) -> Audio:
        """The same pitch for `factor` (0.5..2) times as long (FFmpeg's atempo, a WSOLA).

        Exactly round(T * factor) samples. Raises BadInputError for another factor.
        """
        if not 0.5 <= factor <= 2:
            raise BadInputError(f"Sound cannot be stretched {factor} times: choose 0.5 to 2.")
        length = round(self.samples.shape[1] * factor)
        if factor == 1 or not length:
            return Audio(self.samples[:, :length], self.rate)
        graph = av.filter.Graph()
        source = graph.add_abuffer(
            sample_rate=self.rate,
            format="fltp",
            layout=_layout(self.samples),
            time_base=Fraction(1, self.rate),
        )
        filters = [("atempo", str(1 / factor)), ("aformat", "sample_fmts=fltp"), ("abuffersink",)]
        graph.link_nodes(source, *(graph.add(*each) for each in filters)).configure()
        padding = round(_ATEMPO_S * self.rate)
        graph.push(_frame(np.pad(self.samples, ((0, 0), (0, padding))), self.rate))
        graph.push(None)
        samples = np.concatenate(list(_pulled(graph)), axis=1)[:, :length]
        return Audio(np.ascontiguousarray(samples), self.rate)


def _parts(samples: np.ndarray) -> Iterator[np.ndarray]:
    return (samples[:, at : at + _BLOCK] for at in range(0, samples.shape[1], _BLOCK))


def _limited(samples: np.ndarray) -> np.ndarray:
    """Round off peaks above 70 % of the ceiling, so that none passes PEAK_DBFS."""
    ceiling = 10 ** (PEAK_DBFS / 20)
    knee = 0.7 * ceiling
    size = np.abs(samples)
    room = ceiling - knee
    rounded = knee + room * np.tanh((size - knee) / room)
    return np.where(size > knee, np.sign(samples) * rounded, samples).astype(np.float32)


def _layout(samples: np.ndarray) -> str:
    return "mono" if len(samples) == 1 else f"{len(samples)}c"


def _frame(samples: np.ndarray, rate: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples, dtype=np.float32), format="fltp", layout=_layout(samples)
    )
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    return frame


def _pulled(graph: av.filter.Graph) -> Iterator[np.ndarray]:
    """Everything a finished graph still has to give."""
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        assert isinstance(frame, av.AudioFrame)
        yield frame.to_ndarray()


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
