"""A stage that draws faces anew with a net that restores them, steadily and with soft borders."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp
from weakref import WeakKeyDictionary

import cv2
import numpy as np

from ..face import Face, FaceFollower, Followed, region_mask
from ..face.crop import warp
from ..face.following import Finder
from ..face.likeness import changed, moved
from ..face.paste import add
from ..face.template import SIZE_PX, restoration_matrix
from .nets import Feeder
from .source import FrameSource, Stage

log = logging.getLogger("myspinbot.video")

_GROWN_PX, _FEATHER_PX, _EDGE_PX = 24, 48, 40
"""In the square: how far beyond the oval the new face reaches, and how softly it and the square
end."""
_STILL, _MOVED = 2.0, 5.0
"""Mean difference of two frames, in levels, up to which a place rests, and from which it moves."""
_KEPT = 0.7
"""How much of what was drawn last a place at rest keeps."""
_RELEASE_S = 1.0
"""The guard lets go at once and comes back this slowly, so that it is not seen."""


@dataclass(frozen=True, eq=False)
class _Square:
    """A face as the net sees it."""

    number: int
    shot: _Shot
    face: Face
    """In the square."""
    matrix: np.ndarray
    pixels: np.ndarray


class Restored(Stage):
    """A source whose faces went, each by itself, through a net of 512 px squares.

    Those that a `FaceFollower` sees with `finder` are meant. What the net changed is added to
    the frame within the face's outline, `strength` of it (0..1), so that details finer than the
    square stay. Where nothing moves, what is drawn is smoothed over time. With `guard` the strength
    falls, to 0 if need be, while the new face is too unlike the old one (`face.likeness`).
    Frames without a face pass unchanged, and `faceless` counts them.
    """

    def __init__(
        self,
        source: FrameSource,
        feeder: Feeder,
        finder: Finder,
        *,
        strength: float = 1.0,
        guard: bool = True,
        told: Callable[[str], object] = log.info,
    ):
        super().__init__(source)
        self._feeder, self._finder, self._told = feeder, finder, told
        self._strength, self._guard = strength, guard
        self.faceless = self.restored = self.weakened = 0
        """Frames made so far that show no face, that do, and those in which the guard held one
        back."""
        self.most = 0
        """Faces in one frame."""

    def frames(self) -> Iterator[np.ndarray]:
        self.faceless = self.restored = self.weakened = self.most = 0
        follower = FaceFollower(self._finder)
        shots: WeakKeyDictionary[Followed, _Shot] = WeakKeyDictionary()
        waiting: list[tuple[np.ndarray, list[_Square]]] = []
        for number, frame in enumerate(self.source.frames()):
            squares = []
            for whose in follower.follow(frame, float(number / self.fps)):
                if whose not in shots:
                    shots[whose] = _Shot(self._guard, self._finder, 1 / float(self.fps))
                squares.append(_square(number, frame, whose.face, shots[whose]))
            waiting.append((frame.copy(), squares))
            if sum(len(found) or 1 for _, found in waiting) >= self._feeder.batch:
                yield from self._made(waiting)
                waiting = []
        yield from self._made(waiting)
        self._told(self.report)

    @property
    def report(self) -> str:
        """What was done, in words."""
        total = self.faceless + self.restored
        faces = "a face that was" if self.most < 2 else f"up to {self.most} faces that were"
        lines = [f"{self.restored} of {total} frames show {faces} restored."]
        if self.weakened:
            lines.append(f"In {self.weakened} of them less, to keep the likeness.")
        if self.faceless:
            lines.append(f"{self.faceless} show no face and stay as they are.")
        return " ".join(lines)

    def _made(self, waiting: list[tuple[np.ndarray, list[_Square]]]) -> Iterator[np.ndarray]:
        pixels = [square.pixels for _, squares in waiting for square in squares]
        drawn = self._feeder(np.stack(pixels)) if pixels else iter(())
        for frame, squares in waiting:
            held_back = False
            for square in squares:
                change, share = square.shot.change(square, next(drawn))
                held_back |= share < 1
                frame = add(frame, change * np.float32(share * self._strength), square.matrix)
            self.faceless += not squares
            self.restored += bool(squares)
            self.weakened += held_back
            self.most = max(self.most, len(squares))
            yield frame


def _square(number: int, frame: np.ndarray, face: Face, shot: _Shot) -> _Square:
    matrix = restoration_matrix(face)
    pixels = warp(frame, matrix, SIZE_PX, SIZE_PX, replicate=True)
    return _Square(number, shot, face.transformed(matrix), matrix, pixels)


class _Shot:
    """What is remembered from frame to frame while a face is seen."""

    def __init__(self, guard: bool, finder: Finder, frame_s: float):
        self._guard, self._finder, self._frame_s = guard, finder, frame_s
        self._last: _Square | None = None
        self._drawn = np.zeros(0)
        self._share = 1.0

    def change(self, square: _Square, drawn: np.ndarray) -> tuple[np.ndarray, float]:
        """What to add to the square (float32 [S, S, 3], 0 along its borders), how much of it."""
        mask = _mask(square.face)
        share = self._likeness(square, drawn, mask) if self._guard else 1.0
        new = drawn.astype(np.float32)
        if self._last is not None and square.number == self._last.number + 1:
            fresh = _fresh(self._last.pixels, square.pixels)[..., None]
            new = self._drawn + fresh * (new - self._drawn)
            if share > self._share:
                back = 1 - exp(-self._frame_s / _RELEASE_S)
                share = self._share + (share - self._share) * back
        self._last, self._drawn, self._share = square, new, share
        return (new - square.pixels) * mask[..., None], share if share < 0.999 else 1.0

    def _likeness(self, square: _Square, drawn: np.ndarray, mask: np.ndarray) -> float:
        """1 up to the limit of what is the same face, 0 from twice that on."""
        seen = changed(square.pixels, drawn, mask)
        if seen < 2:
            after = self._finder.track(drawn, square.face)
            seen = max(seen, moved(square.face, after) if after else 2.0)
        return float(np.clip(2 - seen, 0, 1))


def _fresh(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """How much of what is drawn anew each place takes on, float32 [S, S]: 1 where it moved."""
    difference = cv2.absdiff(before, now).mean(2, dtype=np.float32)
    motion = cv2.boxFilter(difference, -1, (9, 9))
    return np.clip((motion - _STILL) / (_MOVED - _STILL), 1 - _KEPT, 1)


def _mask(face: Face) -> np.ndarray:
    """Where the new face is used, float32 [S, S] 0..1; 0 along the borders."""
    mask = region_mask(face, "face", SIZE_PX, SIZE_PX, feather_px=_FEATHER_PX, grow_px=_GROWN_PX)
    along = (np.arange(SIZE_PX, dtype=np.float32) + 0.5) / _EDGE_PX
    edge = np.clip(np.minimum(along, along[::-1]) - 0.1, 0, 1)
    return mask * edge[:, None] * edge
