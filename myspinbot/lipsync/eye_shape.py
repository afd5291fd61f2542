"""The shape of one eye: coordinates on it, and where its lids end. It knows no pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import PchipInterpolator

EYE_U: Final = np.linspace(-1.0, 1.0, 33)
"""Positions across the eye at which its edges are kept: -1 and 1 are the corners."""


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


def _edge(units: np.ndarray) -> np.ndarray:
    """Heights on `EYE_U` of a lid's edge through points [9, 2]; its ends are at the corners."""
    order = np.argsort(units[:, 0])
    u, y = units[order, 0], units[order, 1]
    keep = np.r_[True, np.diff(u) > 1e-3]
    return PchipInterpolator(u[keep], y[keep])(np.clip(EYE_U, u[0], u[-1])) * (1 - EYE_U**8)
