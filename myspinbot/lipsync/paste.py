"""Cuts a face out of a frame as a net wants it, and pastes what the net drew back without seams.

It knows points and pixels, no nets. Coordinates are OpenCV's: whole numbers are pixel centres.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin

import cv2
import numpy as np

from ..face import Face
from ..face.crop import apply, warp
from ..face.landmarks import FACE_OVAL
from ..face.paste import paste as paste_square

_JAW_DROP = 0.08
"""How far below the chin of the frame a mouth that opens may need to be drawn, in crop sides."""
_GROWN = 0.02
_EDGE = 0.06
"""Over this much of the crop the drawing fades out, so that none of its borders shows."""
_HALF, _HALF_FADE = 0.47, 0.12
"""Nets draw the lower half: from here on down it fades in."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A turned rectangle of a frame that becomes a square."""

    axes: np.ndarray
    """float64 [2, 2]: the directions of its sides in the frame, to the right and down."""
    left: float
    top: float
    right: float
    bottom: float
    """Where its sides are along `axes`, pixels of the frame."""

    def matrix(self, size_px: int) -> np.ndarray:
        """From the frame to the square of `size_px`, float64 [2, 3]."""
        low = np.array([self.left, self.top])
        scale = size_px / (np.array([self.right, self.bottom]) - low)
        shift = -low * scale - 0.5
        return np.concatenate([self.axes * scale[:, None], shift[:, None]], axis=1)


def upright(face: Face) -> tuple[np.ndarray, np.ndarray]:
    """The points of `face` [478, 2] with its roll taken out, and the axes they are along."""
    c, s = cos(face.roll_rad), sin(face.roll_rad)
    axes = np.array([[c, s], [-s, c]])
    return face.points[:, :2] @ axes.T, axes


def crop(frame: np.ndarray, cut: Cut, size_px: int) -> np.ndarray:
    """What `cut` shows of `frame` (uint8 [H, W, 3]), uint8 [size_px, size_px, 3].

    Outside of the frame its border goes on.
    """
    return warp(frame, cut.matrix(size_px), size_px, size_px, replicate=True)


def paste(frame: np.ndarray, drawn: np.ndarray, cut: Cut, face: Face) -> np.ndarray:
    """A copy of `frame` with the lower half of the face as in `drawn` (uint8 [S, S, 3]).

    Every pixel outside of that is the same, bit for bit.
    """
    matrix = cut.matrix(len(drawn))
    return paste_square(frame, drawn, matrix, mouth_mask(face, matrix, len(drawn)))


def mouth_mask(face: Face, matrix: np.ndarray, size_px: int) -> np.ndarray:
    """Which part of a net's square to use: jaw, cheeks and mouth, float32 [size_px, size_px] 0..1.

    `matrix` maps the frame of `face` onto the square. It is 0 along the borders.
    """
    points = apply(matrix, face.at(FACE_OVAL).astype(np.float64))
    middle = points.mean(0)
    grown = middle + (points - middle) * (1 + 2 * _GROWN)
    lower = grown + np.array([0, _JAW_DROP * size_px])
    reach = np.concatenate([grown, lower])
    hull = cv2.convexHull(reach.astype(np.float32))
    mask = np.zeros((size_px, size_px), np.float32)
    cv2.fillConvexPoly(mask, np.rint(hull).astype(np.int32), 1.0, cv2.LINE_AA)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.02 * size_px, borderType=cv2.BORDER_REPLICATE)
    along = (np.arange(size_px, dtype=np.float32) + 0.5) / size_px
    edge = _ease(np.minimum(along, 1 - along) / _EDGE - 1 / (2 * _EDGE * size_px))
    below = _ease((along - _HALF) / _HALF_FADE)
    return mask * (edge * below)[:, None] * edge[None]


def _ease(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return (x * x * (3 - 2 * x)).astype(np.float32)
