"""Finds where faces are: BlazeFace over views of an image, merged. Knows no landmarks beyond eyes.

Source: Bazarevsky et al., "BlazeFace" (2019) and MediaPipe's short-range model (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, radians

import numpy as np
import torch
from torch import nn

from .crop import apply, composed, inverted, line_angle, shrunk, square_matrix, warp

VIEW_PX = 128
MIN_SCORE = 0.5
MIN_SCORE_TILE = 0.68
"""Tiles offer many chances to be wrong: what the mesh model also takes for a face scored up to
0.62 on pictures without any, real faces from 0.85."""
MERGE_OVERLAP = 0.3
VIEWS_PER_BATCH = 16
"""Bounds memory; a batch takes some 50 ms of CPU."""

WHOLE, HALVES, QUARTERS = 1, 2, 4
_TILTS_RAD = (radians(-45), radians(45))
_MARGIN = 1.6
"""How much wider than the image the view is that catches faces filling all of it."""


@dataclass(frozen=True, eq=False)
class Detection:
    """Where a face probably is."""

    center: tuple[float, float]
    side_px: float
    """Longer side of the detector's box: about brows to chin."""
    roll_rad: float
    score: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of the upright square."""
        (x, y), half = self.center, self.side_px / 2
        return x - half, y - half, x + half, y + half


def anchors() -> np.ndarray:
    """Centres of the model's boxes, float64 [896, 2] in 0..1: 2 a cell of 16 x 16, 6 of 8 x 8."""
    rows = []
    for cells, boxes in ((16, 2), (8, 6)):
        steps = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(steps, steps, indexing="ij")
        rows.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), boxes, axis=0))
    return np.concatenate(rows)


def views(width_px: int, height_px: int, level: int) -> list[np.ndarray]:
    """Matrices from an image to the views of a level: tiles of its longer side / `level`.

    Tiles overlap by half. `WHOLE` adds a view with a margin and two tilted ones.
    """
    side = max(width_px, height_px) / level
    if level == WHOLE:
        center = width_px / 2, height_px / 2
        turned = [square_matrix(center, side * 1.2, tilt, VIEW_PX) for tilt in _TILTS_RAD]
        margin = square_matrix(center, side * _MARGIN, 0.0, VIEW_PX)
        return [square_matrix(center, side, 0.0, VIEW_PX), margin, *turned]
    return [
        square_matrix((x, y), side, 0.0, VIEW_PX)
        for y in _tile_centers(height_px, side)
        for x in _tile_centers(width_px, side)
    ]


def detect(net: nn.Module, image: np.ndarray, level: int) -> list[Detection]:
    """Faces that `net` sees in `image` (uint8 [H, W, 3] RGB) at one level, best first.

    `net` takes views [B, 3, 128, 128], -1..1, and returns the boxes [B, 896, 16] and logits
    [B, 896, 1] of `anchors`: short-range BlazeFace, ours or ComfyUI's.
    """
    height, width = image.shape[:2]
    matrices = views(width, height, level)
    image, back = shrunk(image, VIEW_PX * level / max(width, height))  # once, not once a view
    reading = [composed(matrix, back) for matrix in matrices]
    found: list[Detection] = []
    for start in range(0, len(matrices), VIEWS_PER_BATCH):
        part = slice(start, start + VIEWS_PER_BATCH)
        found += _detect_in(net, image, reading[part], matrices[part])
    least = MIN_SCORE if level == WHOLE else MIN_SCORE_TILE
    return [item for item in merge(found) if item.score >= least]


def merge(detections: Sequence[Detection]) -> list[Detection]:
    """Average the detections that overlap, weighted by score; best first."""
    waiting = sorted(detections, key=lambda item: -item.score)
    merged = []
    while waiting:
        best = waiting[0]
        same = [item for item in waiting if overlap(best.box, item.box) > MERGE_OVERLAP]
        waiting = [item for item in waiting if item not in same]
        weights = np.array([item.score for item in same])
        rows = np.array([(*item.center, item.side_px) for item in same])
        x, y, side = (weights @ rows / weights.sum()).tolist()
        turn = (weights * np.exp(1j * np.array([item.roll_rad for item in same]))).sum()
        merged.append(Detection((x, y), side, float(np.angle(turn)), best.score))
    return merged


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    common = _common(a, b)
    return common / max(_area(a) + _area(b) - common, 1e-9)


def cover(inner: Sequence[float], outer: Sequence[float]) -> float:
    """How much of the box `inner` lies in the box `outer`, 0..1."""
    return _common(inner, outer) / max(_area(inner), 1e-9)


def _common(a: Sequence[float], b: Sequence[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _tile_centers(length_px: float, side_px: float) -> list[float]:
    count = max(ceil(2 * length_px / side_px - 1.001), 1)
    if count == 1:
        return [length_px / 2]
    return np.linspace(side_px / 2, length_px - side_px / 2, count).tolist()


def _detect_in(
    net: nn.Module,
    image: np.ndarray,
    reading: Sequence[np.ndarray],
    matrices: Sequence[np.ndarray],
) -> list[Detection]:
    """Run views of `image`; `reading` leads from it to them, `matrices` from the original."""
    batch = np.stack([warp(image, matrix, VIEW_PX, VIEW_PX) for matrix in reading])
    device = next(net.parameters()).device
    pixels = torch.from_numpy(batch).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
    boxes, logits = (output.float().cpu().numpy() for output in net(pixels))
    centers = anchors()
    found = []
    for raw, logit, matrix in zip(boxes, logits[:, :, 0], matrices, strict=True):
        scores = 1 / (1 + np.exp(-np.clip(logit, -80, 80)))
        keep = scores >= MIN_SCORE
        back = inverted(matrix)
        for row, anchor, score in zip(raw[keep], centers[keep], scores[keep], strict=True):
            found.append(_decode(row, anchor * VIEW_PX, float(score), back))
    return found


def _decode(row: np.ndarray, anchor: np.ndarray, score: float, back: np.ndarray) -> Detection:
    """Read one box: center, size, then 6 points of which the first two are the eyes."""
    points = apply(back, row[[0, 1, 4, 5, 6, 7]].reshape(3, 2) + anchor)
    center, left_eye, right_eye = points
    side = float(row[2:4].max()) * float(np.sqrt(abs(np.linalg.det(back[:, :2]))))
    return Detection(
        (float(center[0]), float(center[1])), side, line_angle(left_eye, right_eye), score
    )
