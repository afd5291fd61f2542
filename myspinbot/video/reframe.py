"""Other aspect ratios: cut around the face, or the whole picture before a blurred one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import exp
from typing import Literal, get_args

import cv2
import numpy as np

from ..face import Face
from .source import FrameSource, Stage

ASPECTS: dict[str, float] = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "4:5": 4 / 5}
Fill = Literal["crop to the face", "blurred border", "black border"]
FILLS: tuple[Fill, ...] = get_args(Fill)
Track = Callable[[np.ndarray, Face | None], Face | None]
"""`FaceFinder.track`."""
_LOOK_EVERY_S = 0.2
_FREE = 0.12
"""The face may leave its place by so much of the cut's side before the cut follows."""
_FOLLOW_S = 0.6
"""Time constant of following."""
_EYES_AT = 0.42
"""Where the middle of the face rests in the height of the cut."""
_DIM = 0.6


class Reframed(Stage):
    """A source in another aspect ratio.

    Cuts keep as many pixels as fit and follow the face like a calm camera; borders keep the whole
    picture. `short_side_px` scales the result, 0 keeps the scale. `track` is asked a few times a
    second, and only when the picture is cut; without a face the cut stays in the middle.
    """

    def __init__(
        self,
        source: FrameSource,
        aspect: float,
        fill: Fill,
        *,
        track: Track | None = None,
        short_side_px: int = 0,
    ):
        super().__init__(source)
        self._fill, self._track = fill, track
        width, height = source.width, source.height
        cut = fill == "crop to the face"
        # the largest inside the picture, or the smallest around it
        wide = (width / height > aspect) == cut
        self._view = (height * aspect, float(height)) if wide else (float(width), width / aspect)
        scale = short_side_px / min(self._view) if short_side_px else 1.0
        self._size = _even(self._view[0] * scale), _even(self._view[1] * scale)

    @property
    def width(self) -> int:
        return self._size[0]

    @property
    def height(self) -> int:
        return self._size[1]

    def frames(self) -> Iterator[np.ndarray]:
        return (
            self._cut()
            if self._fill == "crop to the face"
            else map(self._padded, self.source.frames())
        )

    def _cut(self) -> Iterator[np.ndarray]:
        camera = _Camera(self.source, self._view)
        face: Face | None = None
        every = max(1, round(_LOOK_EVERY_S * self.fps))
        for number, frame in enumerate(self.source.frames()):
            if self._track and number % every == 0:
                face = self._track(frame, face)
                camera.aim(face, at_once=number == 0)
            x, y = camera.step(float(1 / self.fps))
            yield self._warped(frame, x, y)

    def _warped(self, frame: np.ndarray, x: float, y: float) -> np.ndarray:
        """The view whose upper left corner is at `x`, `y`."""
        sx, sy = self._size[0] / self._view[0], self._size[1] / self._view[1]
        if abs(sx - 1) < 0.01 and abs(sy - 1) < 0.01 and x == round(x) and y == round(y):
            part = frame[round(y) : round(y) + self._size[1], round(x) : round(x) + self._size[0]]
            if part.shape[1::-1] == self._size:
                return np.ascontiguousarray(part)
        matrix = np.array([[sx, 0, (0.5 - x) * sx - 0.5], [0, sy, (0.5 - y) * sy - 0.5]])
        flags = cv2.INTER_CUBIC if sx > 1 else cv2.INTER_LINEAR
        if sx < 0.8:  # or pixels would be skipped
            frame = cv2.GaussianBlur(frame, (0, 0), 0.4 / sx)
        return cv2.warpAffine(
            frame, matrix, self._size, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )

    def _padded(self, frame: np.ndarray) -> np.ndarray:
        width, height = self._size
        scale = min(width / frame.shape[1], height / frame.shape[0])
        w, h = min(width, round(frame.shape[1] * scale)), min(height, round(frame.shape[0] * scale))
        if self._fill == "black border":
            canvas = np.zeros((height, width, 3), np.uint8)
        else:
            canvas = self._blurred(frame)
        inner = (
            frame
            if (w, h) == frame.shape[1::-1]
            else cv2.resize(
                frame, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            )
        )
        x, y = (width - w) // 2, (height - h) // 2
        canvas[y : y + h, x : x + w] = inner
        return canvas

    def _blurred(self, frame: np.ndarray) -> np.ndarray:
        """The frame over the whole canvas, out of focus and darker."""
        width, height = self._size
        scale = max(width / frame.shape[1], height / frame.shape[0])
        w, h = round(width / scale), round(height / scale)
        x, y = (frame.shape[1] - w) // 2, (frame.shape[0] - h) // 2
        small = cv2.resize(
            frame[y : y + h, x : x + w], (48, max(2, 48 * h // w)), interpolation=cv2.INTER_AREA
        )
        small = cv2.GaussianBlur(small, (0, 0), 2.0).astype(np.float32) * _DIM
        return np.clip(
            cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) + 0.5, 0, 255
        ).astype(np.uint8)


class _Camera:
    """Upper left corner of a cut that rests while the face is near its place, else glides."""

    def __init__(self, source: FrameSource, view: tuple[float, float]):
        self._view = np.array(view)
        self._room = np.array([source.width, source.height]) - self._view
        self._now = self._room / 2
        self._goal = np.round(self._now)

    def aim(self, face: Face | None, *, at_once: bool = False) -> None:
        if face is None:
            return
        wanted = np.clip(
            np.array(face.center) - self._view * (0.5, _EYES_AT), 0, np.maximum(self._room, 0)
        )
        if at_once or np.any(np.abs(wanted - self._goal) > _FREE * self._view.min()):
            self._goal = np.round(wanted)
        if at_once:
            self._now = self._goal.copy()

    def step(self, seconds: float) -> tuple[float, float]:
        way = self._goal - self._now
        self._now = self._now + way * (1 - exp(-seconds / _FOLLOW_S))
        if np.abs(self._goal - self._now).max() < 0.5:
            self._now = self._goal.copy()
        x, y = np.clip(self._now, 0, np.maximum(self._room, 0)).tolist()
        return x, y


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)
