"""What makes frames while they are read, and stages that change them on their way."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from fractions import Fraction
from itertools import islice
from typing import Protocol

import numpy as np

from ..audio import Audio


class FrameSource(Protocol):
    """A video that is made while it is read; iterating `frames()` again makes it again."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def fps(self) -> Fraction: ...

    @property
    def frame_count(self) -> int: ...

    @property
    def audio(self) -> Audio | None: ...

    def frames(self) -> Iterator[np.ndarray]:
        """Yield `frame_count` arrays uint8 [height, width, 3] RGB, each valid until the next."""
        ...


class SeekableSource(FrameSource, Protocol):
    """A FrameSource that can begin anywhere."""

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        """Frames from number `first` on."""
        ...


class Stage:
    """A FrameSource over another one; subclasses change its frames while they pass.

    Stages chain without holding more than the frames they work on. All else is the source's until
    a subclass says otherwise.
    """

    def __init__(self, source: FrameSource):
        self.source = source

    @property
    def width(self) -> int:
        return self.source.width

    @property
    def height(self) -> int:
        return self.source.height

    @property
    def fps(self) -> Fraction:
        return self.source.fps

    @property
    def frame_count(self) -> int:
        return self.source.frame_count

    @property
    def audio(self) -> Audio | None:
        return self.source.audio

    def frames(self) -> Iterator[np.ndarray]:
        return self.source.frames()


class Trimmed(Stage):
    """`count` frames of a source from frame `first` on, with the sound of just that time."""

    def __init__(self, source: SeekableSource, first: int, count: int):
        super().__init__(source)
        self._whole, self._first, self._count = source, first, count

    @property
    def frame_count(self) -> int:
        return self._count

    @property
    def audio(self) -> Audio | None:
        sound = self.source.audio
        if sound is None:
            return None
        bounds = (self._first, self._first + self._count)
        start, stop = (round(frame / self.fps * sound.rate) for frame in bounds)
        return Audio(sound.samples[:, start:stop], sound.rate)

    def frames(self) -> Iterator[np.ndarray]:
        return islice(self._whole.frames(self._first), self._count)


class _Even(Stage):
    @property
    def width(self) -> int:
        return self.source.width // 2 * 2

    @property
    def height(self) -> int:
        return self.source.height // 2 * 2

    def frames(self) -> Iterator[np.ndarray]:
        for frame in self.source.frames():
            yield np.ascontiguousarray(frame[: self.height, : self.width])


def even(source: FrameSource) -> FrameSource:
    """`source` without its last column or row where H.264, which wants even sizes, needs that."""
    return _Even(source) if source.width % 2 or source.height % 2 else source


def in_batches(frames: Iterable[np.ndarray], size: int) -> Generator[np.ndarray, None, None]:
    """Copies of the frames as uint8 [N, H, W, 3], N = `size`, fewer in the last batch."""
    batch: list[np.ndarray] = []
    for frame in frames:
        batch.append(frame.copy())
        if len(batch) == size:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)
