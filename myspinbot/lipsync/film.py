"""A long talking video out of the windows in the store, finished or as far as it got."""

from __future__ import annotations

import os
import shutil
import uuid
import weakref
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..audio import Audio
from ..video import FileFrames


class Film:
    """A FrameSource that plays the first `keep` frames of each file, with `sound`.

    It has links of its own to the files, in a folder beneath `folder`: what the store forgets
    later is still there. They go when the film does.
    """

    def __init__(
        self,
        windows: Sequence[tuple[Path, int]],
        sound: Audio,
        fps: int,
        size: tuple[int, int],
        folder: Path,
    ):
        self.width, self.height = size
        self.fps = Fraction(fps)
        self.frame_count = sum(keep for _, keep in windows)
        length = round(Fraction(self.frame_count, fps) * sound.rate)
        self.audio: Audio | None = Audio(sound.samples[:, :length], sound.rate)
        own = folder / f"myspinbot_film_{uuid.uuid4().hex}"
        own.mkdir(parents=True)
        weakref.finalize(self, shutil.rmtree, own, ignore_errors=True)
        self._windows = [
            (_linked(path, own / f"{index:05d}.mp4"), keep)
            for index, (path, keep) in enumerate(windows)
        ]

    def frames(self) -> Iterator[np.ndarray]:
        for path, keep in self._windows:
            for index, frame in enumerate(FileFrames(path).frames()):
                if index == keep:
                    break
                yield frame


def _linked(path: Path, target: Path) -> Path:
    try:
        os.link(path, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(path, target)
    return target


class Pictures:
    """A silent FrameSource of frames in memory, uint8 [N, H, W, 3]."""

    audio: Audio | None = None

    def __init__(self, frames: np.ndarray, fps: int):
        self._frames = frames
        self.frame_count, self.height, self.width = frames.shape[:3]
        self.fps = Fraction(fps)

    def frames(self) -> Iterator[np.ndarray]:
        yield from self._frames
