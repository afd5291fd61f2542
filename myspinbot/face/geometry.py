"""The face every part of the pack shares: 478 points and what can be measured on them alone.

It knows no image, no model and no detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, hypot

import numpy as np

from . import landmarks


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one image. Angles are radians; the point groups are in `landmarks`."""

    points: np.ndarray
    """float32 [478, 3]: x right, y down in pixels of the image (OpenCV's: whole numbers are pixel
    centres), z in the same scale (smaller = nearer, 0 about the middle of the head)."""
    score: float
    """How sure the model is that this is a face, 0..1."""
    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 around all points, pixels; it may leave the image."""

    @classmethod
    def from_points(cls, points: np.ndarray, score: float) -> Face:
        """Make a face of `points` [478, 3], with the box around them."""
        points = np.ascontiguousarray(points, dtype=np.float32)
        if points.shape != (landmarks.POINT_COUNT, 3):
            raise ValueError(f"a face has {landmarks.POINT_COUNT} x 3 values, not {points.shape}")
        (x0, y0), (x1, y1) = points[:, :2].min(0).tolist(), points[:, :2].max(0).tolist()
        return cls(points, float(score), (x0, y0, x1, y1))

    def at(self, indices: Sequence[int]) -> np.ndarray:
        """x, y of the points `indices`, float32 [N, 2]."""
        return self.points[list(indices), :2]

    @property
    def left_eye(self) -> np.ndarray:
        """Centre of the viewer's left eye (between its corners, so a blink does not move it)."""
        return self.at(landmarks.LEFT_EYE_CORNERS).mean(0)

    @property
    def right_eye(self) -> np.ndarray:
        """Centre of the viewer's right eye."""
        return self.at(landmarks.RIGHT_EYE_CORNERS).mean(0)

    @property
    def iod_px(self) -> float:
        """Inter-ocular distance: between the eye centres in the image plane, pixels."""
        dx, dy = (self.right_eye - self.left_eye).tolist()
        return hypot(dx, dy)

    @property
    def size_px(self) -> float:
        """Longer side of the box, pixels."""
        x0, y0, x1, y1 = self.box
        return max(x1 - x0, y1 - y0)

    @property
    def center(self) -> tuple[float, float]:
        """Middle of the box, pixels."""
        x0, y0, x1, y1 = self.box
        return (x0 + x1) / 2, (y0 + y1) / 2

    @property
    def roll_rad(self) -> float:
        """Turn in the image plane; positive is clockwise as seen by the viewer."""
        dx, dy = (self.right_eye - self.left_eye).tolist()
        return atan2(dy, dx)

    @property
    def yaw_rad(self) -> float:
        """Turn to the side; positive looks towards the viewer's right."""
        across = self._upright(landmarks.CHEEKS[1]) - self._upright(landmarks.CHEEKS[0])
        return atan2(float(across[2]), float(across[0]))

    @property
    def pitch_rad(self) -> float:
        """Nod; positive looks down."""
        down = self._upright(landmarks.CHIN) - self._upright(landmarks.FOREHEAD_TOP)
        return atan2(float(down[2]), float(down[1]))

    @property
    def mouth_gap(self) -> float:
        """Mean opening of the 5 central inner-lip pairs, in inter-ocular distances."""
        upper, lower = zip(*landmarks.MOUTH_GAP_PAIRS, strict=True)
        return float(np.linalg.norm(self.at(upper) - self.at(lower), axis=1).mean() / self.iod_px)

    def transformed(self, matrix: np.ndarray) -> Face:
        """The same face in an image warped by `matrix` [2, 3] (a similarity)."""
        matrix = np.asarray(matrix, dtype=np.float64)
        scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        xy = self.points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        points = np.concatenate([xy, self.points[:, 2:] * scale], axis=1)
        return Face.from_points(points, self.score)

    def _upright(self, index: int) -> np.ndarray:
        """Point `index` with the roll taken out, about the origin."""
        x, y, z = self.points[index].tolist()
        cos, sin = np.cos(self.roll_rad), np.sin(self.roll_rad)
        return np.array([cos * x + sin * y, cos * y - sin * x, z])
