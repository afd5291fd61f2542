"""Sizes of pictures."""

from __future__ import annotations

import cv2
import numpy as np


def fit_within(pixels: np.ndarray, max_side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale an image [H, W, C] down so that no side exceeds `max_side_px` (0: any size).

    Returns it with the matrix [2, 3] from old to new pixel coordinates.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, max_side_px / max(height, width)) if max_side_px else 1.0
    shift = (scale - 1) / 2  # integers are the centres of pixels
    matrix = np.array([[scale, 0, shift], [0, scale, shift]])
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return pixels, matrix
