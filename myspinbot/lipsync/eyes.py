"""One eye that blinks and looks around: lids as two layers over the portrait's own eye.

It knows the eye's points and the portrait's pixels; time and habits are in `motion`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from .fields import smoothstep
from .interior import coverage
from .sampling import look_up

_U: Final = np.linspace(-1.0, 1.0, 33)
_GRAY: Final = np.array((0.299, 0.587, 0.114), np.float32)
_LOWER_SHARE: Final = 0.15
"""How much of the way to closure the lower lid goes."""
_LASH_BAND: Final = 0.10
"""Height of the band over the lid's edge that moves unstretched, half eye widths."""
_OVERLAP: Final = 0.06
"""A closing lid goes this much too far, half eye widths: the rim of eye that the lid's points
leave above them is then cut off with the part below the line of closure."""


class Eye:
    """Built once per portrait; all positions are pixel centres."""

    def __init__(
        self, image: np.ndarray, upper: np.ndarray, lower: np.ndarray, iris: np.ndarray,
        brow_y_px: float,
    ):  # fmt: skip
        """`image` uint8 [H, W, 3], `upper` and `lower` [9, 2] lid edges from corner to corner,
        `iris` [5, 2] and the distance from the upper lid to the brow."""
        size = (image.shape[1], image.shape[0])
        corners = 0.5 * (upper[[0, -1]] + lower[[0, -1]])
        self._origin = corners.mean(0)
        across = corners[1] - corners[0]
        self.unit_px = float(np.linalg.norm(across)) / 2
        ex = across / max(2 * self.unit_px, 1e-6)
        self._axes = np.stack([ex, (-ex[1], ex[0])])
        self._upper = self._edge(upper)
        self._lower = np.maximum(self._edge(lower), self._upper)
        self._brow = max(brow_y_px / self.unit_px, 0.2)
        self._reach = float(np.clip(0.66 * self._brow, 0.34, 1.0))
        self._iris = iris[0]
        self._iris_px = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        reach_px = 1.75 * self.unit_px
        low, high = self._origin - reach_px, self._origin + reach_px
        self.rect = (
            max(int(low[0]), 0), max(int(low[1]), 0),
            min(int(high[0]) + 1, size[0]), min(int(high[1]) + 1, size[1]),
        )  # fmt: skip
        self.usable = (
            self.unit_px > 3 and min(self.rect[2] - self.rect[0], self.rect[3] - self.rect[1]) > 4
        )
        if self.usable:
            self._prepare()
            self._bare, self._bare_corner, self._lash_rgb = self._without_lashes(image)

    def _edge(self, points: np.ndarray) -> np.ndarray:
        units = (points - self._origin) @ self._axes.T / self.unit_px
        order = np.argsort(units[:, 0])
        u, y = units[order, 0], units[order, 1]
        keep = np.r_[True, np.diff(u) > 1e-3]
        return PchipInterpolator(u[keep], y[keep])(np.clip(_U, u[0], u[-1])) * (1 - _U**8)

    def _prepare(self) -> None:
        x0, y0, x1, y1 = self.rect
        self._pixels = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), -1).astype(
            np.float32
        )
        units = (self._pixels - self._origin) @ self._axes.T / self.unit_px
        u, y = units[..., 0], units[..., 1]
        opening = np.interp(u, _U, self._lower - self._upper, left=0, right=0)
        over = np.interp(u, _U, self._upper) - y
        under = y - np.interp(u, _U, self._lower)
        t = np.clip((over - _LASH_BAND) / (self._reach - _LASH_BAND), 0, 1)
        # Nearly linear: the lid unfolds evenly, which also keeps the map invertible.
        fold = 1 - (0.75 * t + 0.25 * t * t * (3 - 2 * t))
        fold = fold * (1 - smoothstep(0.85, 1.0, t))
        beyond = _OVERLAP * np.clip(4 * opening, 0, 1)
        self._down = (((1 - _LOWER_SHARE) * opening + beyond) * fold * self.unit_px).astype(
            np.float32
        )
        rise = 1 - smoothstep(0.03, 0.55, under)
        self._up = (-_LOWER_SHARE * opening * rise * self.unit_px).astype(np.float32)
        away = np.linalg.norm(self._pixels - self._iris, axis=-1) / max(self._iris_px, 1)
        self._turn = (1 - smoothstep(1.1, 2.2, away)).astype(np.float32)

    def _without_lashes(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The skin around the eye with eye and lashes filled in, its corner, and the lashes'
        colour. A closing lid stretches; lashes stretched with it would become streaks."""
        spare = int(0.7 * self.unit_px) + 4
        x0, y0 = max(self.rect[0] - spare, 0), max(self.rect[1] - spare, 0)
        patch = image[y0 : self.rect[3] + spare, x0 : self.rect[2] + spare].copy()
        rows, columns = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]]
        at = np.stack([columns + x0, rows + y0], -1)
        units = (at - self._origin) @ self._axes.T / self.unit_px
        over = np.interp(units[..., 0], _U, self._upper) - units[..., 1]
        under = units[..., 1] - np.interp(units[..., 0], _U, self._lower)
        a = np.abs(units[..., 0])
        near = a < 1.1
        lashes = near & (np.abs(over - 0.04) < 0.09)
        dark = patch[lashes].astype(np.float32) if lashes.any() else patch.reshape(-1, 3)[:1]
        order = np.argsort(dark @ _GRAY)
        lash_rgb = dark[order[: max(len(order) // 5, 1)]].mean(0)
        high = min(0.30, 0.5 * self._brow)
        hole = near & (over < high) & (under < 0.10)
        around = (a < 1.4) & (over < 0.9 * self._brow) & (under < 0.6)
        skin = around & (a < 1.25) & ~hole & ((over > high) | (under > 0.15))
        if not skin.any():
            return patch, np.array([x0, y0], np.float32), lash_rgb
        luma = patch @ _GRAY
        # Lashes that reach further than the hole, by their darkness.
        lashes = (a < 1.3) & (over > -0.35) & (over < 1.2 * high)
        hole |= lashes & (luma < 0.72 * np.median(luma[skin]))
        hole = cv2.dilate(hole.astype(np.float32), np.ones((3, 3), np.uint8))
        edge = cv2.GaussianBlur(hole, (0, 0), max(0.07 * self.unit_px, 0.7))[..., None]
        plane = np.maximum(_plane(patch, units, skin & (hole == 0)), 1)
        local = cv2.inpaint(patch, (hole > 0).astype(np.uint8), 3, cv2.INPAINT_TELEA)
        local = cv2.GaussianBlur(local, (0, 0), max(0.12 * self.unit_px, 0.8))
        # The light of the place, but no further from skin than shadows make it.
        shade = np.clip((local @ _GRAY) / (plane @ _GRAY), 0.78, 1.06)
        mixed = patch + edge * (plane * shade[..., None] - patch)
        return np.clip(mixed, 0, 255).astype(np.uint8), np.array([x0, y0], np.float32), lash_rgb

    def bare_lid(self, sources: np.ndarray) -> np.ndarray:
        """Look up `sources` [h, w, 2] in the skin without eye and lashes, uint8 [h, w, 3]."""
        return look_up(self._bare, sources - self._bare_corner, cubic=True)

    @staticmethod
    def bared(seen: np.ndarray, bare: np.ndarray, closed: float) -> np.ndarray:
        """From a lid as seen to bare skin while the eye closes, float32 [h, w, 3]."""
        change = smoothstep(0.05, 0.55, np.float32(closed))
        return seen + change * (bare.astype(np.float32) - seen)

    def with_lashes(
        self, seen: np.ndarray, bare: np.ndarray, edge: np.ndarray, closed: float
    ) -> np.ndarray:
        """`bared`, with a lash line along the upper lid's `edge` [33, 2] pixels."""
        down = self._axes[1] * self.unit_px
        thick = (0.030 + 0.035 * np.sqrt(np.clip(1 - _U * _U, 0, 1)))[:, None]
        outline = np.concatenate([edge - 0.75 * thick * down, (edge + 0.9 * thick * down)[::-1]])
        size = (seen.shape[1], seen.shape[0])
        line = coverage(outline - self.rect[:2], size, max(0.035 * self.unit_px, 0.5))[..., None]
        lid = bare + 0.72 * line * (self._lash_rgb - bare)
        return self.bared(seen, lid, closed)

    def lids(self, closed: float) -> tuple[np.ndarray, np.ndarray]:
        """Edges of the upper and lower lid [33, 2] in pixels for `closed` 0..1."""
        gap = self._lower - self._upper
        upper = self._upper + closed * (1 - _LOWER_SHARE) * gap
        lower = self._lower - closed * _LOWER_SHARE * gap
        return tuple(
            np.stack([_U, edge], -1) * self.unit_px @ self._axes + self._origin
            for edge in (upper, lower)
        )

    def lid_shift(self, closed: float, upper: bool) -> np.ndarray:
        """Backward displacement [h, w, 2] over `rect` of one lid's layer."""
        field = closed * (self._down if upper else self._up)
        grid = self._pixels - np.array(self.rect[:2], np.float32)
        down = self._axes[1].astype(np.float32)
        found = field
        for _ in range(16):
            there = look_up(field, grid - found[..., None] * down)
            found = 0.6 * found + 0.4 * there
        return found[..., None] * down

    def gaze_shift(self, gaze: Sequence[float]) -> np.ndarray:
        """Displacement [h, w, 2] over `rect` for a gaze in iris radii to the right and down."""
        turn = np.asarray(gaze, np.float64) * self._iris_px @ self._axes
        return self._turn[..., None] * turn.astype(np.float32)


def _plane(patch: np.ndarray, units: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """The colours of the `skin` pixels as a plane over `units`, float64 [h, w, 3].

    Refitted without what does not belong: brows, hair, lashes and glasses are no skin, and a fill
    that starts from their edge would smear them over the lid.
    """
    at = np.concatenate([np.ones((*units.shape[:2], 1)), units], -1)
    rows, colors = at[skin], patch[skin].astype(np.float64)
    if not len(rows):
        return patch.astype(np.float64)
    luma = colors @ _GRAY
    # Skin is the brighter part of what lies around an eye.
    keep = luma >= 0.80 * np.quantile(luma, 0.6)
    fit = np.zeros((3, 3))
    for _ in range(2):
        ridge = 0.02 * keep.sum() * np.diag((0.0, 1.0, 1.0))
        square = rows[keep].T @ rows[keep] + ridge + 1e-6 * np.eye(3)
        fit = np.linalg.solve(square, rows[keep].T @ colors[keep])
        away = np.abs((colors - rows @ fit) @ _GRAY)
        keep = away <= max(2.0 * float(np.median(away[keep])), 3.0)
    low, high = np.quantile(colors[keep], (0.05, 0.95), axis=0)
    return np.clip(at @ fit, low, high)
