"""Tells skin from the hair that hangs over it, by what the picture shows. Knows no models."""

from __future__ import annotations

import cv2
import numpy as np

from . import landmarks
from .crop import aligned_crop, warp
from .geometry import Face
from .masks import region_mask

_MAX_CROP_PX = 384
_MIN_CROP_PX = 32
_CROP_SCALE = 1.3
_ROUNDS = 4
"""Of fitting the light: each adds the skin that the last one found."""
_SKIN, _HAIR = 2.4, 4.0
"""Distances, in standard deviations of the face's own skin: surely skin below, hair above."""
_MIN_SPREAD = np.array([6, 3, 3], np.float32)
_MAX_SPREAD = np.array([20, 8, 8], np.float32)
"""Limits of that deviation, for lightness and two colours of 0..255 (CIELAB)."""
_BROWS = (
    landmarks.LEFT_BROW_UPPER + landmarks.LEFT_BROW_LOWER,
    landmarks.RIGHT_BROW_UPPER + landmarks.RIGHT_BROW_LOWER,
)
_FEATURES = (
    *_BROWS[0], *_BROWS[1], *landmarks.LEFT_EYE, *landmarks.RIGHT_EYE, *landmarks.OUTER_LIPS,
)  # fmt: skip


def hair_safe_mask(
    image: np.ndarray, face: Face, *, feather_px: float = 0.0, grow_px: float = 0.0
) -> np.ndarray:
    """The mask of the face in `image` (uint8 [H, W, 3] RGB) without the hair that hangs into it.

    float32 [H, W], 1 inside; `feather_px` and `grow_px` as in `region_mask`. What differs from the
    skin between brows and mouth, after fitting how the light falls on it, and hangs together with
    the outside counts as hair (or hat, or background). Brows, eyes, mouth and all below it stay.
    Grey pictures are judged by lightness alone. Hair as light as the skin stays, and a cheek in
    hard shadow may go.
    """
    height, width = image.shape[:2]
    outline = region_mask(face, "face", height, width, feather_px=feather_px, grow_px=grow_px)
    size = int(min(face.size_px * _CROP_SCALE, _MAX_CROP_PX))
    if size < _MIN_CROP_PX:
        return outline
    crop = aligned_crop(image, face, size_px=size, scale=_CROP_SCALE)
    hair = _hair(crop.image, face.transformed(crop.matrix))
    return outline * (1 - warp(hair, crop.inverse, width, height, replicate=True))


def _hair(image: np.ndarray, face: Face) -> np.ndarray:
    """How much of each pixel of the upright `image` is hair over the face, float32 [H, W]."""
    height, width = image.shape[:2]
    features = _hull(face.at(_FEATURES), height, width)
    inside = region_mask(face, "face", height, width) > 0.5
    distance = _distance_to_skin(image, face, features, inside)
    hair = np.clip((distance - _SKIN) / (_HAIR - _SKIN), 0, 1)
    hair[features] = 0
    hair = np.where(_reached(hair > 0.5, ~inside), hair, 0)
    nose, mouth = face.at((landmarks.NOSE_BASE, *landmarks.MOUTH_CORNERS))[:, 1][[0, 1]]
    rows = np.arange(height, dtype=np.float32)
    upper = np.clip((mouth - rows) / max(mouth - nose, 1), 0, 1)[:, None]
    return cv2.GaussianBlur((hair * upper).astype(np.float32), (0, 0), 0.7)


def _distance_to_skin(
    image: np.ndarray, face: Face, features: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """How unlike skin each pixel is, in standard deviations of the face's own skin."""
    height, width = image.shape[:2]
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab = cv2.GaussianBlur(lab, (0, 0), width / 250)
    core = features.copy()
    core &= region_mask(face, "eyes", height, width, grow_px=0.04 * width) < 0.1
    core &= region_mask(face, "lips", height, width, grow_px=0.03 * width) < 0.1
    reach = np.ones((width // 30 | 1,) * 2, np.uint8)
    for brow in _BROWS:
        core &= cv2.dilate(_hull(face.at(brow), height, width).astype(np.uint8), reach) == 0
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / width - 0.5
    light = np.stack([np.ones_like(x), x, y, x * x, y * y], axis=-1)
    skin = core
    distance = np.zeros((height, width), np.float32)
    for round_ in range(_ROUNDS):
        terms = light[..., :3] if round_ < _ROUNDS // 2 else light  # a plane, then a bowl
        factors = np.linalg.lstsq(terms[skin], lab[skin], rcond=None)[0]
        low, high = np.quantile(lab[skin], (0.05, 0.95), axis=0)
        rest = lab - np.clip(terms @ factors, low, high)  # never beyond what was seen
        spread = 1.4826 * np.median(np.abs(rest[skin]), axis=0)
        spread = np.clip(spread, _MIN_SPREAD, _MAX_SPREAD)
        distance = np.sqrt(((rest / spread) ** 2).sum(-1))
        skin = core | (inside & ~features & (distance < _SKIN))
        if round_ + 1 < _ROUNDS:
            skin &= distance < _SKIN + 0.6
        if skin.sum() < 16:
            return np.zeros_like(distance)
    return distance


def _reached(area: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The parts of `area` that hang together with `source`; both bool [H, W]."""
    _, labels = cv2.connectedComponents((area | source).astype(np.uint8), connectivity=8)
    return area & np.isin(labels, np.unique(labels[source]))


def _hull(points: np.ndarray, height_px: int, width_px: int) -> np.ndarray:
    """The convex area around `points` [N, 2]; bool [H, W]."""
    mask = np.zeros((height_px, width_px), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    return mask > 0
