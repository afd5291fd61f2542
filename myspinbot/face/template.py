"""The square in which nets that restore faces want to see one: FFHQ's alignment.

Source: Karras, Laine and Aila, "A Style-Based Generator Architecture for GANs" (2019), whose data
set aligns faces by five points; the places of these in 512 px are those that GFPGAN, RestoreFormer
and CodeFormer were trained with.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .geometry import Face
from .landmarks import MOUTH_CORNERS, NOSE_TIP

SIZE_PX: Final = 512
FIVE_POINTS: Final = np.array(
    [
        [192.98138, 239.94708],
        [318.90277, 240.1936],
        [256.63416, 314.01935],
        [201.26117, 371.41043],
        [313.08905, 371.15118],
    ]
)
"""The viewer's left and right eye, tip of the nose, left and right corner of the mouth; pixels."""


def five_points(face: Face) -> np.ndarray:
    """The same points of `face`, float64 [5, 2]."""
    below = face.at((NOSE_TIP, *MOUTH_CORNERS))
    return np.concatenate([face.left_eye[None], face.right_eye[None], below]).astype(np.float64)


def restoration_matrix(face: Face) -> np.ndarray:
    """From the image of `face` to the square, float64 [2, 3]: turned, scaled and moved only.

    The least-squares similarity between two sets of points, after Umeyama ("Least-squares
    estimation of transformation parameters between two point patterns", 1991), in the plane.
    """
    here, there = five_points(face), FIVE_POINTS
    a, b = here - here.mean(0), there - there.mean(0)
    # as complex numbers, one factor is scale and turn
    z, w = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    factor = complex((w * z.conj()).sum() / max((z * z.conj()).sum().real, 1e-9))
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.concatenate([linear, (there.mean(0) - linear @ here.mean(0))[:, None]], axis=1)
