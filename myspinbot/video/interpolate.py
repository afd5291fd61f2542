"""A stage that puts frames between frames, at constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Protocol

import cv2
import numpy as np

from ..errors import BadInputError
from .source import FrameSource, Stage

MAX_FPS = 240
"""What files with more claim is taken for a clock."""
_CUT = 40.0
"""Mean difference of two frames seen from afar, in levels, from which on nothing leads from one to
the other."""


class Between(Protocol):
    """A net that knows what happens between two frames."""

    def __call__(
        self, before: np.ndarray, after: np.ndarray, shares: Sequence[float], /
    ) -> Iterable[np.ndarray]:
        """A picture for each of `shares` of the way (0..1); all are uint8 [H, W, 3].

        What was `after` in one call may be `before`, the same object, in the next.
        """
        ...


class Interpolated(Stage):
    """A source with `factor` times as many frames a second, and the same length.

    Where the picture is cut, or rests, the frame before is shown again. Raises BadInputError for
    more frames a second than files tell.
    """

    def __init__(self, source: FrameSource, between: Between, factor: int):
        super().__init__(source)
        self._between, self._factor = between, factor
        if self.fps > MAX_FPS:
            raise BadInputError(
                f"The video would have {float(self.fps):g} frames a second, and {MAX_FPS} is the "
                "most: set factor lower."
            )

    @property
    def fps(self):
        return self.source.fps * self._factor

    @property
    def frame_count(self) -> int:
        return self.source.frame_count * self._factor

    def frames(self) -> Iterator[np.ndarray]:
        shares = [number / self._factor for number in range(1, self._factor)]
        before: np.ndarray | None = None
        for frame in self.source.frames():
            after = frame.copy()
            if before is not None:
                yield before
                if _leads_to(before, after):
                    yield from self._between(before, after, shares)
                else:
                    yield from repeat(before, len(shares))
            before = after
        if before is not None:
            yield from repeat(before, self._factor)


def _leads_to(before: np.ndarray, after: np.ndarray) -> bool:
    small = [cv2.resize(frame, (32, 32), interpolation=cv2.INTER_AREA) for frame in (before, after)]
    if float(cv2.absdiff(*small).mean()) >= _CUT:
        return False
    return not np.array_equal(before, after)
