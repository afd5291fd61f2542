"""What a portrait shows of one upper lid, and how that skin unfolds when the eye closes.

Brows, rims of glasses and glare are no part of the lid: they lie in front of it and stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from .eye_shape import EYE_U, EyeShape
from .fields import smoothstep
from .lashes import Lashes
from .sampling import GRAY

LOWER_SHARE: Final = 0.15
"""How much of the way to closure the lower lid goes."""
_LASH_BAND: Final = 0.10
"""Height of the band over the lid's edge that moves unstretched, half eye widths."""
_OVERLAP: Final = 0.12
"""A closing lid goes this much too far, half eye widths: the rim of eye that the lid's points
leave above them is then cut off with the part below the line of closure."""
_LEAST_REACH: Final = 0.5
"""At least so much over the eye unfolds, half eye widths: less would be drawn out into stripes."""
_LEAST_LIGHT: Final = 0.15
"""What lies over an eye is skin if it has this share of the light around. On eyes that are drawn
larger than eyes are, it is the eye itself, and there is no lid to unfold: they do not blink."""
_RIM_LIGHT: Final = 0.2
"""What has less of that light may be the rim of glasses: eyes so close to one do not blink."""
_BROW_LIGHT: Final = 0.72
"""Hair, and rims, have less than this share of the light on the lid's skin."""
_BROW_CONTRAST, _RIM_CONTRAST = 0.55, 0.35
"""Found where the brow is said to be darker than the forehead by the first, or itself darker than
the lid by the second; else it is a shadow that painters have there."""
_BROW_GAP: Final = 0.22
"""Lashes and creases so close to the lid's edge move with it, half eye widths."""
_HAIR: Final = 0.07
"""Single hairs reach so much further than what is found, half eye widths."""
_SMOOTH: Final = 0.08
"""Sigma of the blur of what is put in its place, half eye widths."""
_GLARE_LIGHT, _GLARE_WHITE, _GLARE_SHARE = 1.5, 0.75, 0.3
"""The weakest colour of a reflection has more than this times the light of the lid's skin, and
this share of its strongest one; and it covers no more than this of the lid: else it is paint."""


@dataclass(frozen=True, eq=False)
class Lid:
    """One upper lid on the pixels [h, w] around its eye."""

    is_skin: bool
    """Nothing else is there: an eye drawn too large, the rim of glasses."""
    skin: np.ndarray
    """The portrait without what lies in front of the lid, uint8 [h, w, 3]."""
    bare: np.ndarray
    """The same without the lashes and the rim of the eye, too."""
    front: np.ndarray
    """How much of each pixel lies in front of the lid and stays, float32 [h, w] 0..1."""
    down: np.ndarray
    """How far each pixel moves when the eye closes, float32 [h, w] pixels."""
    up: np.ndarray
    """The same of the lower lid, negative."""
    lashes: Lashes
    """Taken off `bare`."""

    @classmethod
    def of(cls, patch: np.ndarray, shape: EyeShape, units: np.ndarray, brow: np.ndarray) -> Lid:
        """From `patch` uint8 [h, w, 3], whose pixels are at `units` [h, w, 2] of the eye; `brow`
        bool [h, w] tells where its points have the brow."""
        over, under = shape.heights(units)
        height = float(np.clip(0.66 * shape.brow, 0.34, 1.0))
        reach = max(height, _LEAST_REACH)
        lashes = Lashes.of(patch, shape, units)
        front = _in_front(patch, units, over, reach, brow) & ~lashes.cover
        front = _grown(front, _HAIR * shape.unit_px)
        opened = (over < 0.02) & (under < -0.02) & (np.abs(units[..., 0]) < 1)
        bare = front | _grown(lashes.cover | opened, 0.03 * shape.unit_px)
        return cls(
            _is_skin(patch, units, over, height),
            _filled(patch, front, _SMOOTH * shape.unit_px),
            _grainy(_filled(patch, bare, _SMOOTH * shape.unit_px), patch, bare),
            cv2.GaussianBlur(front.astype(np.float32), (0, 0), 0.8),
            _unfolding(shape, units, over, reach),
            _rising(shape, units, under),
            lashes,
        )


