"""Puts what was drawn on an aligned square back into the frame it was cut from, without seams.

Every pixel that the mask leaves out stays as it is, bit for bit. Coordinates are OpenCV's; matrices
are those of `crop`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np

from .crop import apply, composed, inverted, warp


@dataclass(frozen=True, eq=False)
class _Place:
    """The part of a frame that lies under a square."""

    rows: slice
    columns: slice
    matrix: np.ndarray
    """From the square to that part, float64 [2, 3]."""

    def seen(self, drawn: np.ndarray, border: int) -> np.ndarray:
        """`drawn` [S, S] or [S, S, C] as it looks there, smooth at any scale."""
        width, height = (part.stop - part.start for part in (self.columns, self.rows))
        if hypot(self.matrix[0, 0], self.matrix[1, 0]) < 1:
            return warp(drawn, self.matrix, width, height, replicate=border == cv2.BORDER_REPLICATE)
        # linear interpolation would leave steps in skin
        return cv2.warpAffine(
            drawn, self.matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=border
        )


def _place(frame: np.ndarray, matrix: np.ndarray, size_px: int) -> _Place | None:
    """Where the square that `matrix` cuts out of `frame` lies; None outside of it."""
    back = inverted(matrix)
    square = np.array([[0, 0], [size_px, 0], [0, size_px], [size_px, size_px]]) - 0.5
    corners = apply(back, square)
    limit = np.array([frame.shape[1], frame.shape[0]])
    low = np.clip(np.floor(corners.min(0)), 0, limit).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + 1, low, limit).astype(int)
    if (high <= low).any():
        return None
    here = composed(np.concatenate([np.eye(2), -low[:, None]], axis=1), back)
    return _Place(slice(low[1], high[1]), slice(low[0], high[0]), here)


def paste(frame: np.ndarray, drawn: np.ndarray, matrix: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A copy of `frame` (uint8 [H, W, 3]) that shows `drawn` (uint8 [S, S, 3]) where `mask` says.

    `matrix` maps the frame onto the square, `mask` is float32 [S, S] 0..1 and 0 along its borders.
    """
    pasted, place = frame.copy(), _place(frame, matrix, len(drawn))
    if place is None:
        return pasted
    width, height = (part.stop - part.start for part in (place.columns, place.rows))
    share = warp(mask, place.matrix, width, height)[..., None]
    part = pasted[place.rows, place.columns]
    new = place.seen(drawn, cv2.BORDER_REPLICATE).astype(np.float32)
    part[:] = np.rint(part + share * (new - part)).astype(np.uint8)
    return pasted


def add(frame: np.ndarray, change: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A copy of `frame` (uint8 [H, W, 3]) plus `change` (float32 [S, S, 3], 0 along its borders).

    Details of the frame that are finer than the square's pixels stay.
    """
    changed, place = frame.copy(), _place(frame, matrix, len(change))
    if place is not None:
        part = changed[place.rows, place.columns]
        new = part + place.seen(change, cv2.BORDER_CONSTANT)
        part[:] = np.clip(np.rint(new), 0, 255).astype(np.uint8)
    return changed
