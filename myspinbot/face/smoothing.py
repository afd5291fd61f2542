"""Takes the jitter out of a tracked face without making it late.

Source: Casiez, Roussel and Vogel, "1 euro Filter" (CHI 2012): a low-pass filter whose cutoff rises
with speed. Here one filter a point, in units of the face, so that its size in the picture is no
matter; the cutoff of a point follows its speed in the image plane, whatever its direction.
"""

from __future__ import annotations

from math import hypot, tau

import numpy as np

from .geometry import Face

MIN_CUTOFF_HZ = 0.5
"""Of a point that rests: the lower, the stiller."""
CUTOFF_PER_SPEED = 40.0
"""Hz for each face size per second. A point that moves evenly is late by its way in 1 / (tau *
cutoff), so never by more than 1 / (tau * 40) = 0.4 % of the face's size."""
SPEED_CUTOFF_HZ = 1.0
MAX_PAUSE_S = 0.5
"""After a longer one, or a jump, the past says nothing about the present."""
MAX_JUMP = 0.5
"""Of the middle of the face between two frames, in face sizes."""


class FaceSmoother:
    """Smooths one face through a video: ``smoother.smooth(finder.track(frame, face), time_s)``.

    Give `FaceFinder.track` the raw face of the frame before, not the smoothed one.
    """

    def __init__(
        self,
        *,
        min_cutoff_hz: float = MIN_CUTOFF_HZ,
        cutoff_per_speed: float = CUTOFF_PER_SPEED,
    ) -> None:
        self._min_cutoff_hz = min_cutoff_hz
        self._cutoff_per_speed = cutoff_per_speed
        self._time_s = 0.0
        self._raw: Face | None = None
        self._points = np.zeros(0)
        self._velocity = np.zeros(0)
        """Face sizes per second, like `_points` [478, 3]."""

    def smooth(self, face: Face | None, time_s: float) -> Face | None:
        """The smoothed `face` of the frame at `time_s`; None is passed on, and ends the track.

        A cut, a gap of half a second and a step back in time begin a new track.
        """
        raw, self._raw = self._raw, face
        step_s, self._time_s = time_s - self._time_s, time_s
        if face is None:
            return None
        points = face.points.astype(np.float64)
        if raw is None or not 0 < step_s <= MAX_PAUSE_S or _jumped(raw, face):
            self._points, self._velocity = points, np.zeros_like(points)
            return face
        velocity = (points - self._points) / (step_s * face.size_px)
        self._velocity += _share(SPEED_CUTOFF_HZ, step_s) * (velocity - self._velocity)
        speed = np.linalg.norm(self._velocity[:, :2], axis=1, keepdims=True)
        cutoff_hz = self._min_cutoff_hz + self._cutoff_per_speed * speed
        self._points += _share(cutoff_hz, step_s) * (points - self._points)
        return Face.from_points(self._points, face.score)


def _share(cutoff_hz, step_s: float):
    """How much of what is new a first-order low-pass takes on, 0..1."""
    return 1 / (1 + 1 / (tau * cutoff_hz * step_s))


def _jumped(before: Face, after: Face) -> bool:
    (x0, y0), (x1, y1) = before.center, after.center
    return hypot(x1 - x0, y1 - y0) > MAX_JUMP * before.size_px
