"""Backward maps for one face: which point of the portrait each pixel of a frame shows.

Displacement fields are kept on coarse lattices, mixed by a matrix product, inverted by fixed-point
iteration and only then brought to full resolution. It knows fields, not what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from .sampling import look_up

_HEAD_STEPS: Final = 3
_FACE_STEPS: Final = 6
_VISIBLE_PX: Final = 0.05


@dataclass(frozen=True)
class Lattice:
    """A coarse grid over a rectangle of the image: one node in the middle of each cell."""

    x0: int
    y0: int
    columns: int
    rows: int
    step_px: int

    @classmethod
    def over(cls, x0: float, y0: float, x1: float, y1: float, step_px: int) -> Lattice:
        """The lattice that covers x0..x1, y0..y1 pixels with one spare cell on every side."""
        left, top = int(np.floor(x0)) - step_px, int(np.floor(y0)) - step_px
        columns = int(np.ceil((x1 - left) / step_px)) + 1
        rows = int(np.ceil((y1 - top) / step_px)) + 1
        return cls(left, top, columns, rows, step_px)

    def nodes(self) -> np.ndarray:
        """Pixel positions of the nodes, float32 [rows, columns, 2]."""
        x = self.x0 + self.step_px * np.arange(self.columns) + (self.step_px - 1) / 2
        y = self.y0 + self.step_px * np.arange(self.rows) + (self.step_px - 1) / 2
        return np.stack(np.meshgrid(x, y), -1).astype(np.float32)

    def index(self, pixels: np.ndarray) -> np.ndarray:
        """Pixel positions [..., 2] as (column, row) coordinates, float32."""
        first = (self.x0 + (self.step_px - 1) / 2, self.y0 + (self.step_px - 1) / 2)
        return ((pixels - np.asarray(first, np.float32)) / self.step_px).astype(np.float32)

    def sample(self, values: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Values [rows, columns, 2] at pixel positions [N, 2], float32 [N, 2]."""
        at = self.index(pixels)[:, None]
        return look_up(values, at)[:, 0]


class Enlarger:
    """Brings maps from a lattice to every pixel of a rectangle, into memory of its own."""

    def __init__(self, lattice: Lattice, rect: tuple[int, int, int, int], smooth: bool = True):
        """`rect` x0, y0, x1, y1 inside the lattice; `smooth` for fields that bend within a cell."""
        x0, y0, x1, y1 = rect
        self.nodes = lattice.nodes()
        self._kind = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
        self._full = np.empty(
            (lattice.rows * lattice.step_px, lattice.columns * lattice.step_px, 2), np.float32
        )
        self._part = self._full[
            y0 - lattice.y0 : y1 - lattice.y0, x0 - lattice.x0 : x1 - lattice.x0
        ]
        self._still = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), -1).astype(
            np.float32
        )
        self._map = np.empty_like(self._still)

    def __call__(self, sources: np.ndarray, into: np.ndarray | None = None) -> np.ndarray:
        """`sources` [rows, columns, 2] at the nodes as a map [h, w, 2]: `into`, or memory of
        its own that is valid until the next call.

        Displacements are interpolated, not positions: OpenCV's cubic does not keep straight lines.
        """
        size = (self._full.shape[1], self._full.shape[0])
        cv2.resize(sources - self.nodes, size, dst=self._full, interpolation=self._kind)
        return cv2.add(self._part, self._still, dst=self._map if into is None else into)


class Fields:
    """Displacement fields on one lattice, mixed and inverted frame by frame."""

    def __init__(self, lattice: Lattice, fields: np.ndarray):
        """`fields` float [K, rows, columns, 2]: pixels of displacement per unit, forward."""
        self.lattice = lattice
        self._flat = np.ascontiguousarray(fields, np.float32).reshape(len(fields), -1)
        self._shape = fields.shape[1:]

    def reach(self, most: np.ndarray) -> tuple[int, int, int, int]:
        """The pixels x0, y0, x1, y1 that `most` [K] of every field moves visibly."""
        total = (most.astype(np.float32) @ np.abs(self._flat)).reshape(self._shape)
        rows, columns = np.nonzero(total.max(-1) > _VISIBLE_PX)
        lattice, step = self.lattice, self.lattice.step_px
        if not len(rows):
            return lattice.x0, lattice.y0, lattice.x0, lattice.y0
        return (
            lattice.x0 + int(columns.min()) * step,
            lattice.y0 + int(rows.min()) * step,
            lattice.x0 + (int(columns.max()) + 1) * step,
            lattice.y0 + (int(rows.max()) + 1) * step,
        )

    def mixed(self, amounts: np.ndarray) -> np.ndarray:
        """The sum of the fields weighted by `amounts` [K], float32 [rows, columns, 2]."""
        return (amounts.astype(np.float32) @ self._flat).reshape(self._shape)


def held(
    displacement: np.ndarray, pixels: np.ndarray, size: tuple[int, int], reach_px: float
) -> np.ndarray:
    """`displacement` [..., h, w, 2] of the material at `pixels` [h, w, 2], fading within `reach_px`
    of an image of `size` (width, height) where it would pull an edge of it into view."""
    last = np.array(size) - 1
    from_start, from_end = (np.clip(away / reach_px, 0, 1) ** 2 for away in (pixels, last - pixels))
    return displacement * np.where(displacement > 0, from_start, from_end)


def inverse(
    lattice: Lattice, displacement: np.ndarray, target: np.ndarray, steps: int = _FACE_STEPS
) -> np.ndarray:
    """Where the material now at `target` [h, w, 2] pixels was before `displacement` moved it.

    Solves p + d(p) = target by fixed-point iteration, which converges as long as no field
    stretches more than twofold; the last steps are averaged for those that come near.
    """
    goal = lattice.index(target)
    moved = displacement / lattice.step_px
    at = goal
    for step in range(steps):
        there = look_up(moved, at)
        new = goal - there
        at = new if step < 2 else 0.3 * at + 0.7 * new
    first = (lattice.x0 + (lattice.step_px - 1) / 2, lattice.y0 + (lattice.step_px - 1) / 2)
    return at * np.float32(lattice.step_px) + np.asarray(first, np.float32)


def head_inverse(lattice: Lattice, displacement: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`inverse` for the head's gentle fields: fewer steps."""
    return inverse(lattice, displacement, target, _HEAD_STEPS)
