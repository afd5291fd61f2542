"""Squares cut out of an image along a face's tilt, and the matrices there and back.

Coordinates count pixel edges: an image spans 0..width, the first pixel's centre is at 0.5.
Matrices are float64 [2, 3] and act on columns x, y, 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, hypot, sin

import cv2
import numpy as np

from .geometry import Face

_CENTER = 0.5
"""Edge coordinate of a pixel's centre; OpenCV counts from there."""


@dataclass(frozen=True, eq=False)
class AlignedCrop:
    """A square around a face, turned so that the eyes are level."""

    image: np.ndarray
    """[size, size, C], the dtype of the image it was cut from."""
    matrix: np.ndarray
    """From the image to the crop."""
    inverse: np.ndarray
    """From the crop to the image."""


def square_matrix(
    center: tuple[float, float], side_px: float, roll_rad: float, size_px: int
) -> np.ndarray:
    """Matrix that maps a turned square of an image onto a `size_px` wide upright one."""
    scale = size_px / side_px
    a, b = scale * cos(roll_rad), scale * sin(roll_rad)
    x, y = center
    half = size_px / 2
    return np.array([[a, b, half - a * x - b * y], [-b, a, half + b * x - a * y]])


def inverted(matrix: np.ndarray) -> np.ndarray:
    """The matrix [2, 3] that undoes `matrix` [2, 3]."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.concatenate([linear, -linear @ matrix[:, 2:]], axis=1)


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map `points` [..., 2]."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def level_box(points: np.ndarray, roll_rad: float) -> tuple[tuple[float, float], float, float]:
    """Center, width and height of the box around `points` [N, 2] whose sides are turned by roll."""
    axes = np.array([[cos(roll_rad), sin(roll_rad)], [-sin(roll_rad), cos(roll_rad)]])
    turned = points @ axes.T
    low, high = turned.min(0), turned.max(0)
    x, y = ((low + high) / 2 @ axes).tolist()
    width, height = (high - low).tolist()
    return (x, y), width, height


def warp(
    image: np.ndarray, matrix: np.ndarray, width_px: int, height_px: int, *, replicate: bool = False
) -> np.ndarray:
    """Warp `image` [H, W] or [H, W, C] by `matrix` (image to result), smoothly when it shrinks.

    Outside of the image the result is 0, or its border's colour with `replicate`.
    """
    shrink = hypot(matrix[0, 0], matrix[1, 0])
    if 0 < shrink < 0.5:
        height, width = image.shape[:2]
        size = max(round(width * shrink), 1), max(round(height * shrink), 1)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        matrix = matrix.copy()
        matrix[:, :2] = matrix[:, :2] @ np.diag([width / size[0], height / size[1]])
    centered = matrix.copy()
    centered[:, 2] += matrix[:, :2].sum(1) * _CENTER - _CENTER
    border = cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT
    return cv2.warpAffine(
        image, centered, (width_px, height_px), flags=cv2.INTER_LINEAR, borderMode=border
    )


def aligned_crop(
    image: np.ndarray, face: Face, *, size_px: int = 512, scale: float = 2.0
) -> AlignedCrop:
    """Cut the square `scale` times as wide as the face out of `image` [H, W, C].

    Parts outside of the image repeat its border.
    """
    center, width, height = level_box(face.points[:, :2], face.roll_rad)
    matrix = square_matrix(center, scale * max(width, height), face.roll_rad, size_px)
    crop = warp(image, matrix, size_px, size_px, replicate=True)
    return AlignedCrop(crop, matrix, inverted(matrix))


def line_angle(start: np.ndarray, end: np.ndarray) -> float:
    """Angle of the line between two points x, y; radians, clockwise for the viewer."""
    dx, dy = (end - start).tolist()
    return atan2(dy, dx)
