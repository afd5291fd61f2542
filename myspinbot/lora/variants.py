"""Altered copies of a picture, for a user who has one portrait where a dozen are wanted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import Face
from .framing import Window, head_center, square_window, whole_window

FACE_SCALES = 1.5, 2.8
"""Sides of the squares around a head, in sizes of the face."""
PART = 0.75, 0.95
"""Shown part of a picture without a face, and the least of one that a face fills."""
SHIFT = 0.12
"""How far the middle moves, in sizes of the face or of the part."""
GAMMA, CONTRAST, SATURATION = (0.8, 1.25), (0.88, 1.12), (0.75, 1.25)
TINT = 0.05


@dataclass(frozen=True, eq=False)
class Variant:
    """How one copy differs."""

    window: Window
    mirrored: bool
    gamma: float
    contrast: float
    saturation: float
    tint: np.ndarray
    """float32 [3], factors of red, green and blue."""

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """The copy of `picture` (uint8 [H, W, 3] RGB), in the size of the window."""
        part = self.window.cut(picture)
        light = (part.astype(np.float32) / 255) ** self.gamma * self.tint
        grey = cv2.cvtColor(light, cv2.COLOR_RGB2GRAY)[..., None]
        light = grey + self.saturation * (light - grey)
        light = light.mean() + self.contrast * (light - light.mean())
        altered = (light.clip(0, 1) * 255 + 0.5).astype(np.uint8)
        return self.place(altered)

    def place(self, cut: np.ndarray) -> np.ndarray:
        """What belongs to the window, such as a mask of it, mirrored with the picture."""
        return np.ascontiguousarray(cut[:, ::-1]) if self.mirrored else cut


def draw_variant(
    rng: np.random.Generator,
    height: int,
    width: int,
    resolution_px: int,
    face: Face | None,
    *,
    may_mirror: bool,
) -> Variant:
    """A random variant of a picture of that size: another crop and scale, other light."""
    window = (
        _part(rng, height, width, resolution_px)
        if face is None
        else _around(rng, height, width, resolution_px, face)
    )
    return Variant(
        window,
        mirrored=bool(rng.random() < 0.5) and may_mirror,
        gamma=float(np.exp(rng.uniform(*np.log(GAMMA)))),
        contrast=rng.uniform(*CONTRAST),
        saturation=rng.uniform(*SATURATION),
        tint=rng.uniform(1 - TINT, 1 + TINT, 3).astype(np.float32),
    )


def _around(
    rng: np.random.Generator, height: int, width: int, resolution_px: int, face: Face
) -> Window:
    low, high = (scale * face.size_px for scale in FACE_SCALES)
    room = float(min(height, width))
    high = min(high, room)
    side = rng.uniform(min(low, PART[0] * high), high)
    x, y = head_center(face)
    dx, dy = rng.uniform(-SHIFT, SHIFT, 2) * face.size_px
    return square_window(height, width, resolution_px, (x + dx, y + dy), side)


def _part(rng: np.random.Generator, height: int, width: int, resolution_px: int) -> Window:
    whole = whole_window(height, width, resolution_px, None)
    share = rng.uniform(*PART)
    down, across = (round(share * side) for side in (whole.y1 - whole.y0, whole.x1 - whole.x0))
    y0, x0 = int(rng.integers(height - down + 1)), int(rng.integers(width - across + 1))
    return Window(x0, y0, x0 + across, y0 + down, whole.height_px, whole.width_px)
