"""Looking pictures and fields up at fractional positions; what lies outside repeats the border."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

_NO_SECOND_MAP: Final = np.empty(0, np.float32)


def look_up(values: np.ndarray, at: np.ndarray, cubic: bool = False) -> np.ndarray:
    """`values` [H, W(, C)] at positions `at` [h, w, 2] (x, y, pixel centres), [h, w(, C)].

    Pictures want `cubic`: bilinear look-up blurs and sharpens them as they drift.
    """
    kind = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    return cv2.remap(values, at, _NO_SECOND_MAP, kind, borderMode=cv2.BORDER_REPLICATE)
