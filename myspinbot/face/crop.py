"""Squares cut out of an image along a face's tilt, and the matrices there and back.

Coordinates are OpenCV's: whole numbers are pixel centres. Matrices are float64 [2, 3] and act on
columns x, y, 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, hypot, sin

import cv2
import numpy as np

from .geometry import Face


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


def shrunk(image: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Scale `image` down so that reading it at `factor` skips no pixels: to twice that size.

    Also returns the matrix from its coordinates back to the original's.
    """
    height, width = image.shape[:2]
    size = max(round(width * 2 * factor), 1), max(round(height * 2 * factor), 1)
    if factor >= 0.5 or size == (width, height):
        return image, np.eye(2, 3)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    x, y = width / size[0], height / size[1]
    return small, np.array([[x, 0, x / 2 - 0.5], [0, y, y / 2 - 0.5]])


def composed(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """The matrix [2, 3] that does `inner`, then `outer`."""
    return np.concatenate([outer[:, :2] @ inner[:, :2], apply(outer, inner[:, 2])[:, None]], 1)


def warp(
    image: np.ndarray, matrix: np.ndarray, width_px: int, height_px: int, *, replicate: bool = False
) -> np.ndarray:
    """Warp `image` [H, W] or [H, W, C] by `matrix` (image to result), smoothly when it shrinks.

    Outside of the image the result is 0, or its border's colour with `replicate`.
    """
    image, corner = _needed(image, matrix, width_px, height_px)
    small, back = shrunk(image, hypot(matrix[0, 0], matrix[1, 0]))
    shift = np.concatenate([np.eye(2), corner[:, None]], axis=1)
    matrix = composed(matrix, composed(shift, back))
    border = cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT
    return cv2.warpAffine(
        small, matrix, (width_px, height_px), flags=cv2.INTER_LINEAR, borderMode=border
    )


def _needed(
    image: np.ndarray, matrix: np.ndarray, width_px: int, height_px: int
) -> tuple[np.ndarray, np.ndarray]:
    """The part of `image` that `warp` reads, and its upper left corner x, y."""
    corners = np.array([[0, 0], [width_px, 0], [0, height_px], [width_px, height_px]])
    corners = apply(inverted(matrix), corners)
    margin = 2 + 2 / max(hypot(matrix[0, 0], matrix[1, 0]), 1e-3)
    limit = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(corners.min(0) - margin), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(corners.max(0) + margin), low + 1, limit).astype(int)
    return image[low[1] : high[1], low[0] : high[0]], low


def aligned_crop(
    image: np.ndarray, face: Face, *, size_px: int = 512, scale: float = 2.0
) -> AlignedCrop:
    """Cut the square `scale` times as large as the face out of `image` [H, W, C].

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
