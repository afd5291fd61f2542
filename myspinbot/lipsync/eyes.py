"""One eye that blinks and looks around: the portrait's own lids and lashes unfold over it.

It knows the eye's points and the portrait's pixels; time and habits are in `motion`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from ..face import landmarks
from ..face.geometry import Face
from .eye_shape import EYE_U, EyeShape
from .fields import smoothstep
from .sampling import coverage, downwards, look_up

_GRAY: Final = np.array((0.299, 0.587, 0.114), np.float32)
_LOWER_SHARE: Final = 0.15
"""How much of the way to closure the lower lid goes."""
_LASH_BAND: Final = 0.10
"""Height of the band over the lid's edge that moves unstretched, half eye widths."""
_OVERLAP: Final = 0.12
"""A closing lid goes this much too far, half eye widths: the rim of eye that the lid's points
leave above them is then cut off with the part below the line of closure."""
_LEAST_OPENING: Final = 0.15
"""An eye less open than this, half eye widths, is shut in the portrait and stays so; what the
points say of the other one is not to be trusted then (they rarely know drawn lids)."""
_LEAST_LIGHT: Final = 0.15
"""What lies over an eye is skin if it has this share of the light around. On eyes that are drawn
larger than eyes are, it is the eye itself, and there is no lid to unfold: they do not blink."""
_RIM_LIGHT: Final = 0.2
"""What has less of that light may be the rim of glasses, which must not slide down with a lid: eyes
so close to one do not blink, either."""
_CHAINS: Final = (
    (
        landmarks.LEFT_UPPER_LID,
        landmarks.LEFT_LOWER_LID,
        landmarks.LEFT_IRIS,
        landmarks.LEFT_BROW_LOWER,
    ),
    (
        landmarks.RIGHT_UPPER_LID,
        landmarks.RIGHT_LOWER_LID,
        landmarks.RIGHT_IRIS,
        landmarks.RIGHT_BROW_LOWER,
    ),
)


def eyes_of(image: np.ndarray, face: Face, down: np.ndarray) -> list[Eye]:
    """The eyes of `face` that are large enough to move, none if one is shut; `down` is its
    direction [2]."""
    eyes = []
    for chains in _CHAINS:
        top, bottom, iris, line = (face.at(chain).astype(np.float64) - 0.5 for chain in chains)
        brow_px = float(np.median(top[2:7] @ down) - np.median(line @ down))
        shape = EyeShape.of(top, bottom, brow_px)
        x0, y0, x1, y1 = rect = _rect(shape, image.shape[1], image.shape[0])
        if float((shape.lower - shape.upper).max()) < _LEAST_OPENING:
            return []
        if shape.unit_px > 3 and min(x1 - x0, y1 - y0) > 4:
            eyes.append(Eye(image, shape, iris, rect))
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
        rect: tuple[int, int, int, int],
    ):
        """`image` uint8 [H, W, 3], `iris` [5, 2]; only the pixels of `rect` are drawn to."""
        self.rect = rect
        self._image = image
        self._shape = shape
        self._iris_px = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        x0, y0, x1, y1 = rect
        pixels = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), -1)
        self._corner = np.array((x0, y0), np.float32)
        self._grid = pixels.astype(np.float32) - self._corner
        look = _Lid.of(image[y0:y1, x0:x1], shape, shape.units(pixels))
        self.blinks: bool = look.is_skin
        self._down, self._up = self._lid_fields(pixels, look.height)
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
        lids = region
        if blink > 1e-3:
            over, under = (
                look_up(self._image, sources - look_up(self._shift(blink, f), at), cubic=True)
                for f in (self._down, self._up)
            )
            line = turned(0.5 * (upper + lower)) - self._corner
            below = coverage(downwards(line, size), size, 0.4)[..., None]
            lids = over * (1 - below) + under * below
        inside = look_up(self._image, sources - look_up(self._gaze_shift(gaze), at), cubic=True)
        alpha = coverage(opening, size, max(0.6 * softness_px, 0.4))[..., None]
        region[:] = (lids * (1 - alpha) + inside * alpha + 0.5).astype(np.uint8)

    def _lid_fields(self, pixels: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """How far each pixel of the upper and the lower layer moves when the eye closes, pixels;
        what is further than `reach` above the eye stays."""
        shape = self._shape
        units = shape.units(pixels)
        over, under = shape.heights(units)
        opening = np.interp(units[..., 0], EYE_U, shape.lower - shape.upper, left=0, right=0)
        t = np.clip((over - _LASH_BAND) / (reach - _LASH_BAND), 0, 1)
        # Nearly linear: the lid unfolds evenly, which also keeps the map invertible.
        fold = 1 - (0.75 * t + 0.25 * t * t * (3 - 2 * t))
        fold = fold * (1 - smoothstep(0.85, 1.0, t))
        beyond = _OVERLAP * np.clip(8 * opening, 0, 1)
        down = ((1 - _LOWER_SHARE) * opening + beyond) * fold * shape.unit_px
        rise = _LOWER_SHARE * opening + 0.5 * beyond
        up = -rise * (1 - smoothstep(0.03, 0.55, under)) * shape.unit_px
        return down.astype(np.float32), up.astype(np.float32)

    def _edges(self, closed: float) -> tuple[np.ndarray, np.ndarray]:
        """Edges of the upper and lower lid [33, 2] in pixels of the unturned face."""
        gap = self._shape.lower - self._shape.upper
        upper = self._shape.upper + closed * (1 - _LOWER_SHARE) * gap
        lower = self._shape.lower - closed * _LOWER_SHARE * gap
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


def _rect(shape: EyeShape, width: int, height: int) -> tuple[int, int, int, int]:
    """What the eye may change of an image of that size: x0, y0, x1, y1."""
    reach_px = 1.75 * shape.unit_px
    low, high = shape.origin - reach_px, shape.origin + reach_px
    return (
        max(int(low[0]), 0),
        max(int(low[1]), 0),
        min(int(high[0]) + 1, width),
        min(int(high[1]) + 1, height),
    )


@dataclass(frozen=True)
class _Lid:
    """What the portrait shows of one upper lid."""

    is_skin: bool
    """Nothing else is there: an eye drawn too large, the rim of glasses."""
    height: float
    """Of the skin that unfolds, half eye widths."""

    @classmethod
    def of(cls, patch: np.ndarray, shape: EyeShape, units: np.ndarray) -> _Lid:
        """From `patch` uint8 [h, w, 3], whose pixels are at `units` of the eye."""
        over, _ = shape.heights(units)
        side = np.abs(units[..., 0])
        luma = patch @ _GRAY
        light = float(np.quantile(luma, 0.8))
        height = float(np.clip(0.66 * shape.brow, 0.34, 1.0))
        # Lashes, creases, brows and hair end at one side of the eye at least; rims go on.
        dark = (luma < _RIM_LIGHT * light) & ((over > _LASH_BAND) | (side > 1.1))
        _, labels = cv2.connectedComponents(dark.astype(np.uint8))
        left, right = (labels[dark & (units[..., 0] * way > 1.3)] for way in (-1, 1))
        through = np.intersect1d(left, right)
        rim = dark & np.isin(labels, through) & (over < height)
        columns = np.rint(8 * units[..., 0]).astype(int)  # 13 of them over the eye
        crossed = np.unique(columns[rim & (side < 0.8)])
        skin = luma[(side < 0.8) & (over > _LASH_BAND) & (over < 2.5 * _LASH_BAND)]
        is_skin = bool(skin.size) and float(np.median(skin)) >= _LEAST_LIGHT * light
        return cls(is_skin and len(crossed) < 9, height)
