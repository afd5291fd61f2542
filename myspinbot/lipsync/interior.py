"""What is seen between the lips: cavity, tongue, lower teeth on the jaw, upper teeth on the skull.

It knows one mouth's anatomy and colours, and draws into a given opening.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from .anatomy import MouthAnatomy, U
from .fields import smoothstep
from .sampling import coverage, look_up

_BOX: Final = (-1.3, -0.75, 1.3, 1.25)
"""x0, y0, x1, y1 of the textures in half mouth widths."""
_UPPER_EDGES: Final = (0.0, 0.31, 0.56, 0.79, 0.97, 1.12, 1.25)
_UPPER_LENGTHS: Final = (0.075, 0.062, 0.072, 0.05, 0.035, 0.02)
_LOWER_EDGES: Final = (0.0, 0.19, 0.39, 0.61, 0.82, 1.0, 1.15)
_LOWER_LENGTHS: Final = (-0.045, -0.043, -0.05, -0.03, -0.01, 0.01)
_CURVE: Final = 0.7
"""How much of the curve between closed lips the teeth follow."""
_UNSHADED: Final = 1.12
_GRAY: Final = np.array((0.299, 0.587, 0.114))


class Interior:
    """The textures of one portrait's mouth; draws them into frames."""

    def __init__(self, image: np.ndarray, mouth: MouthAnatomy):
        self._mouth = mouth
        self._density = max(mouth.frame.unit_px, 12.0)
        x0, y0, x1, y1 = _BOX
        columns, rows = round((x1 - x0) * self._density), round((y1 - y0) * self._density)
        x = x0 + (np.arange(columns) + 0.5) / self._density
        y = y0 + (np.arange(rows) + 0.5) / self._density
        self._x, self._y = np.meshgrid(x, y)
        self._seam_y = float(mouth.seam[32])
        bend = np.interp(mouth.frame.across(x), U, mouth.seam) - self._seam_y
        # Where lips curve, so do the rows of teeth behind them.
        self._bend = _CURVE * bend
        enamel = self._enamel(image)
        self._upper = self._own_teeth(image) if mouth.shows_teeth else self._upper_teeth(enamel)
        self._lower = self._lower_teeth(enamel * 0.80)
        self._floor, self._tongue = self._cavity()

    def draw(
        self,
        frame: np.ndarray,
        upper: np.ndarray,
        lower: np.ndarray,
        skull: np.ndarray,
        jaw: np.ndarray,
        tongue: float,
    ) -> None:
        """Blend the interior into `frame` [H, W, 3] between two edges [65, 2] in pixels.

        `skull` and `jaw` [2, 3] map face units to pixels of the frame for what is fixed to either.
        """
        height, width = frame.shape[:2]
        pad = 3 + 3 * self._mouth.softness_px
        both = np.concatenate([upper, lower[::-1]])
        x0, y0 = np.maximum(np.floor(both.min(0) - pad).astype(int), 0)
        x1 = min(int(both[:, 0].max() + pad) + 1, width)
        y1 = min(int(both[:, 1].max() + pad) + 1, height)
        if x1 - x0 < 2 or y1 - y0 < 2:
            return
        softness = max(0.75 * self._mouth.softness_px, 0.4)
        alpha = coverage(both - (x0, y0), (x1 - x0, y1 - y0), softness)
        gap = float(np.linalg.norm(lower - upper, axis=1).max()) / self._mouth.frame.unit_px
        # Little light falls through a slit.
        light = 0.36 + 0.64 * smoothstep(0.0, 0.11, gap)
        color = light * self._inside(alpha, (x0, y0), skull, jaw, tongue)
        region = frame[y0:y1, x0:x1]
        weight = alpha[..., None]
        region[:] = (region * (1 - weight) + color * weight + 0.5).astype(np.uint8)

    def _inside(
        self,
        alpha: np.ndarray,
        corner: tuple[int, int],
        skull: np.ndarray,
        jaw: np.ndarray,
        tongue: float,
    ) -> np.ndarray:
        """Colours behind the opening, shaded by the lips in front of it, float32 [h, w, 3]."""
        size = (alpha.shape[1], alpha.shape[0])
        color = self._placed(self._floor, jaw, corner, size)[..., :3]
        lifted = jaw.copy()
        lifted[:, 2] -= 0.16 * tongue * jaw[:, 1]
        for layer, where in ((self._tongue, lifted), (self._lower, jaw), (self._upper, skull)):
            placed = self._placed(layer, where, corner, size)
            cover = placed[..., 3:]
            color = color * (1 - cover) + placed[..., :3]
        unit = self._mouth.frame.unit_px
        rim = cv2.GaussianBlur(alpha, (0, 0), max(0.07 * unit, 0.8))
        down = np.array([[1, 0, 0.10 * skull[0, 1]], [0, 1, 0.10 * skull[1, 1]]])
        lip_shadow = cv2.warpAffine(rim, down, size)
        shade = (0.68 + 0.32 * smoothstep(0.1, 0.9, rim)) * (
            0.80 + 0.20 * smoothstep(0.05, 0.8, lip_shadow)
        )
        return color * shade[..., None].astype(np.float32)

    def _placed(
        self,
        texture: np.ndarray,
        where: np.ndarray,
        corner: tuple[int, int],
        size: tuple[int, int],
    ) -> np.ndarray:
        """`texture` (premultiplied RGBA) through the map `where` from face units to pixels."""
        to_units = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, self._density]]) / self._density
        to_units[:2, 2] += _BOX[:2]
        matrix = np.vstack([where, (0, 0, 1)]) @ to_units
        matrix[:2, 2] -= corner
        return cv2.warpAffine(texture, matrix[:2], size, borderMode=cv2.BORDER_REPLICATE)

    def _enamel(self, image: np.ndarray) -> np.ndarray:
        """Colour of the teeth in the portrait's own light."""
        skin = self._mouth.skin_rgb
        luma = float(skin @ _GRAY)
        pale = 0.5 * skin + 0.5 * luma * np.array((1.02, 1.0, 0.94))
        if np.ptp(skin) < 3:
            pale = np.full(3, luma)
        return np.minimum(pale * np.clip(1.24 + 0.3 * (1 - luma / 140), 1.05, 1.5), 230)

    def _row_of_teeth(
        self, edges: tuple[float, ...], lengths: tuple[float, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Height of the cutting edge at each column of the texture, and brightness of it."""
        a = np.abs(self._x[0])
        index = np.clip(np.searchsorted(edges, a, side="right") - 1, 0, len(lengths) - 1)
        start, end = (
            np.asarray(edges)[index],
            np.asarray(edges)[np.minimum(index + 1, len(lengths))],
        )
        inside = np.clip((a - start) / np.maximum(end - start, 1e-3), 0, 1)
        rounding = np.abs(2 * inside - 1) ** 4
        gap = np.exp(-(((end - start) / 2 * (1 - np.abs(2 * inside - 1))) ** 2) / 0.014**2)
        light = (1 - 0.10 * rounding) * (1 - 0.22 * gap) * (1 - 0.55 * smoothstep(0.35, 1.1, a))
        height = np.interp(a, np.convolve(edges, (0.5, 0.5), "valid"), lengths)
        return height - 0.022 * rounding * np.sign(lengths[0]), light

    def _upper_teeth(self, enamel: np.ndarray) -> np.ndarray:
        edge, light = self._row_of_teeth(_UPPER_EDGES, _UPPER_LENGTHS)
        depth = self._seam_y + (edge + self._bend)[None] - self._y
        ends = 1 - smoothstep(1.0, 1.2, np.abs(self._x))
        alpha = smoothstep(-0.012, 0.012, depth) * ends
        shine = light[None] * (1 - 0.10 * smoothstep(0.05, 0.0, depth))
        return self._texture(enamel * shine[..., None], alpha)

    def _lower_teeth(self, enamel: np.ndarray) -> np.ndarray:
        edge, light = self._row_of_teeth(_LOWER_EDGES, _LOWER_LENGTHS)
        depth = self._y - (self._seam_y + 0.075 + (edge + self._bend)[None])
        ends = 1 - smoothstep(0.75, 1.05, np.abs(self._x))
        alpha = smoothstep(-0.012, 0.012, depth) * ends
        shine = light[None] * (0.92 - 0.35 * smoothstep(0.1, 0.35, depth))
        return self._texture(enamel * shine[..., None], alpha)

    def _cavity(self) -> tuple[np.ndarray, np.ndarray]:
        lip, skin = self._mouth.lip_rgb, self._mouth.skin_rgb
        flesh = 0.7 * lip + 0.3 * skin
        colored = float(np.clip((np.ptp(skin) - 3) / 12, 0, 1))
        blood = 1 - colored * np.array((-0.10, 0.44, 0.42))
        y = self._y - self._seam_y
        dark = 0.22 + 0.10 * smoothstep(-0.3, 0.3, y)
        floor = self._texture(flesh * blood * dark[..., None], np.ones_like(y))
        dome = -0.20 + 0.32 * (self._x / 0.74) ** 2
        inside = smoothstep(-0.04, 0.16, y - dome) * (1 - smoothstep(0.62, 0.80, np.abs(self._x)))
        light = 0.78 - 0.08 * np.exp(-((self._x / 0.06) ** 2)) - 0.20 * (self._x / 0.74) ** 2
        light = light * (0.62 + 0.38 * smoothstep(0.0, 0.3, y - dome))
        warm = flesh * (0.45 + 0.55 * blood)
        return floor, self._texture(warm * light[..., None], inside)

    def _own_teeth(self, image: np.ndarray) -> np.ndarray:
        """The portrait's own teeth, continued upwards under the lip and cut at their edge."""
        mouth = self._mouth
        at = mouth.frame.pixels(np.stack([self._x, self._y], -1)).astype(np.float32)
        colors = look_up(image, at, cubic=True)
        colors = colors.astype(np.float32)
        u = mouth.frame.across(self._x[0])
        upper, lower = np.interp(u, U, mouth.upper), np.interp(u, U, mouth.lower)
        margin = 0.9 * mouth.softness_px / mouth.frame.unit_px + 0.01
        top, bottom = upper + margin, lower - margin
        usable = (np.abs(u) < 0.9) & (bottom - top > 0.04)
        columns = np.flatnonzero(usable)
        between = (self._y >= top[None]) & (self._y <= bottom[None])
        if not between[:, columns].any():
            return self._upper_teeth(self._enamel(image))
        bottom = self._cutting_edge(colors, top, bottom, columns)
        rows = np.clip(self._y, top[None], np.maximum(bottom - margin, top + 0.01)[None])
        pick = np.clip(np.arange(len(u)), columns[0], columns[-1])
        row_index = (rows - _BOX[1]) * self._density - 0.5
        column_index = np.broadcast_to(pick[None], rows.shape)
        fill = look_up(colors, np.stack([column_index, row_index], -1).astype(np.float32))
        # Further out the lower lip hid where they end: they go on in a flat arc.
        middle = float(np.median(bottom[np.abs(u) < 0.3]))
        depth = np.maximum(bottom, middle - 0.19 * u * u)[None] - self._y
        ends = 1 - smoothstep(0.9, 1.08, np.abs(u))[None]
        # Their picture has the lips' shadow in it already, which drawing casts again.
        return self._texture(_UNSHADED * fill, smoothstep(-0.012, 0.012, depth) * ends)

    def _cutting_edge(
        self, colors: np.ndarray, top: np.ndarray, bottom: np.ndarray, columns: np.ndarray
    ) -> np.ndarray:
        """Lowest bright row of the teeth in each column, smoothed, in face units."""
        luma = colors @ _GRAY.astype(np.float32)
        inside = (self._y >= top[None]) & (self._y <= bottom[None])
        bright = np.quantile(luma[:, columns][inside[:, columns]], 0.85)
        lip = float(self._mouth.lip_rgb @ _GRAY)
        teeth = inside & (luma > 0.45 * bright + 0.55 * min(lip, 0.75 * bright))
        lowest = np.where(teeth, self._y, -np.inf).max(0)
        edge = np.where(np.isfinite(lowest), lowest, top)
        edge = np.interp(np.arange(len(edge)), columns, edge[columns])
        return np.minimum(gaussian_filter1d(edge, 0.05 * self._density), bottom)

    def _texture(self, color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """Premultiplied RGBA float32, blurred to the portrait's softness."""
        rgba = np.concatenate([np.clip(color, 0, 250) * alpha[..., None], alpha[..., None]], -1)
        sigma = 0.8 * self._mouth.softness_px * self._density / self._mouth.frame.unit_px
        return cv2.GaussianBlur(rgba.astype(np.float32), (0, 0), max(sigma, 0.3))