def _in_front(
    patch: np.ndarray, units: np.ndarray, over: np.ndarray, reach: float, brow: np.ndarray
) -> np.ndarray:
    """Where hair of the brow, glasses that touch it, or glare lie on what unfolds: bool [h, w]."""
    side = np.abs(units[..., 0])
    moves = (side < 1.3) & (over > _LASH_BAND) & (over < reach + 0.1)
    bare = moves & (side < 1.0) & ~brow
    if not bare.any():
        return np.zeros(over.shape, bool)
    luma = patch @ GRAY
    light = float(np.quantile(luma[bare], 0.6))  # more of it is skin than lashes and shadow
    weakest = patch.min(-1).astype(np.float32)
    white = weakest > _GLARE_WHITE * patch.max(-1)
    glare = moves & white & (weakest > _GLARE_LIGHT * np.quantile(weakest[bare], 0.6))
    if glare.sum() > _GLARE_SHARE * moves.sum():
        glare[:] = False
    dark = (luma < _BROW_LIGHT * light) & (over > _BROW_GAP)
    hair = _touching((side < 1.5) & (dark | brow), brow) & dark
    if not hair.any():
        return glare
    forehead = (side < 1) & (over > over[brow].max())
    forehead_light = float(np.median(luma[forehead])) if forehead.any() else 0.0
    is_brow = np.median(luma[brow]) < _BROW_CONTRAST * forehead_light
    is_rim = np.median(luma[hair]) < _RIM_CONTRAST * light
    return glare | hair | (brow & (over > _BROW_GAP)) if is_brow or is_rim else glare


def _touching(marked: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """The connected parts of `marked` that have a pixel of `seeds`."""
    _, labels = cv2.connectedComponents(marked.astype(np.uint8), connectivity=4)
    return marked & np.isin(labels, np.unique(labels[marked & seeds]))


def _grown(marked: np.ndarray, reach_px: float) -> np.ndarray:
    """`marked` and what is within `reach_px`, uint8 [h, w] 0 or 1."""
    size = 2 * max(round(reach_px), 1) + 1
    return cv2.dilate(marked.astype(np.uint8), np.ones((size, size), np.uint8))


def _filled(patch: np.ndarray, front: np.ndarray, sigma_px: float) -> np.ndarray:
    """`patch` with the skin around continued, without its grain, where `front` is."""
    filled = cv2.inpaint(patch, front, 3, cv2.INPAINT_TELEA).astype(np.float32)
    calm = cv2.GaussianBlur(filled, (0, 0), sigma_px)
    share = cv2.GaussianBlur(_grown(front, sigma_px).astype(np.float32), (0, 0), sigma_px)[
        ..., None
    ]
    return (filled + share * (calm - filled) + 0.5).astype(np.uint8)


def _grainy(skin: np.ndarray, patch: np.ndarray, bare: np.ndarray) -> np.ndarray:
    """`skin` with the grain that `patch` has on the other side of the eye, where `bare` is."""
    pixels = patch.astype(np.float32)
    grain = pixels - cv2.GaussianBlur(pixels, (0, 0), 1.5)
    limit = 2 * float(np.median(np.abs(grain)))
    share = cv2.GaussianBlur(bare.astype(np.float32), (0, 0), 1.5)[..., None]
    grainy = skin + share * np.clip(grain[::-1], -limit, limit)
    return np.clip(grainy + 0.5, 0, 255).astype(np.uint8)


def _unfolding(shape: EyeShape, units: np.ndarray, over: np.ndarray, reach: float) -> np.ndarray:
    """The upper lid's field: what is further than `reach` above the eye stays."""
    opening = _opening(shape, units)
    t = np.clip((over - _LASH_BAND) / (reach - _LASH_BAND), 0, 1)
    # Nearly linear: the lid unfolds evenly, which also keeps the map invertible.
    fold = 1 - (0.75 * t + 0.25 * t * t * (3 - 2 * t))
    fold = fold * (1 - smoothstep(0.85, 1.0, t))
    beyond = _OVERLAP * np.clip(8 * opening, 0, 1)
    down = ((1 - LOWER_SHARE) * opening + beyond) * fold * shape.unit_px
    return down.astype(np.float32)


def _rising(shape: EyeShape, units: np.ndarray, under: np.ndarray) -> np.ndarray:
    """The lower lid's field."""
    opening = _opening(shape, units)
    rise = LOWER_SHARE * opening + 0.5 * _OVERLAP * np.clip(8 * opening, 0, 1)
    return (-rise * (1 - smoothstep(0.03, 0.55, under)) * shape.unit_px).astype(np.float32)


def _opening(shape: EyeShape, units: np.ndarray) -> np.ndarray:
    return np.interp(units[..., 0], EYE_U, shape.lower - shape.upper, left=0, right=0)


def _is_skin(patch: np.ndarray, units: np.ndarray, over: np.ndarray, height: float) -> bool:
    """Whether the `height` over the eye that unfolds is a lid's skin."""
    side = np.abs(units[..., 0])
    luma = patch @ GRAY
    light = float(np.quantile(luma, 0.8))
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
    return is_skin and len(crossed) < 9
