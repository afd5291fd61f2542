"""One eye that blinks and looks around: lids as two layers over the portrait's own eye.

It knows the eye's points and the portrait's pixels; time and habits are in `motion`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from ..face import landmarks
from ..face.geometry import Face
from .fields import smoothstep
from .lids import EYE_U, EyeShape, LidSkin
from .sampling import coverage, downwards, look_up

_LOWER_SHARE: Final = 0.15
"""How much of the way to closure the lower lid goes."""
_LASH_BAND: Final = 0.10
"""Height of the band over the lid's edge that moves unstretched, half eye widths."""
_OVERLAP: Final = 0.06
"""A closing lid goes this much too far, half eye widths: the rim of eye that the lid's points
leave above them is then cut off with the part below the line of closure."""
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


def eyes_of(image: np.ndarray, face: Face, down: np.ndarray, skin_rgb: np.ndarray) -> list[Eye]:
    """The eyes of `face` that are large enough to move.

    `down` is the face's own direction [2], `skin_rgb` the colour of the cheeks [3].
    """
    eyes = []
    for chains in _CHAINS:
        top, bottom, iris, line = (face.at(chain).astype(np.float64) - 0.5 for chain in chains)
        brow_px = float(np.median(top[2:7] @ down) - np.median(line @ down))
        shape = EyeShape.of(top, bottom, brow_px)
        x0, y0, x1, y1 = rect = _rect(shape, image.shape[1], image.shape[0])
        if shape.unit_px > 3 and min(x1 - x0, y1 - y0) > 4:
            eyes.append(Eye(image, shape, iris, LidSkin(image, shape, rect, skin_rgb), rect))
    return eyes


class Eye:
    """Built once per portrait; all positions are pixel centres."""

    def __init__(
        self,
        image: np.ndarray,
        shape: EyeShape,
        iris: np.ndarray,
        skin: LidSkin,
        rect: tuple[int, int, int, int],
    ):
        """`image` uint8 [H, W, 3], `iris` [5, 2]; only the pixels of `rect` are drawn to."""
        self.rect = rect
        self._image = image
        self._shape = shape
        self._iris_px = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        self._skin = skin
        x0, y0, x1, y1 = rect
        pixels = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), -1)
        self._corner = np.array((x0, y0), np.float32)
        self._grid = pixels.astype(np.float32) - self._corner
        self._down, self._up = self._lid_fields(pixels)
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
        upper, lower = self._edges(blink)
        opening = np.concatenate([turned(upper), turned(lower)[::-1]]) - self._corner
        size = (region.shape[1], region.shape[0])
        lids = region
        if blink > 1e-3:
            over = self._with_lashes(
                sources - look_up(self._shift(blink, self._down), at),
                turned(upper) - self._corner,
                blink,
            )
            under, bare = self._lid(sources - look_up(self._shift(blink, self._up), at))
            under = _bared(under, bare, blink)
            line = turned(0.5 * (upper + lower)) - self._corner
            below = coverage(downwards(line, size), size, 0.4)[..., None]
            lids = over * (1 - below) + under * below
            lids += self._skin.front(sources) * (region - lids)
        inside = look_up(self._image, sources - look_up(self._gaze_shift(gaze), at), cubic=True)
        alpha = coverage(opening, size, max(0.6 * softness_px, 0.4))[..., None]
        region[:] = (lids * (1 - alpha) + inside * alpha + 0.5).astype(np.uint8)

    def _lid_fields(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far each pixel of the upper and the lower layer moves when the eye closes, pixels."""
        shape = self._shape
        units = shape.units(pixels)
        over, under = shape.heights(units)
        opening = np.interp(units[..., 0], EYE_U, shape.lower - shape.upper, left=0, right=0)
        reach = float(np.clip(0.66 * shape.brow, 0.34, 1.0))
        t = np.clip((over - _LASH_BAND) / (reach - _LASH_BAND), 0, 1)
        # Nearly linear: the lid unfolds evenly, which also keeps the map invertible.
        fold = 1 - (0.75 * t + 0.25 * t * t * (3 - 2 * t))
        fold = fold * (1 - smoothstep(0.85, 1.0, t))
        beyond = _OVERLAP * np.clip(4 * opening, 0, 1)
        down = ((1 - _LOWER_SHARE) * opening + beyond) * fold * shape.unit_px
        up = -_LOWER_SHARE * opening * (1 - smoothstep(0.03, 0.55, under)) * shape.unit_px
        return down.astype(np.float32), up.astype(np.float32)

    def _lid(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A lid of the portrait as seen and as bare skin, where it shows `at` [h, w, 2]."""
        seen, bare = look_up(self._image, at, cubic=True), self._skin.bare(at)
        # What lies before the lid must not slide down with it.
        return _mixed(seen, bare, self._skin.front(at)), bare

    def _with_lashes(self, at: np.ndarray, edge: np.ndarray, closed: float) -> np.ndarray:
        """The upper lid, with a lash line along its `edge` [33, 2] pixels of the region."""
        seen, bare = self._lid(at)
        down = self._shape.axes[1] * self._shape.unit_px
        thick = (0.030 + 0.035 * np.sqrt(np.clip(1 - EYE_U * EYE_U, 0, 1)))[:, None]
        outline = np.concatenate([edge - 0.75 * thick * down, (edge + 0.9 * thick * down)[::-1]])
        size = (seen.shape[1], seen.shape[0])
        line = coverage(outline, size, max(0.035 * self._shape.unit_px, 0.5))[..., None]
        return _bared(seen, bare + 0.72 * line * (self._skin.lash_rgb - bare), closed)

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


def _bared(seen: np.ndarray, bare: np.ndarray, closed: float) -> np.ndarray:
    """From a lid as seen to bare skin while the eye closes, float32 [h, w, 3]."""
    return _mixed(seen, bare, smoothstep(0.05, 0.55, np.float32(closed)))


def _mixed(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """From `a` (0) to `b` (1), float32."""
    return (a + share * (b.astype(np.float32) - a)).astype(np.float32)
