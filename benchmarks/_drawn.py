"""How far apart the lips are in the pixels of a frame, without a face tracker.

The animator blends what is behind the lips into each frame. Blended into a black and into a white
picture as well, the difference of the two tells how much of each pixel it covers, whatever its
colour: the height of that in the middle of the mouth is the gap that people see.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from myspinbot.face import Face
from myspinbot.lipsync.portrait import TalkingPortrait

_MIDDLE = 0.25
"""Half of the width that is looked at, half mouth widths."""


class DrawnGap:
    """Looks at each frame that `talking` draws from now on."""

    def __init__(self, talking: TalkingPortrait, face: Face):
        puppet = talking._puppet
        self._frame = puppet.mouth.frame
        self._iod_px = face.iod_px
        self._interior: Any = puppet._interior
        self._gap = 0.0
        puppet._interior = self  # pyright: ignore[reportAttributeAccessIssue]  # stands in for it

    def take(self) -> float:
        """The gap in the last frame over eye distance; 0 where nothing was between the lips."""
        gap, self._gap = self._gap, 0.0
        return gap

    def draw(self, frame: np.ndarray, upper: np.ndarray, lower: np.ndarray, *rest: Any) -> None:
        """What `Interior.draw` does, looked at."""
        self._interior.draw(frame, upper, lower, *rest)
        black, white = np.zeros_like(frame), np.full_like(frame, 255)
        for canvas in (black, white):
            self._interior.draw(canvas, upper, lower, *rest)
        rows, columns = np.nonzero((white[..., 1] < 255) | (black[..., 1] > 0))
        if not len(rows):
            return
        cover = 1 - (white[rows, columns, 1].astype(float) - black[rows, columns, 1]) / 255
        middle = 0.5 * (upper[32] + lower[32])
        aside = (np.stack([columns, rows], 1) - middle) @ self._frame.axes[0]
        reach_px = _MIDDLE * self._frame.unit_px
        self._gap = float(cover[np.abs(aside) < reach_px].sum() / (2 * reach_px) / self._iod_px)
