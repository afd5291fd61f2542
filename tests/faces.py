"""Faces made by arithmetic that the face tests share, and the reader of their photographs."""

import math
from pathlib import Path

import cv2
import numpy as np

from myspinbot.face import Face, landmarks
from myspinbot.face.crop import line_angle, square_matrix, warp
from myspinbot.face.finder import CROP_SCALE, MESH_PX

EYES = np.array([[105.0, 122], [151, 122]])
MOUTH = np.array([128.0, 174])
"""Where `drawn_face` has them."""


def ellipse(indices, center, radii):
    """Points of a loop that starts at its left end and runs clockwise for the viewer."""
    angles = math.pi + np.arange(len(indices)) * 2 * math.pi / len(indices)
    return np.stack(
        [center[0] + radii[0] * np.cos(angles), center[1] + radii[1] * np.sin(angles)], 1
    )


def plain_face(gap_px=4.0):
    """A frontal face of 200 px with its eyes 80 px apart, the mouth open by `gap_px`."""
    points = np.zeros((landmarks.POINT_COUNT, 3), np.float32)
    points[:, :2] = 200, 200
    for loop, center, radii in (
        (landmarks.LEFT_EYE, (160, 180), (16, 6)),
        (landmarks.RIGHT_EYE, (240, 180), (16, 6)),
        (landmarks.OUTER_LIPS, (200, 250), (30, 14)),
    ):
        points[list(loop), :2] = ellipse(loop, center, radii)
    oval = ellipse(landmarks.FACE_OVAL, (200, 200), (80, 100))
    points[list(landmarks.FACE_OVAL), :2] = np.roll(oval, -9, axis=0)  # it starts at the top
    for chain, side in ((landmarks.UPPER_LIP_INNER, -1), (landmarks.LOWER_LIP_INNER, 1)):
        points[list(chain), 0] = np.linspace(175, 225, len(chain))
        points[list(chain), 1] = 250
        points[list(chain[1:-1]), 1] += side * gap_px / 2
    return Face.from_points(points, 1.0)


def in_its_crop(face: Face) -> np.ndarray:
    """What a mesh model answers when it gets the crop around `face`: float32 [478, 3]."""
    left, right = face.at((landmarks.LEFT_EYE_CORNERS[0], landmarks.RIGHT_EYE_CORNERS[1]))
    side, roll = CROP_SCALE * face.size_px, line_angle(left, right)
    return face.transformed(square_matrix(face.center, side, roll, MESH_PX)).points


def drawn_face() -> np.ndarray:
    """A frontal face, uint8 [256, 256, 3], with its eyes at EYES and its mouth at MOUTH."""
    image = np.full((256, 256, 3), (90, 120, 150), np.uint8)

    def oval(center, radii, colour, start=0, stop=360, width=-1):
        center, radii = ([round(value * 8) for value in pair] for pair in (center, radii))
        cv2.ellipse(image, center, radii, 0, start, stop, colour, width, cv2.LINE_AA, 3)

    oval((128, 118), (66, 84), (60, 40, 25))  # hair
    oval((128, 134), (56, 74), (224, 178, 150))
    oval((128, 95), (50, 26), (224, 178, 150))
    for x, y in EYES:
        oval((x, y), (11, 5.5), (250, 250, 250))
        oval((x, y), (5, 5), (70, 50, 40))
        oval((x, y), (11, 6), (60, 40, 30), 180, 360, 2)
        oval((x, y - 14), (15, 6), (70, 45, 30), 200, 340, 4)
    for x in (71, 185):
        oval((x, 134), (6, 14), (214, 165, 138))
    oval((128, 150), (9, 5), (195, 140, 115))  # nose
    oval((128, 138), (4, 14), (232, 190, 165))
    oval((128, 175), (20, 5), (185, 80, 80))
    oval(MOUTH, (18, 1.2), (110, 40, 45))
    return cv2.GaussianBlur(image, (0, 0), 1.0)


def placed(matrix, width_px, height_px):
    """The drawn face under `matrix` on a grey background."""
    image = warp(drawn_face(), matrix, width_px, height_px)
    inside = warp(np.full((256, 256), 255, np.uint8), matrix, width_px, height_px)
    return np.where(inside[..., None] > 127, image, np.uint8(128))


def read_rgb(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    assert image is not None, f"{path} is not there: python install.py --samples {path.parent}"
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
