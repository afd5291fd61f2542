"""One eye that blinks and looks around: the portrait's own lids and lashes unfold over it.

It knows the eye's points and the portrait's pixels; time and habits are in `motion`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from ..face import landmarks
from ..face.geometry import Face
from .eye_shape import EYE_U, EyeShape
from .fields import smoothstep
from .lid import LOWER_SHARE, Lid
from .sampling import coverage, downwards, look_up

_LEAST_OPENING: Final = 0.15
"""An eye less open than this, half eye widths, is shut in the portrait and stays so; what the
points say of the other one is not to be trusted then (they rarely know drawn lids)."""
_SEEN_LIGHT: Final = 0.8
"""The darkest tenth of an eye has less than this share of its lid's light; else dark glasses hide
it, or it is shut where its points do not know."""
_REACH: Final = 1.75
"""What an eye may change lies within so many of its half widths."""
_TURNING: Final = (0.3, 0.9)
"""While this much of the way is gone, the lashes turn down: they go over into others."""
_CHAINS: Final = (
    (
        landmarks.LEFT_UPPER_LID,
        landmarks.LEFT_LOWER_LID,
        landmarks.LEFT_IRIS,
        landmarks.LEFT_BROW_LOWER,
        landmarks.LEFT_BROW_UPPER,
    ),
    (
        landmarks.RIGHT_UPPER_LID,
        landmarks.RIGHT_LOWER_LID,
        landmarks.RIGHT_IRIS,
        landmarks.RIGHT_BROW_LOWER,
        landmarks.RIGHT_BROW_UPPER,
    ),
)


def eyes_of(image: np.ndarray, face: Face, down: np.ndarray) -> list[Eye]:
    """The eyes of `face` that are large enough to move, none if one is shut or hidden; `down` is
    its direction [2]."""
    eyes = []
    for chains in _CHAINS:
        points = [face.at(chain).astype(np.float64) - 0.5 for chain in chains]
        top, bottom, iris, line, crest = points
        brow_px = float(np.median(top[2:7] @ down) - np.median(line @ down))
        shape = EyeShape.of(top, bottom, brow_px)
        x0, y0, x1, y1 = rect = _rect(shape, image.shape[1], image.shape[0])
        if float((shape.lower - shape.upper).max()) < _LEAST_OPENING:
            return []
        if shape.unit_px > 3 and min(x1 - x0, y1 - y0) > 4:
            brow = np.concatenate([line, crest[::-1]])
            eyes.append(Eye(image, shape, iris, brow, rect))
            if not eyes[-1].is_seen:
                return []
    both = all(eye.blinks for eye in eyes)  # one alone would be a wink
    for eye in eyes:
        eye.blinks = both
    return eyes


class Eye:
    """Built once per portrait; all positions are pixel centres."""

    def __init__(
        self,
        image: np.ndarray,
        shape: EyeShape,
        iris: np.ndarray,
        brow: np.ndarray,
        rect: tuple[int, int, int, int],
    ):
        """`image` uint8 [H, W, 3], `iris` [5, 2], `brow` an outline [N, 2]; only the pixels of
        `rect` are drawn to."""
        self.rect = rect
        self._image = image
        self._shape = shape
        self._iris_px = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        x0, y0, x1, y1 = rect
        pixels = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), -1)
        self._corner = np.array((x0, y0), np.float32)
        self._grid = pixels.astype(np.float32) - self._corner
        hair = coverage(brow - (x0, y0), (x1 - x0, y1 - y0), 0.4) > 0.5
        patch, units = image[y0:y1, x0:x1], shape.units(pixels)
        self.is_seen: bool = _is_seen(patch, shape, units)
        self._lid = Lid.of(patch, shape, units, hair)
        self.blinks: bool = self._lid.is_skin
        # Wider than what is drawn to: a turning head brings pixels in from beside it.
        wide = _rect(shape, image.shape[1], image.shape[0], 2 * _REACH)
        self._margin = self._corner - np.array(wide[:2], np.float32)
        self._skins: list[np.ndarray] = []
        for skin in (self._lid.skin, self._lid.bare):
            around = image[wide[1] : wide[3], wide[0] : wide[2]].astype(np.float32)
            around[y0 - wide[1] : y1 - wide[1], x0 - wide[0] : x1 - wide[0]] = skin
            self._skins.append(around)
        away = np.linalg.norm(pixels - iris[0], axis=-1) / max(self._iris_px, 1)
        self._turn = (1 - smoothstep(1.1, 2.2, away)).astype(np.float32)

    def draw(
        self,
        region: np.ndarray,
        sources: np.ndarray,
        turned: Callable[[np.ndarray], np.ndarray],
        blink: float,
        gaze: Sequence[float],
        softness_px: float,
    ) -> None:
        """Draw over `region` uint8 [h, w, 3], the frame's part in `rect`.

        `sources` [h, w, 2] says which pixel of the portrait each of its pixels shows, `turned`
        where points [N, 2] of the portrait are after the head has moved; `gaze` is in iris radii.
        """
        at = sources - self._corner
        blink = blink if self.blinks else 0.0
        upper, lower = self._edges(blink)
        opening = np.concatenate([turned(upper), turned(lower)[::-1]]) - self._corner
        size = (region.shape[1], region.shape[0])
        lids, front = region, np.zeros((), np.float32)
        turned_down = float(smoothstep(*_TURNING, blink))
        if blink > 1e-3:
            skin, bare = self._skins
            skin = skin + turned_down * (bare - skin)
            over, under = (
                look_up(skin, at + self._margin - look_up(self._shift(blink, f), at), cubic=True)
                for f in (self._lid.down, self._lid.up)
            )
            line = turned(0.5 * (upper + lower)) - self._corner
            below = coverage(downwards(line, size), size, 0.4)[..., None]
            lids = over * (1 - below) + under * below
            front = look_up(self._lid.front, at)[..., None]
            lids += front * (region - lids)
        inside = look_up(self._image, sources - look_up(self._gaze_shift(gaze), at), cubic=True)
        alpha = coverage(opening, size, max(0.6 * softness_px, 0.4))[..., None]
        drawn = lids * (1 - alpha) + inside * alpha
        if turned_down:
            units = self._shape.units(sources)
            drop = blink * (1 - LOWER_SHARE)
            light = self._lid.lashes.shade(self._shape, units, drop, softness_px)
            light = 1 - turned_down * (1 - light[..., None])
            drawn *= light + front * (1 - light)
        region[:] = np.clip(drawn + 0.5, 0, 255).astype(np.uint8)

    def _edges(self, closed: float) -> tuple[np.ndarray, np.ndarray]:
        """Edges of the upper and lower lid [33, 2] in pixels of the unturned face."""
        gap = self._shape.lower - self._shape.upper
        upper = self._shape.upper + closed * (1 - LOWER_SHARE) * gap
        lower = self._shape.lower - closed * LOWER_SHARE * gap
        points = (self._shape.pixels(np.stack([EYE_U, edge], -1)) for edge in (upper, lower))
        return next(points), next(points)

    def _shift(self, closed: float, field: np.ndarray) -> np.ndarray:
        """Backward displacement [h, w, 2] of one lid's layer."""
        down = self._shape.axes[1].astype(np.float32)
        found = field = closed * field
        for _ in range(16):
            there = look_up(field, self._grid - found[..., None] * down)
            found = 0.6 * found + 0.4 * there
        return found[..., None] * down

    def _gaze_shift(self, gaze: Sequence[float]) -> np.ndarray:
        """Displacement [h, w, 2] for a gaze in iris radii to the right and down."""
        turn = np.asarray(gaze, np.float64) * self._iris_px @ self._shape.axes
        return self._turn[..., None] * turn.astype(np.float32)


def _is_seen(patch: np.ndarray, shape: EyeShape, units: np.ndarray) -> bool:
    """Whether something dark is where `patch` uint8 [h, w, 3] should show an eye: its iris."""
    luma = patch.mean(-1)
    over, under = shape.heights(units)
    inside = (over < 0) & (under < 0)
    lid = (np.abs(units[..., 0]) < 0.7) & (over > 0.12) & (over < 0.35)
    if not inside.any() or not lid.any():
        return True
    return bool(np.quantile(luma[inside], 0.1) < _SEEN_LIGHT * np.median(luma[lid]))


def _rect(
    shape: EyeShape, width: int, height: int, reach: float = _REACH
) -> tuple[int, int, int, int]:
    """What of an image of that size is within `reach` of the eye: x0, y0, x1, y1."""
    reach_px = reach * shape.unit_px
    low, high = shape.origin - reach_px, shape.origin + reach_px
    return (
        max(int(low[0]), 0),
        max(int(low[1]), 0),
        min(int(high[0]) + 1, width),
        min(int(high[1]) + 1, height),
    )
