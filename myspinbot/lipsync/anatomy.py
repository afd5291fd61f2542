"""What a portrait's mouth looks like: its frame, lip contours, openness, colours and softness.

It measures one image with 478 points and moves nothing. Positions are pixel centres (x, y).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from ..face import landmarks, softness_px
from ..face.geometry import Face
from .sampling import look_up

U: Final = np.linspace(-1.0, 1.0, 65)
"""Positions across the mouth at which contours are kept: -1 and 1 are the corners."""

_GRAY: Final = np.array((0.299, 0.587, 0.114))
_PIXEL_BLUR_PX: Final = 0.8
_RIM_PX: Final = 0.9
_CHEEKS: Final = (50, 280, 101, 330, 205, 425)
_OPEN_GAP: Final = 0.10
"""Lips further apart than this (half mouth widths, at the middle) count as an open mouth."""
_MEETING: Final = 0.45
"""Open lips meet at this share of the way down: a jaw that closes lifts the lower one most. Further
down the face becomes another, long over the mouth; further up thick lips look open to a tracker."""


@dataclass(frozen=True, eq=False)
class FaceFrame:
    """Upright coordinates on the mouth: origin between the lips, unit = half the mouth's width."""

    origin: np.ndarray
    """float64 [2], pixels."""
    axes: np.ndarray
    """float64 [2, 2]: rows are the unit vectors to the face's right (viewer) and down."""
    unit_px: float
    left: float
    """x of the left corner, about -1."""
    right: float
    """x of the right corner, about 1."""

    def units(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels [..., 2] as face coordinates [..., 2]."""
        return (np.asarray(pixels, np.float64) - self.origin) @ self.axes.T / self.unit_px

    def pixels(self, units: np.ndarray) -> np.ndarray:
        """Face coordinates [..., 2] as pixels [..., 2]."""
        return np.asarray(units, np.float64) * self.unit_px @ self.axes + self.origin

    def across(self, x: np.ndarray) -> np.ndarray:
        """Face x as position across the mouth: -1 and 1 at the corners, whatever the yaw."""
        return np.where(x < 0, x / -self.left, x / self.right)

    def along(self, u: np.ndarray) -> np.ndarray:
        """Inverse of `across`."""
        return np.where(u < 0, u * -self.left, u * self.right)


@dataclass(frozen=True, eq=False)
class MouthAnatomy:
    """The resting mouth of one portrait. Heights are in units, y down, on the grid `U`."""

    frame: FaceFrame
    upper: np.ndarray
    """Lower edge of the upper lip."""
    lower: np.ndarray
    """Upper edge of the lower lip."""
    seam: np.ndarray
    """Where the two meet once the mouth is closed."""
    upper_outer: np.ndarray
    lower_outer: np.ndarray
    nose_y: float
    chin_y: float
    shows_teeth: bool
    is_open: bool
    smile: float
    """0 neutral .. 1 broad smile: widened and raised corners."""
    softness_px: float
    """Sigma of the blur that the portrait's sharpest edges have."""
    lip_rgb: np.ndarray
    skin_rgb: np.ndarray


def face_frame(face: Face) -> FaceFrame:
    """The mouth's coordinates: roll is the mean of what eyes and mouth corners say."""
    outer = face.at(landmarks.MOUTH_CORNERS).astype(np.float64) - 0.5
    inner = face.at((landmarks.INNER_LIPS[0], landmarks.INNER_LIPS[10])).astype(np.float64) - 0.5
    corners = 0.6 * inner + 0.4 * outer
    across = corners[1] - corners[0]
    eyes = (face.right_eye - face.left_eye).astype(np.float64)
    direction = across / np.linalg.norm(across) + eyes / np.linalg.norm(eyes)
    ex = direction / np.linalg.norm(direction)
    axes = np.stack([ex, (-ex[1], ex[0])])
    origin = face.at((13, 14)).mean(0).astype(np.float64) - 0.5
    unit_px = float(np.abs((corners - origin) @ ex).sum() / 2)
    left, right = ((corners - origin) @ ex / unit_px).tolist()
    return FaceFrame(origin, axes, unit_px, min(left, -0.35), max(right, 0.35))


def measure_mouth(image: np.ndarray, face: Face) -> MouthAnatomy:
    """Measure the mouth of `face` in `image` [H, W, 3] uint8 RGB."""
    frame = face_frame(face)
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    upper = _contour(face, frame, landmarks.UPPER_LIP_INNER)
    lower = np.maximum(_contour(face, frame, landmarks.LOWER_LIP_INNER), upper)
    upper_outer = np.minimum(_contour(face, frame, landmarks.UPPER_LIP_OUTER), upper - 0.02)
    lower_outer = np.maximum(_contour(face, frame, landmarks.LOWER_LIP_OUTER), lower + 0.02)
    upper, lower = _joined(upper, lower)
    gap = float((lower - upper)[24:41].mean())
    is_open = gap > _OPEN_GAP
    if is_open:
        # The points are on the lips' edges, whose outermost pixels have some of the teeth in them.
        rim = min(_RIM_PX / frame.unit_px, 0.04) * np.clip((lower - upper) / 0.1, 0, 1)
        upper, lower = upper - rim, lower + rim
        seam = upper + _MEETING * (lower - upper)
    else:
        seam = _darkest_path(luma, frame, (upper + lower) / 2)
        upper = lower = seam
    ends = 0.5 * (seam[0] + seam[-1])
    width_to_eyes = 2 * frame.unit_px / max(face.iod_px, 1)
    lift = float(seam[28:37].mean() - ends)
    smile = float(
        np.clip(2.2 * (width_to_eyes - 0.84), 0, 0.6) + np.clip(2.2 * (lift - 0.1), 0, 0.6)
    )
    skin_rgb = _mean_color(image, face.at(_CHEEKS), 0.12 * face.iod_px)
    units = frame.units(face.points[:, :2] - 0.5)
    return MouthAnatomy(
        frame,
        upper,
        lower,
        seam,
        upper_outer,
        lower_outer,
        nose_y=min(float(units[landmarks.NOSE_BASE, 1]), float(upper_outer.min()) - 0.08),
        chin_y=max(float(units[landmarks.CHIN, 1]), float(lower_outer.max()) + 0.25),
        shows_teeth=is_open and _has_teeth(image, frame, upper, lower, skin_rgb),
        is_open=is_open,
        smile=min(smile, 1.0),
        softness_px=_blur_px(image, face),
        lip_rgb=_lip_color(image, frame, upper_outer, upper, lower, lower_outer),
        skin_rgb=skin_rgb,
    )


def _blur_px(image: np.ndarray, face: Face) -> float:
    """What to blur drawn things by: the face's softness, and what its pixels themselves blur."""
    blur_px = float(np.hypot(softness_px(image, face), _PIXEL_BLUR_PX))
    return min(blur_px, 0.012 * face.size_px + 0.6)


def _contour(face: Face, frame: FaceFrame, chain: Sequence[int]) -> np.ndarray:
    """Heights of a lip edge on `U`; its ends are pulled to the mouth's corners."""
    points = frame.units(face.at(chain) - 0.5)
    u = frame.across(points[:, 0])
    order = np.argsort(u)
    u, y = u[order], points[order, 1]
    keep = np.r_[True, np.diff(u) > 1e-3]
    return gaussian_filter1d(PchipInterpolator(u[keep], y[keep])(np.clip(U, u[0], u[-1])), 1.0)


def _joined(upper: np.ndarray, lower: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make both edges meet exactly in the corners."""
    middle = 0.5 * (upper + lower)
    weight = np.clip((1 - np.abs(U)) / 0.1, 0, 1)
    return middle + weight * (upper - middle), middle + weight * (lower - middle)


def _darkest_path(luma: np.ndarray, frame: FaceFrame, guess: np.ndarray) -> np.ndarray:
    """Follow the dark line between closed lips near `guess` (dynamic programming)."""
    offsets = np.linspace(-0.12, 0.12, 25)
    grid = np.stack(np.broadcast_arrays(frame.along(U)[None], guess[None] + offsets[:, None]), -1)
    at = frame.pixels(grid).astype(np.float32)
    soft = cv2.GaussianBlur(luma, (0, 0), max(0.02 * frame.unit_px, 0.6))
    strip = look_up(soft, at)
    cost = (strip - strip.min(0)) / max(float(np.ptp(strip, axis=0).mean()), 4.0)
    cost = cost + 18 * offsets[:, None] ** 2 + 0.6 * np.abs(U)[None] ** 4 * np.abs(offsets)[:, None]
    bend = 0.25 * np.abs(np.arange(25)[:, None] - np.arange(25)[None]) ** 1.5
    total, back = cost[:, 0], []
    for column in range(1, len(U)):
        steps = total[None] + bend
        back.append(steps.argmin(1))
        total = steps.min(1) + cost[:, column]
    path = [int(total.argmin())]
    for choice in reversed(back):
        path.append(int(choice[path[-1]]))
    found = gaussian_filter1d(offsets[path[::-1]], 2.0)
    return guess + found * (1 - np.abs(U) ** 6)


def _has_teeth(
    image: np.ndarray,
    frame: FaceFrame,
    upper: np.ndarray,
    lower: np.ndarray,
    skin_rgb: np.ndarray,
) -> bool:
    """Whether the opening is mostly brighter than the lips, and that part about as light as skin:
    darker ones (a shadow on them, few pixels) make a worse mouth than drawn teeth do."""
    levels = np.linspace(0.15, 0.7, 9)[:, None]
    inside = upper[None] + levels * (lower - upper)[None]
    at = frame.pixels(np.stack(np.broadcast_arrays(frame.along(U)[None], inside), -1))
    luma = (_sample(image, at)[:, 16:49] @ _GRAY).ravel()
    lips = _lip_color(image, frame, upper - 0.12, upper, lower, lower + 0.12)
    bright = luma[luma > 1.08 * float(lips @ _GRAY)]
    return len(bright) > 0.4 * len(luma) and float(np.median(bright) / (skin_rgb @ _GRAY)) > 0.88


def _lip_color(image: np.ndarray, frame: FaceFrame, *edges: np.ndarray) -> np.ndarray:
    """Median RGB of both lips, away from their borders."""
    rows = [0.5 * (edges[0] + edges[1]), 0.5 * (edges[2] + edges[3])]
    at = frame.pixels(np.stack(np.broadcast_arrays(frame.along(U)[None], np.stack(rows)), -1))
    return np.median(_sample(image, at)[:, 12:53].reshape(-1, 3), axis=0)


def _mean_color(image: np.ndarray, points: np.ndarray, reach_px: float) -> np.ndarray:
    spread = np.linspace(-reach_px, reach_px, 5)
    offsets = np.stack(np.meshgrid(spread, spread), -1).reshape(-1, 1, 2)
    return np.median(_sample(image, points[None] + offsets).reshape(-1, 3), axis=0)


def _sample(image: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Colours of `image` at pixel positions [h, w, 2], float64 [h, w, 3]."""
    return look_up(image, np.ascontiguousarray(at, np.float32)).astype(np.float64)
