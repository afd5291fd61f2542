"""The shape of one eye, and the skin that its lids show when they close. Nothing moves here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from .sampling import look_up

EYE_U: Final = np.linspace(-1.0, 1.0, 33)
"""Positions across the eye at which its edges are kept: -1 and 1 are the corners."""

_GRAY: Final = np.array((0.299, 0.587, 0.114), np.float32)
_SKIN_CHROMA: Final = 0.6
"""How much of a lid's hue is that of the cheeks if they are more colourful: what lies around an eye
is often glass, hair or their shadow."""
_NO_SKIN: Final = 0.38
"""What is darker than this, relative to the skin, is hair or the rim of glasses."""
_SHADE_CHROMA: Final = 1.5
"""How much fuller colours get, per share of light lost."""
_LEAST_LIGHT: Final = 0.75
"""Brightness of a lid before shading, relative to the skin under the eye."""


@dataclass(frozen=True, eq=False)
class EyeShape:
    """Coordinates on one eye: origin between its corners, unit = half its width, y down."""

    origin: np.ndarray
    """float64 [2], pixels."""
    axes: np.ndarray
    """float64 [2, 2]: rows are the unit vectors along the eye and down."""
    unit_px: float
    upper: np.ndarray
    """Edge of the upper lid on `EYE_U`, units."""
    lower: np.ndarray
    brow: float
    """Distance from the upper lid to the brow, units."""

    @classmethod
    def of(cls, upper: np.ndarray, lower: np.ndarray, brow_px: float) -> EyeShape:
        """From the lids' edges [9, 2] in pixels, corner to corner, and the brow's distance."""
        corners = 0.5 * (upper[[0, -1]] + lower[[0, -1]])
        across = corners[1] - corners[0]
        unit_px = max(float(np.linalg.norm(across)) / 2, 1e-6)
        ex = across / (2 * unit_px)
        bare = cls(corners.mean(0), np.stack([ex, (-ex[1], ex[0])]), unit_px, EYE_U, EYE_U, 0.0)
        edges = [_edge(bare.units(points)) for points in (upper, lower)]
        return cls(
            bare.origin,
            bare.axes,
            unit_px,
            edges[0],
            np.maximum(edges[1], edges[0]),
            max(brow_px / unit_px, 0.2),
        )

    def units(self, pixels: np.ndarray) -> np.ndarray:
        return (pixels - self.origin) @ self.axes.T / self.unit_px

    def pixels(self, units: np.ndarray) -> np.ndarray:
        return units * self.unit_px @ self.axes + self.origin

    def heights(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far `units` [..., 2] are above the upper lid's edge and below the lower one's."""
        u, y = units[..., 0], units[..., 1]
        return np.interp(u, EYE_U, self.upper) - y, y - np.interp(u, EYE_U, self.lower)


