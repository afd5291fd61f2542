"""Looking pictures and fields up at fractional positions; what lies outside repeats the border."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

_NO_SECOND_MAP: Final[Any] = None
"""OpenCV's stubs do not know that `at` may hold x and y together. (An empty array will not do.)"""


def look_up(
    values: np.ndarray, at: np.ndarray, cubic: bool = False, into: np.ndarray | None = None
) -> np.ndarray:
    """`values` [H, W(, C)] at positions `at` [h, w, 2] (x, y, pixel centres), [h, w(, C)].

    Pictures want `cubic`: bilinear look-up blurs and sharpens them as they drift. `into` may be
    part of a larger array.
    """
    kind = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    border = cv2.BORDER_REPLICATE
    return cv2.remap(values, at, _NO_SECOND_MAP, kind, dst=into, borderMode=border)
