"""Which part of a picture is trained on, and in which size. Knows no models."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import cv2
import numpy as np

from ..face import Face

FACE_SCALE = 2.0
"""Side of a face crop in sizes of the face: the head with its hair, and a little around it."""
HEADROOM = 0.08
"""How much higher than the middle of its points a head is, in sizes of the face."""
_COARSE_PX, _FINE_PX, _FINE_BELOW_PX = 64, 16, 256
_MAX_ASPECT, _MIN_AREA = 2.0, 0.75


@dataclass(frozen=True)
class Window:
    """A part of a picture in whole pixels, and the size in which it is trained on."""

    x0: int
    y0: int
    x1: int
    y1: int
    height_px: int
    width_px: int

    @property
    def enlargement(self) -> float:
        """Above 1 when pixels have to be made up."""
        return max(self.height_px / (self.y1 - self.y0), self.width_px / (self.x1 - self.x0))

    def share_of(self, height: int, width: int) -> float:
        """What part of a picture of that size it shows, 0..1."""
        return (self.y1 - self.y0) * (self.x1 - self.x0) / (height * width)

    @property
    def matrix(self) -> np.ndarray:
        """[2, 3] from the picture to what `cut` makes; OpenCV's coordinates."""
        x = self.width_px / (self.x1 - self.x0)
        y = self.height_px / (self.y1 - self.y0)
        return np.array(
            [[x, 0, (0.5 - self.x0) * x - 0.5], [0, y, (0.5 - self.y0) * y - 0.5]],
        )

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """The part of `picture` [H, W, 3] in its size, uint8 [height_px, width_px, 3]."""
        part = picture[self.y0 : self.y1, self.x0 : self.x1]
        smooth = cv2.INTER_AREA if self.enlargement < 1 else cv2.INTER_CUBIC
        return cv2.resize(part, (self.width_px, self.height_px), interpolation=smooth)


def grid_px(resolution_px: int) -> int:
    """What sides are multiples of."""
    return _COARSE_PX if resolution_px >= _FINE_BELOW_PX else _FINE_PX


def square_px(resolution_px: int) -> int:
    """`resolution_px` rounded to the grid."""
    grid = grid_px(resolution_px)
    return max(round(resolution_px / grid), 1) * grid


def bucket_px(height: int, width: int, resolution_px: int) -> tuple[int, int]:
    """Height and width to train a picture in: nearest in shape, near in area to the square.

    Shapes reach from 1:2 to 2:1, sides are on the grid, and no area exceeds resolution squared.
    """
    grid, side = grid_px(resolution_px), square_px(resolution_px)
    sides = range(grid, int(side * _MAX_ASPECT) + 1, grid)
    sizes = [
        (down, across)
        for down in sides
        for across in sides
        if _MIN_AREA * side * side <= down * across <= side * side
        and max(across / down, down / across) <= _MAX_ASPECT
    ]
    asked = log(height / width)
    return min(sizes, key=lambda size: (abs(log(size[0] / size[1]) - asked), -size[0] * size[1]))


def whole_window(height: int, width: int, resolution_px: int, face: Face | None) -> Window:
    """As much of a picture as its bucket shows, with the head as near the middle as it can be."""
    down, across = bucket_px(height, width, resolution_px)
    scale = min(height / down, width / across)
    center = (width / 2, height / 2) if face is None else head_center(face)
    return _placed(height, width, center, (scale * down, scale * across), (down, across))


def face_window(height: int, width: int, resolution_px: int, face: Face) -> Window:
    """The square around the head, moved and shrunk to lie inside of the picture."""
    side_px = FACE_SCALE * face.size_px
    return square_window(height, width, resolution_px, head_center(face), side_px)


def square_window(
    height: int, width: int, resolution_px: int, center: tuple[float, float], side_px: float
) -> Window:
    """A square about `center` x, y, moved and shrunk to lie inside of the picture."""
    side = min(side_px, height, width)
    out = square_px(resolution_px)
    return _placed(height, width, center, (side, side), (out, out))


def head_center(face: Face) -> tuple[float, float]:
    """x, y of the middle of the head with its hair, in a picture that is upright."""
    x, y = face.center
    return x, y - HEADROOM * face.size_px


def _placed(
    height: int,
    width: int,
    center: tuple[float, float],
    shown: tuple[float, float],
    size: tuple[int, int],
) -> Window:
    down, across = (max(round(value), 1) for value in shown)
    x0 = round(min(max(center[0] - across / 2, 0), width - across))
    y0 = round(min(max(center[1] - down / 2, 0), height - down))
    return Window(x0, y0, x0 + across, y0 + down, *size)
