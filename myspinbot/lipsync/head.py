"""How the head and the brows move: displacement fields of a turning head, from the depth of its
landmarks. It knows one face and no time."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.interpolate import RBFInterpolator

from ..face import landmarks
from ..face.geometry import Face
from .anatomy import FaceFrame
from .fields import smoothstep

POSES: Final = ("yaw", "pitch", "roll", "sway_x", "sway_y", "lean", "breath")
"""Order of the head's fields: radians, radians, radians, then half mouth widths for sway and
breath, and a relative size for lean."""
HEAD_LIMITS: Final = np.array((0.065, 0.055, 0.024, 0.06, 0.05, 0.012, 0.03))
"""Most of each pose that a flat picture bears."""
BROWS: Final = ("brow_left", "brow_right")
"""Order of the brow fields: half mouth widths upwards."""


def head_fields(
    face: Face, frame: FaceFrame, pixels: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Displacements in pixels of the material at `pixels` [h, w, 2] per unit of each pose.

    float32 [len(POSES), h, w, 2]. All vanish far from the head and, across it, at the border of
    an image of `size` (width, height), so that no edge is ever pulled into view.
    """
    units = frame.units(pixels)
    scale = _head_scale(face, frame)
    oval = frame.units(face.at(landmarks.FACE_OVAL) - 0.5)
    center = 0.5 * (oval.min(0) + oval.max(0))
    half = 0.5 * (oval.max(0) - oval.min(0))
    weight = _head_weight(units, center, half)
    depth = _depth(face, frame, units, center, half)
    pivot = center + np.array((0.0, 1.45 * half[1]))
    rel = units - pivot
    zero = np.zeros_like(depth)
    shoulders = smoothstep(center[1] - 2.2 * half[1], center[1] + 1.6 * half[1], units[..., 1])
    fade_out = 1 - smoothstep(2.2, 4.0, np.abs(units[..., 0] - center[0]) / half[0])
    fields = [
        (depth * weight, zero),
        (zero, depth * weight),
        (-rel[..., 1] * weight, rel[..., 0] * weight),
        (weight, zero),
        (zero, weight),
        ((units[..., 0] - center[0]) * weight, (units[..., 1] - center[1]) * weight),
        (zero, -(0.35 + 0.65 * shoulders) * np.maximum(weight, fade_out * shoulders)),
    ]
    stacked = np.stack([np.stack(f, -1) for f in fields]) * scale[:, None, None, None]
    moved = stacked @ frame.axes * frame.unit_px
    return (moved * _border_hold(pixels, size, 0.9 * half[0] * frame.unit_px)).astype(np.float32)


def brow_fields(face: Face, frame: FaceFrame, units: np.ndarray) -> np.ndarray:
    """Displacements in face units, float64 [2, h, w, 2], of raising either brow by 1."""
    fields = []
    for brow, eye in (
        (landmarks.LEFT_BROW_UPPER, landmarks.LEFT_EYE),
        (landmarks.RIGHT_BROW_UPPER, landmarks.RIGHT_EYE),
    ):
        line, lid = frame.units(face.at(brow) - 0.5), frame.units(face.at(eye) - 0.5)
        middle, half = line.mean(0), 0.5 * np.ptp(line[:, 0])
        drop = max(float(lid[:, 1].min() - middle[1]), 0.15)
        side = 1 - smoothstep(0.75, 1.9, np.abs(units[..., 0] - middle[0]) / half)
        up = 1 - smoothstep(0.15, 1.6, (middle[1] - units[..., 1]) / half)
        down = 1 - smoothstep(-0.1, 0.95, (units[..., 1] - middle[1]) / drop)
        lift = side * np.where(units[..., 1] < middle[1], up, down)
        fields.append(np.stack([np.zeros_like(lift), -lift], -1))
    return np.stack(fields)


def _head_scale(face: Face, frame: FaceFrame) -> np.ndarray:
    """Units per unit of each pose; a turned face gets less yaw, since its far side is unknown."""
    turned = float(np.clip(abs(face.yaw_rad) / 0.6, 0, 1))
    return np.array([1 - 0.5 * turned, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])


def _head_weight(units: np.ndarray, center: np.ndarray, half: np.ndarray) -> np.ndarray:
    """1 on the head with its hair, easing to 0 on background and shoulders."""
    dx = (units[..., 0] - center[0]) / half[0]
    dy = (units[..., 1] - center[1]) / half[1]
    up = np.hypot(dx / 1.25, np.minimum(dy, 0) / 1.35)
    head = 1 - smoothstep(0.85, 1.75, up)
    neck = 1 - smoothstep(0.75, 2.0, dy)
    return head * neck


def _depth(
    face: Face, frame: FaceFrame, units: np.ndarray, center: np.ndarray, half: np.ndarray
) -> np.ndarray:
    """Height of the material towards the viewer over the head's axis, in face units."""
    points = face.points[:468]
    at = frame.units(points[:, :2] - 0.5)
    z = points[:, 2] / frame.unit_px
    near, far = np.quantile(z, (0.02, 0.98))
    dx, dy = (units[..., 0] - center[0]) / half[0], (units[..., 1] - center[1]) / half[1]
    radius = np.hypot(dx, dy)
    # Outside the face the surface is not known: it runs on as the nearest outline does.
    pull = np.minimum(1.0, 1.0 / np.maximum(radius, 1e-6))
    inside = np.stack([center[0] + dx * pull * half[0], center[1] + dy * pull * half[1]], -1)
    surface = RBFInterpolator(at[::3], z[::3], neighbors=24, smoothing=0.05, kernel="linear")
    values = surface(inside.reshape(-1, 2)).reshape(radius.shape)
    # The head's axis lies about at the ears; the model's z is known to be flat on side views.
    return np.clip(far - values, 0, far - near)


def _border_hold(pixels: np.ndarray, size: tuple[int, int], reach_px: float) -> np.ndarray:
    """Factors [h, w, 2] for x and y displacements: 0 at the image's edges that they cross."""
    width, height = size
    x, y = pixels[..., 0], pixels[..., 1]
    hold_x = smoothstep(0, reach_px, np.minimum(x, width - 1 - x))
    hold_y = smoothstep(0, reach_px, np.minimum(y, height - 1 - y))
    return np.stack([hold_x, hold_y], -1)
