"""What of an image the loss looks at."""

from __future__ import annotations

import cv2
import numpy as np

from ..face import Face, region_mask
from .framing import Window

GROWTH, FEATHER = 0.22, 0.12
"""Of the size of the face: its points end at the hairline, and hair belongs to the likeness."""


def head(face: Face, window: Window) -> np.ndarray:
    """The head of `face` as `window` shows it, float32 [H, W] 0..1 with soft edges."""
    placed = face.transformed(window.matrix)
    return region_mask(
        placed,
        "face",
        window.height_px,
        window.width_px,
        grow_px=GROWTH * placed.size_px,
        feather_px=FEATHER * placed.size_px,
    )


def fitted(mask: np.ndarray, height_px: int, width_px: int) -> np.ndarray:
    """A mask [H, W] of any size in that of its picture, float32 0..1."""
    scaled = cv2.resize(mask, (width_px, height_px), interpolation=cv2.INTER_LINEAR)
    return scaled.clip(0, 1)
