"""The upper lashes of one eye: taken off the lid's skin, and turned down as the lid comes down.

They are kept as what they leave of the skin's light, so that they can lie on any other skin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from .eye_shape import EYE_U, EyeShape
from .fields import smoothstep
from .sampling import GRAY, look_up

_STEP: Final = 0.025
_U: Final = np.arange(-1.5, 1.5, _STEP)
_UP: Final = np.arange(-0.1, 0.5, _STEP)
"""Where lashes are looked for: across the eye, and over the lid's edge, half eye widths."""
_THIN: Final = 0.4
"""What is narrower than this and darker than around is lashes, else it is shade."""
_SHORT, _LONG = 0.15, 0.4
"""Lashes end between these heights: what is dark further up is a crease."""
_ROOTS: Final = (-0.06, 0.12)
"""They grow from the darkest line within these heights, which the lid's points may miss."""
_DARK: Final = ((_ROOTS[0], _SHORT, _LONG), (0.85, 0.85, 0.7))
"""They leave less than this share of the light, at these heights."""
_SHADE: Final = 0.75
"""If more of the lid than this is dark, it lies in the shade of the brow."""
_ROOT_LIGHT: Final = (0.55, 0.8)
"""The line where closed lids meet leaves so much of the light, at least and at most."""
_ROOT_HEIGHT: Final = 0.035
_TURN: Final = -0.6
"""Lashes that reach up by 1 reach down by this when the eye is closed."""


@dataclass(frozen=True, eq=False)
class Lashes:
    """All arrays are float32 but where it says so."""

    cover: np.ndarray
    """Where they are on the portrait's pixels, bool [h, w]."""
    _light: np.ndarray
    """What they leave of the light, [len(_UP), len(_U)], at heights over their roots."""
    _root: np.ndarray
    """What their roots leave of it, [len(_U)]."""

    @classmethod
    def of(cls, patch: np.ndarray, shape: EyeShape, units: np.ndarray) -> Lashes:
        """From `patch` uint8 [h, w, 3], whose pixels are at `units` [h, w, 2] of the eye."""
        edge = np.interp(_U, EYE_U, shape.upper)
        at = shape.pixels(np.stack(np.broadcast_arrays(_U, edge - _UP[:, None]), -1))
        luma = look_up(patch @ GRAY, (at - shape.pixels(units[0, 0])).astype(np.float32))
        soft = cv2.GaussianBlur(luma, (0, 0), 0.8)  # grain is no lash
        eye = _UP[:, None] < 0
        shaded = _skin(np.where(eye, soft[np.searchsorted(_UP, 0)], soft))
        light = np.clip(luma / shaded, 0.1, 1)
        between = 1 - smoothstep(0.95, 1.1, np.abs(_U))  # the corners of the eye
        near = slice(*np.searchsorted(_UP, _ROOTS))
        lift = _smooth(between * _UP[near][light[near].argmin(0)], 5.0)
        root = np.clip(_smooth(light[near].min(0), 4.0), *_ROOT_LIGHT)
        limit = np.interp(_UP, *_DARK, left=0, right=0)[:, None]
        bare = _skin(np.where(eye, soft[np.searchsorted(_UP, _SHORT) :].max(0), soft))
        dark = _rooted(soft < limit * bare).astype(np.float32)
        strip = dark[np.searchsorted(_UP, 0.1) : np.searchsorted(_UP, _LONG), np.abs(_U) < 0.9]
        if strip.mean() > _SHADE:
            dark[:] = 0
        cover = _on_pixels(cv2.dilate(dark, np.ones((5, 3))), shape, units)
        fade = (1 - smoothstep(_SHORT, _LONG, _UP))[:, None] * (1 - smoothstep(1.3, 1.5, abs(_U)))
        taken = ((1 - light) * cv2.GaussianBlur(dark, (0, 0), 1.0) * fade).astype(np.float32)
        taken = _look(taken, _U, _UP[:, None] + lift) * smoothstep(-0.03, 0.0, _UP)[:, None]
        taken = cv2.GaussianBlur(taken, (0, 0), max(0.3 / shape.unit_px / _STEP, 0.5))
        taken[[0, -1]] = 0  # nor is anything beyond
        ends = 1 - smoothstep(0.75, 1.0, np.abs(_U))
        return cls(cover, (1 - taken).astype(np.float32), 1 - ends * (1 - root))

    def shade(
        self, shape: EyeShape, units: np.ndarray, drop: float, softness_px: float
    ) -> np.ndarray:
        """What they leave of the light at `units` [h, w, 2] of the open eye when the lid's edge
        has gone `drop` (0..1) of the way to the lower lid, float32 [h, w]."""
        u = units[..., 0]
        over, _ = shape.heights(units)
        over = over + drop * np.interp(u, EYE_U, shape.lower - shape.upper)
        height = max(_ROOT_HEIGHT, 0.7 * softness_px / shape.unit_px)
        line = np.exp(-0.5 * (over / height) ** 2)
        roots = 1 - (1 - np.interp(u, _U, self._root)) * line
        return np.minimum(_look(self._light, u, over / _TURN), roots).astype(np.float32)


def _smooth(row: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(row[None].astype(np.float32), (0, 0), sigma)[0]


def _look(grid: np.ndarray, u: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Values of `grid` [len(_UP), len(_U)] at positions across the eye and heights [h, w]."""
    at = np.stack(np.broadcast_arrays((u - _U[0]) / _STEP, (up - _UP[0]) / _STEP), -1)
    return look_up(grid, at.astype(np.float32))


def _skin(luma: np.ndarray) -> np.ndarray:
    """The light on the skin behind the lashes, from what is seen [len(_UP), len(_U)]."""
    kernel = np.ones((round(_THIN / _STEP) | 1,) * 2, np.uint8)
    closed = cv2.morphologyEx(luma, cv2.MORPH_CLOSE, kernel)
    return np.maximum(cv2.GaussianBlur(closed, (0, 0), 4.0), 1)


def _rooted(dark: np.ndarray) -> np.ndarray:
    """The connected parts of `dark` that reach down to the lid's edge."""
    _, labels = cv2.connectedComponents(dark.astype(np.uint8))
    low = labels[: np.searchsorted(_UP, _ROOTS[1])]
    return dark & np.isin(labels, low)


def _on_pixels(grid: np.ndarray, shape: EyeShape, units: np.ndarray) -> np.ndarray:
    over, _ = shape.heights(units)
    inside = (over > _UP[0]) & (over < _UP[-1]) & (np.abs(units[..., 0]) < _U[-1])
    return inside & (_look(grid, units[..., 0], over) > 0.3)
