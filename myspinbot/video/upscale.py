"""A stage that enlarges every frame with a net, at constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import cv2
import numpy as np

from ..errors import BadInputError
from .nets import Feeder
from .source import FrameSource, Stage, in_batches

MAX_SIDE_PX = 16384
"""Of a picture; H.264 ends there."""


class Upscaled(Stage):
    """A source whose frames went through a net, and then have the size that was asked for.

    `scale_by` is the new size over the old one, fractions too; 0 is what the net itself does.
    `longest_side_px`, unless 0, rules instead. What the net makes larger or smaller is averaged
    down or interpolated (bicubic). Sides become even, as H.264 wants them. Raises BadInputError
    for a size that no player shows.
    """

    def __init__(
        self,
        source: FrameSource,
        feeder: Feeder,
        *,
        scale_by: float = 0.0,
        longest_side_px: int = 0,
    ):
        super().__init__(source)
        self._feeder = feeder
        scale = scale_by or float(feeder.net.scale)
        if longest_side_px:
            scale = longest_side_px / max(source.width, source.height)
        self._size = _even(source.width * scale), _even(source.height * scale)
        if max(self._size) > MAX_SIDE_PX:
            raise BadInputError(
                f"The video would have {self._size[0]} x {self._size[1]} pixels, and no side may "
                f"exceed {MAX_SIDE_PX}: set scale_by, or longest_side_px, lower."
            )

    @property
    def width(self) -> int:
        return self._size[0]

    @property
    def height(self) -> int:
        return self._size[1]

    def frames(self) -> Iterator[np.ndarray]:
        with closing(in_batches(self.source.frames(), self._feeder.batch)) as batches:
            for batch in batches:
                for frame in self._feeder(batch):
                    yield self._sized(frame)

    def _sized(self, frame: np.ndarray) -> np.ndarray:
        height, width = frame.shape[:2]
        if (width, height) == self._size:
            return frame
        shrinks = self._size[0] < width
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(frame, self._size, interpolation=how), np.uint8)


def _even(length: float) -> int:
    return max(round(length / 2) * 2, 2)