class LidSkin:
    """The portrait around one eye with the eye and its lashes filled in with skin."""

    def __init__(
        self,
        image: np.ndarray,
        shape: EyeShape,
        rect: tuple[int, int, int, int],
        skin_rgb: np.ndarray,
    ):
        """`image` uint8 [H, W, 3]; `rect` is what closing lids may change, pixels; `skin_rgb` [3]
        is the colour of the cheeks, 0..255."""
        spare = int(0.7 * shape.unit_px) + 4
        x0, y0 = max(rect[0] - spare, 0), max(rect[1] - spare, 0)
        patch = image[y0 : rect[3] + spare, x0 : rect[2] + spare]
        rows, columns = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]]
        units = shape.units(np.stack([columns + x0, rows + y0], -1))
        self._corner = np.array([x0, y0], np.float32)
        self._bare = patch
        self._front = np.zeros(patch.shape[:2], np.float32)
        self.lash_rgb: np.ndarray = _lash_color(patch, shape, units)
        self._fill(patch, shape, units, skin_rgb)

    def bare(self, at: np.ndarray) -> np.ndarray:
        """The skin at positions `at` [h, w, 2] of the portrait, uint8 [h, w, 3]."""
        return look_up(self._bare, at - self._corner, cubic=True)

    def front(self, at: np.ndarray) -> np.ndarray:
        """How much of the portrait at `at` lies before the lids and does not move with them (rims
        of glasses, hair, brows), float32 [h, w, 1] 0..1."""
        return look_up(self._front, at - self._corner)[..., None]

    def _fill(
        self, patch: np.ndarray, shape: EyeShape, units: np.ndarray, skin_rgb: np.ndarray
    ) -> None:
        over, under = shape.heights(units)
        a = np.abs(units[..., 0])
        high = min(0.30, 0.5 * shape.brow)
        hole = (a < 1.1) & (over < high) & (under < 0.10)
        around = (a < 1.25) & (over < 0.9 * shape.brow) & (under < 0.6)
        skin = around & ~hole & ((over > high) | (under > 0.15))
        if not skin.any():
            return
        luma = patch @ _GRAY
        # Thick rims may be most of what lies around an eye.
        dark = luma < _NO_SKIN * max(float(np.median(luma[skin])), 0.6 * float(skin_rgb @ _GRAY))
        self._front = _in_front(dark, a, over, under)
        skin = skin & ~dark if (skin & ~dark).any() else skin
        # Lashes that reach further than the hole, by their darkness.
        lashes = (a < 1.3) & (over > -0.35) & (over < 1.2 * high)
        hole |= lashes & (luma < 0.72 * np.median(luma[skin]))
        hole |= (self._front > 0) & (a < 1.4) & (over > 0) & (over < 0.8 * shape.brow)
        hole = cv2.dilate(hole.astype(np.float32), np.ones((3, 3), np.uint8))
        plane = np.maximum(_plane(patch, units, skin & (hole == 0)), 1)
        beneath = luma[skin & (under > 0.15)]
        least = _LEAST_LIGHT * float(np.median(beneath)) if len(beneath) else 0.0
        unknown = ((hole > 0) | (self._front > 0)).astype(np.uint8)
        local = cv2.inpaint(patch, unknown, 3, cv2.INPAINT_TELEA)
        local = cv2.GaussianBlur(local, (0, 0), max(0.12 * shape.unit_px, 0.8))
        painted = _shaded(plane, local @ _GRAY, least, skin_rgb)
        edge = cv2.GaussianBlur(hole, (0, 0), max(0.07 * shape.unit_px, 0.7))[..., None]
        self._bare = np.clip(patch + edge * (painted - patch), 0, 255).astype(np.uint8)


def _edge(units: np.ndarray) -> np.ndarray:
    """Heights on `EYE_U` of a lid's edge through points [9, 2]; its ends are at the corners."""
    order = np.argsort(units[:, 0])
    u, y = units[order, 0], units[order, 1]
    keep = np.r_[True, np.diff(u) > 1e-3]
    return PchipInterpolator(u[keep], y[keep])(np.clip(EYE_U, u[0], u[-1])) * (1 - EYE_U**8)


def _lash_color(patch: np.ndarray, shape: EyeShape, units: np.ndarray) -> np.ndarray:
    """The darkest fifth of what lies along the upper lid's edge, float [3]."""
    over, _ = shape.heights(units)
    lashes = (np.abs(units[..., 0]) < 1.1) & (np.abs(over - 0.04) < 0.09)
    dark = patch[lashes].astype(np.float32) if lashes.any() else patch.reshape(-1, 3)[:1]
    order = np.argsort(dark @ _GRAY)
    return dark[order[: max(len(order) // 5, 1)]].mean(0)


def _in_front(dark: np.ndarray, a: np.ndarray, over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """The dark things that reach from beside the eye over its lids, float32 [h, w] 0..1.

    Lashes, creases and most brows end soon after the eye; rims of glasses and hair go on.
    """
    dark = dark & ((over > 0.14) | (under > 0.3))
    _, labels = cv2.connectedComponents(dark.astype(np.uint8))
    kept = np.isin(labels, np.unique(labels[dark & (a > 1.8)])) & dark
    wide = cv2.dilate(kept.astype(np.float32), np.ones((3, 3), np.uint8))
    return cv2.GaussianBlur(wide, (0, 0), 0.7)


def _shaded(skin: np.ndarray, local: np.ndarray, least: float, cheek_rgb: np.ndarray) -> np.ndarray:
    """The colours `skin` [h, w, 3] in the `local` light [h, w] of the place, float64 [h, w, 3].

    `least` is how bright a lid is before shading: it catches more light than the fold it was.
    """
    light = skin @ _GRAY
    chroma = skin / light[..., None]
    cheeks = np.maximum(cheek_rgb, 1) / max(float(cheek_rgb @ _GRAY), 1)
    if np.ptp(cheeks) > np.ptp(chroma, axis=-1).mean():
        chroma = chroma + _SKIN_CHROMA * (cheeks - chroma)
    light = np.maximum(light, least)
    # No further from skin than shadows make it; in them, lit by skin, its colours are fuller.
    shade = np.clip(local / light, 0.78, 1.06)
    chroma = 1 + (chroma - 1) * (1 + _SHADE_CHROMA * np.clip(1 - shade, 0, 1))[..., None]
    return chroma * (light * shade)[..., None]


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
