"""Follows every face of a video, and keeps them apart."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .finder import same_face
from .geometry import Face
from .smoothing import FaceSmoother

MAX_FACES = 8
MIN_SIZE_PX = 48
"""Of a face that is followed: in a smaller one features are a pixel or two."""
LOOK_EVERY_S = 1.0
"""For faces that came in beside those that are known."""


class Finder(Protocol):
    """Of `FaceFinder`, what is used here."""

    def find(self, image: np.ndarray, *, max_faces: int = 1, small: bool = True) -> list[Face]: ...

    def track(self, image: np.ndarray, previous: Face | None) -> Face | None: ...


class Followed:
    """One face from the frame in which it was found to the one in which it is lost."""

    def __init__(self, face: Face):
        self.raw = self.face = face
        """As found in the last frame, and smoothed over time."""
        self._smoother = FaceSmoother()

    def smooth(self, time_s: float) -> None:
        self.face = self._smoother.smooth(self.raw, time_s) or self.raw


class FaceFollower:
    """Give it the frames of one video in turn.

    It looks for up to `MAX_FACES` of at least `MIN_SIZE_PX` in the first frame, again every second,
    and whenever one was lost or none is known.
    """

    def __init__(self, finder: Finder):
        self._finder = finder
        self._known: list[Followed] = []
        self._looked_s: float | None = None

    def follow(self, image: np.ndarray, time_s: float) -> list[Followed]:
        """The faces in `image`; a face that was there before is the same object."""
        kept: list[Followed] = []
        for known in self._known:
            face = self._finder.track(image, known.raw)
            if face and same_face(face, known.raw) and _new(face, kept):
                known.raw = face
                kept.append(known)
        waited_s = None if self._looked_s is None else time_s - self._looked_s
        lost = len(kept) < max(len(self._known), 1)
        if waited_s is None or lost or waited_s >= LOOK_EVERY_S:
            for face in self._finder.find(image, max_faces=MAX_FACES, small=waited_s is None):
                if face.size_px >= MIN_SIZE_PX and _new(face, kept):
                    kept.append(Followed(face))
            self._looked_s = time_s
        for known in kept:
            known.smooth(time_s)
        self._known = kept
        return kept[:MAX_FACES]


def _new(face: Face, known: list[Followed]) -> bool:
    return not any(same_face(face, other.raw) for other in known)
