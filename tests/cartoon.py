"""A drawn face whose 478 points are known, and its poses: what the portrait tests share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from myspinbot.face import landmarks
from myspinbot.face.geometry import Face
from myspinbot.lipsync.actuate import Limits, amounts_of
from myspinbot.lipsync.head import POSES
from myspinbot.lipsync.mouth import MouthTrack
from myspinbot.lipsync.puppet import Pose, Puppet
from myspinbot.lipsync.visemes import TONGUE, VISEMES

SKIN, LIP = (205, 160, 135), (170, 85, 85)


def arc(count: int, x0: float, x1: float, ends_y: float, middle_y: float) -> np.ndarray:
    """A parabola through two ends and a middle height."""
    t = np.linspace(-1, 1, count)
    x = (x0 + x1) / 2 + t * (x1 - x0) / 2
    return np.stack([x, middle_y + (ends_y - middle_y) * t * t], 1)


def cartoon_points(gap: float = 0.0) -> np.ndarray:
    """478 points of a face in a box of 200 x 260 around (0, 0); lips `gap` apart in the middle."""
    k = np.arange(478)
    radius, angle = np.sqrt((k + 0.5) / 478), k * 2.39996
    xy = np.stack([95 * radius * np.cos(angle), 125 * radius * np.sin(angle)], 1)

    def put(indices, values):
        xy[list(indices)] = values

    turn = np.linspace(0, 2 * np.pi, 37)[:-1] - np.pi / 2
    put(landmarks.FACE_OVAL, np.stack([100 * np.cos(turn), 130 * np.sin(turn)], 1))
    put(landmarks.UPPER_LIP_OUTER, arc(11, -34, 34, 62, 50))
    put(landmarks.LOWER_LIP_OUTER, arc(11, -34, 34, 62, 76 + gap))
    put(landmarks.UPPER_LIP_INNER, arc(11, -30, 30, 62, 62))
    put(landmarks.LOWER_LIP_INNER, arc(11, -30, 30, 62, 62 + gap))
    for side, upper, lower, iris, low, high in (
        (
            -1,
            landmarks.LEFT_UPPER_LID,
            landmarks.LEFT_LOWER_LID,
            landmarks.LEFT_IRIS,
            landmarks.LEFT_BROW_LOWER,
            landmarks.LEFT_BROW_UPPER,
        ),
        (
            1,
            landmarks.RIGHT_UPPER_LID,
            landmarks.RIGHT_LOWER_LID,
            landmarks.RIGHT_IRIS,
            landmarks.RIGHT_BROW_LOWER,
            landmarks.RIGHT_BROW_UPPER,
        ),
    ):
        put(upper, arc(9, side * 40 - 18, side * 40 + 18, -30, -41))
        put(lower, arc(9, side * 40 - 18, side * 40 + 18, -30, -22))
        ring = [(0, 0), (8, 0), (0, -8), (-8, 0), (0, 8)]
        put(iris, np.add((side * 40, -31), ring))
        put(low, arc(5, side * 40 - 22, side * 40 + 22, -56, -60))
        put(high, arc(5, side * 40 - 22, side * 40 + 22, -62, -66))
    put((2, 1, 152), [(0, 26), (0, 12), (0, 130)])
    z = -90 * np.sqrt(np.clip(1 - (xy[:, 0] / 105) ** 2 - (xy[:, 1] / 140) ** 2, 0, 1)) + 45
    return np.concatenate([xy, z[:, None]], 1).astype(np.float32)


def cartoon(
    width=320, height=400, center=(160, 190), scale=1.0, gap=0.0, gray=False
) -> tuple[np.ndarray, Face]:
    """A drawn face on a striped background, and its points."""
    points = cartoon_points(gap) * scale + np.array([*center, 0], np.float32)
    image = np.full((height, width, 3), 90, np.uint8)
    image[:, ::8] = image[:, 1::8] = 140

    def fill(shape, color):
        at = np.rint((shape - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(image, [at], color, cv2.LINE_AA, 4)

    def loop(indices):
        return points[list(indices), :2]

    fill(loop(landmarks.FACE_OVAL), SKIN)
    fill(loop(landmarks.OUTER_LIPS), LIP)
    fill(loop(landmarks.INNER_LIPS), (235, 232, 225) if gap else (90, 35, 35))
    for eye, iris, brow in (
        (landmarks.LEFT_EYE, landmarks.LEFT_IRIS, landmarks.LEFT_BROW_UPPER),
        (landmarks.RIGHT_EYE, landmarks.RIGHT_IRIS, landmarks.RIGHT_BROW_UPPER),
    ):
        fill(loop(eye), (240, 240, 240))
        fill(loop(iris[1:]), (60, 40, 30))
        cv2.polylines(
            image,
            [np.rint(loop(brow)).astype(np.int32)],
            False,
            (70, 45, 30),
            max(int(4 * scale), 1),
            cv2.LINE_AA,
        )
    if gray:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    return cv2.GaussianBlur(image, (0, 0), 0.7), Face.from_points(points, 1.0)


def posed(puppet: Puppet, viseme: str, **changes: Any) -> Pose:
    v = VISEMES[viseme]
    track = MouthTrack(
        *(np.array([x], np.float32) for x in (v.pose, not v.bilabial, v.labiodental))
    )
    moves = amounts_of(track, Limits.of(puppet.mouth, 1.0))[0]
    head, brows = np.zeros(len(POSES), np.float32), np.zeros(2, np.float32)
    return replace(Pose(moves, head, brows, tongue=v.pose[TONGUE]), **changes)
