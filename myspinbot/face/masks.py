"""Masks of the parts of a face, from its points alone; knows no models."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Literal, get_args

import cv2
import numpy as np

from . import landmarks
from .geometry import Face

Region = Literal["face", "lips", "mouth", "eyes"]
REGIONS: Final[tuple[Region, ...]] = get_args(Region)

OUTLINES: Final = MappingProxyType(
    {
        "face": (landmarks.FACE_OVAL,),
        "lips": (landmarks.OUTER_LIPS,),
        "mouth": (landmarks.INNER_LIPS,),
        "eyes": (landmarks.LEFT_EYE, landmarks.RIGHT_EYE),
    }
)
"""The loops that bound each region; "lips" includes the opening between them, "mouth" is that."""

_SUBPIXEL_BITS = 4


def region_mask(
    face: Face,
    region: Region,
    height_px: int,
    width_px: int,
    *,
    feather_px: float = 0.0,
    grow_px: float = 0.0,
) -> np.ndarray:
    """Mask of one region in an image of that size; float32 [H, W], 1 inside.

    `feather_px` is the width of the ramp from 1 to 0, half of it on either side of the outline;
    `grow_px` moves the outline outwards (inwards when negative) first.
    """
    mask = np.zeros((height_px, width_px), np.float32)
    for outline in OUTLINES[region]:
        points = face.at(outline).astype(np.float64)
        if grow_px:
            points = _grown(points, grow_px)
        _draw(mask, points, feather_px)
    return mask


def _draw(mask: np.ndarray, points: np.ndarray, feather_px: float) -> None:
    """Add a polygon to `mask`, working only on the part of it that changes."""
    height, width = mask.shape
    margin = 2 * feather_px + 2
    # One margin beyond the image: what lies outside also feathers into it.
    low = np.floor(np.maximum(points.min(0), -margin) - margin).astype(int)
    high = np.ceil(np.minimum(points.max(0), [width + margin, height + margin]) + margin)
    size = high.astype(int) - low
    if (size <= 0).any():
        return
    part = np.zeros((size[1], size[0]), np.uint8)
    corners = np.round((points - low) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(part, [corners], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    soft = part.astype(np.float32) / 255
    if feather_px > 0:
        soft = cv2.GaussianBlur(soft, (0, 0), feather_px / 4)  # 95 % of the step within the ramp
    x0, y0 = np.maximum(low, 0)
    x1, y1 = np.minimum(low + size, [width, height])
    if x1 > x0 and y1 > y0:
        seen = soft[y0 - low[1] : y1 - low[1], x0 - low[0] : x1 - low[0]]
        mask[y0:y1, x0:x1] = np.minimum(np.maximum(mask[y0:y1, x0:x1], seen), 1)


def _grown(points: np.ndarray, grow_px: float) -> np.ndarray:
    """Move each corner of a clockwise loop outwards along the mean of its sides' normals."""
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    normals = np.stack([along[:, 1], -along[:, 0]], axis=1)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return points + grow_px * normals / np.maximum(lengths, 1e-6)
