"""How far a face that was drawn anew has gone from the one it was drawn after.

There is no network here that knows people by their faces (the good ones are not free for every
use), so this is no measure of identity. It is two of its preconditions, which a restorer that only
adds what blur took away meets: the features stay where they were, and what is seen from afar stays
as it was. A stranger with the same pose, light and proportions would pass.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import landmarks
from .geometry import Face

MAX_MOVED = 0.05
"""Mean way of the features, in eye distances, that is still the same face."""
MAX_CHANGED = 7.0
"""Mean colour difference (CIELAB) seen from afar that is still the same face."""
_AFAR_PX = 16
"""Of a square of 512: a third of an eye."""
_FEATURES = (
    *landmarks.LEFT_EYE, *landmarks.RIGHT_EYE, *landmarks.NOSE_RIDGE, *landmarks.OUTER_LIPS,
    *landmarks.LEFT_BROW_UPPER, *landmarks.RIGHT_BROW_UPPER, landmarks.CHIN,
)  # fmt: skip


def moved(before: Face, after: Face) -> float:
    """Mean way of eyes, brows, nose, lips and chin between two faces in one square, 1: too far."""
    way = np.linalg.norm(after.at(_FEATURES) - before.at(_FEATURES), axis=1).mean()
    return float(way / max(before.iod_px, 1e-6) / MAX_MOVED)


def changed(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> float:
    """How different two squares (uint8 [S, S, 3] RGB) look from afar within `mask`, 1: too much."""
    size = max(len(mask) // _AFAR_PX, 1)
    small = [
        cv2.cvtColor(
            cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255,
            cv2.COLOR_RGB2LAB,
        )
        for image in (before, after)
    ]
    where = cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA)
    difference = np.linalg.norm(small[0] - small[1], axis=2)
    return float((difference * where).sum() / max(where.sum(), 1e-6) / MAX_CHANGED)
