"""Pictures and fields at fractional positions, and the share of each pixel inside an outline."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

GRAY: Final = np.array((0.299, 0.587, 0.114), np.float32)
"""How bright red, green and blue are (BT.601)."""
_NO_SECOND_MAP: Final[Any] = None
"""OpenCV's stubs do not know that `at` may hold x and y together. (An empty array will not do.)"""


def look_up(
    values: np.ndarray, at: np.ndarray, cubic: bool = False, into: np.ndarray | None = None
) -> np.ndarray:
    """`values` [H, W(, C)] at positions `at` [h, w, 2] (x, y, pixel centres), [h, w(, C)].

    What lies outside repeats the border. Pictures want `cubic`: bilinear look-up blurs and
    sharpens them as they drift. `into` may be part of a larger array.
    """
    kind = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    border = cv2.BORDER_REPLICATE
    return cv2.remap(values, at, _NO_SECOND_MAP, kind, dst=into, borderMode=border)


def coverage(polygon: np.ndarray, size: tuple[int, int], sigma_px: float) -> np.ndarray:
    """How much of each pixel of a `size` (width, height) canvas lies in `polygon` [N, 2], blurred
    by `sigma_px`: float32 [h, w] 0..1."""
    finer = 4 if size[0] < 200 else 2
    canvas = np.zeros((size[1] * finer, size[0] * finer), np.uint8)
    corners = np.rint(((polygon + 0.5) * finer - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(canvas, [corners], 255, cv2.LINE_8, 4)
    mask = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return cv2.GaussianBlur(mask, (0, 0), sigma_px) / 255


def downwards(line: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The polyline [N, 2], which runs from left to right, closed around all that is below it."""
    right, bottom = size[0] + 8, size[1] + 8
    ends = [(right, line[-1, 1]), (right, bottom), (-8, bottom), (-8, line[0, 1])]
    return np.concatenate([line, np.array(ends)])
