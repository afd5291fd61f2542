"""Draws what was found on a portrait, for the eyes of a user. Knows no models."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np

from . import landmarks
from .geometry import Face

LONG_SIDE_PX = 768
_AROUND = 0.6
"""What is shown on each side of the faces, in sizes of the largest."""
_MAX_ENLARGEMENT = 8.0
_BOX, _OTHERS, _POINTS = (255, 214, 64), (170, 170, 170), (255, 255, 255)
_LIPS, _EYES, _IRISES, _OUTLINE = (255, 92, 122), (64, 210, 255), (120, 255, 120), (255, 255, 255)
_AXES = (255, 80, 80), (90, 220, 90), (90, 140, 255)
_AXIS = 0.2
"""Length of the drawn axes, in face sizes: longer ones hide the lips."""
_PAPER, _INK = 24, (235, 235, 235)
_FONT, _LINE_PX = cv2.FONT_HERSHEY_SIMPLEX, 22
_SUBPIXEL_BITS = 4


def draw_overlay(
    image: np.ndarray, faces: Sequence[Face], *, chosen: int = 0, lines: Sequence[str] = ()
) -> np.ndarray:
    """The part of `image` (uint8 [H, W, 3] RGB) with `faces`, drawn over, with `lines` below.

    uint8 [H', W', 3], its picture `LONG_SIDE_PX` on the longer side whatever the size of image
    and faces. The chosen face has its points, lips, eyes, irises, outline and axes (red to its
    side, green down, blue to where it looks); each has a box with its number in `faces`.
    """
    matrix, width, height = _view(image, faces)
    smooth = cv2.INTER_AREA if matrix[0, 0] < 1 else cv2.INTER_CUBIC
    x0, y0, x1, y1 = _source(matrix, width, height)
    canvas = cv2.resize(image[y0:y1, x0:x1], (width, height), interpolation=smooth)
    shown = [face.transformed(matrix) for face in faces]
    for number, face in enumerate(shown):
        if number == chosen:
            canvas = _draw_face(canvas, face)
        _draw_box(canvas, face, str(number), _BOX if number == chosen else _OTHERS)
    return np.concatenate([canvas, *_caption(lines, width)])


def _view(image: np.ndarray, faces: Sequence[Face]) -> tuple[np.ndarray, int, int]:
    """The matrix from `image` to the canvas, and the canvas's width and height."""
    height, width = image.shape[:2]
    low, high = np.zeros(2), np.array([width, height])
    if faces:
        boxes = np.array([face.box for face in faces])
        margin = _AROUND * max(face.size_px for face in faces)
        low = np.clip(np.floor(boxes[:, :2].min(0) - margin), 0, high - 1)
        high = np.clip(np.ceil(boxes[:, 2:].max(0) + margin), low + 1, high)
    scale = min(LONG_SIDE_PX / (high - low).max(), _MAX_ENLARGEMENT)
    out = np.maximum(np.round((high - low) * scale), 1)
    x, y = out / (high - low)
    shift = 0.5 * np.array([x, y]) - 0.5 - low * [x, y]
    return np.array([[x, 0, shift[0]], [0, y, shift[1]]]), int(out[0]), int(out[1])


def _source(matrix: np.ndarray, width: int, height: int) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of what the canvas shows."""
    scale = np.diag(matrix[:, :2])
    low = (-0.5 - matrix[:, 2]) / scale + 0.5
    high = low + np.array([width, height]) / scale
    x0, y0, x1, y1 = np.round([*low, *high]).astype(int).tolist()
    return x0, y0, x1, y1


def _draw_face(canvas: np.ndarray, face: Face) -> np.ndarray:
    """The canvas with the points, lines and axes of `face`, all translucent or thin."""
    drawn = canvas.copy()
    radius = max(face.size_px / 400, 0.6)
    for x, y in face.points[:, :2]:
        _dot(drawn, (x, y), radius, _POINTS)
    _line(drawn, face.at(landmarks.FACE_OVAL), _OUTLINE)
    canvas = cv2.addWeighted(drawn, 0.5, canvas, 0.5, 0)
    for loop in (landmarks.OUTER_LIPS, landmarks.INNER_LIPS):
        _line(canvas, face.at(loop), _LIPS)
    for loop in (landmarks.LEFT_EYE, landmarks.RIGHT_EYE):
        _line(canvas, face.at(loop), _EYES)
    for iris in (landmarks.LEFT_IRIS, landmarks.RIGHT_IRIS):
        center, *rim = face.at(iris)
        size = float(np.linalg.norm(np.array(rim) - center, axis=1).mean())
        _dot(canvas, center, size, _IRISES, thickness=1)
    _draw_axes(canvas, face)
    return canvas


def _draw_axes(canvas: np.ndarray, face: Face) -> None:
    """Where the head's own directions point, from the tip of the nose."""
    across = face.points[landmarks.CHEEKS[1]] - face.points[landmarks.CHEEKS[0]]
    down = face.points[landmarks.CHIN] - face.points[landmarks.FOREHEAD_TOP]
    ahead = np.cross(down, across)
    start = face.points[landmarks.NOSE_TIP, :2]
    for axis, colour in zip((across, down, ahead), _AXES, strict=True):
        unit = axis / max(float(np.linalg.norm(axis)), 1e-6)
        end = start + unit[:2] * face.size_px * _AXIS
        _line(canvas, np.array([start, end]), colour, 2, closed=False)
        _dot(canvas, end, 3.5, colour)


def _draw_box(canvas: np.ndarray, face: Face, label: str, colour: tuple[int, int, int]) -> None:
    x0, y0, x1, y1 = face.box
    _line(canvas, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), colour)
    place = round(min(max(x0, 0), canvas.shape[1] - 20)) + 4, round(max(y0, 0)) + 20
    for width, ink in ((4, (0, 0, 0)), (1, colour)):
        cv2.putText(canvas, label, place, _FONT, 0.6, ink, width, cv2.LINE_AA)


def _caption(lines: Sequence[str], width: int) -> list[np.ndarray]:
    """One strip of paper with `lines` on it, broken to fit; none without lines."""
    text = " ".join(lines)
    drawn_px = cv2.getTextSize(text, _FONT, 0.5, 1)[0][0]
    letters = max(int((width - 28) * 0.95 * len(text) / max(drawn_px, 1)), 8)
    rows = [row for line in lines for row in textwrap.wrap(line, letters, subsequent_indent="  ")]
    if not rows:
        return []
    paper = np.full((len(rows) * _LINE_PX + 16, width, 3), _PAPER, np.uint8)
    for at, row in enumerate(rows):
        place = 12, 8 + round((at + 0.72) * _LINE_PX)
        cv2.putText(paper, row, place, _FONT, 0.5, _INK, 1, cv2.LINE_AA)
    return [paper]


def _line(canvas, points, colour, thickness: int = 1, *, closed: bool = True) -> None:
    corners = np.round(np.asarray(points, np.float64) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.polylines(canvas, [corners], closed, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def _dot(canvas, center, radius_px: float, colour, *, thickness: int = -1) -> None:
    x, y, radius = (round(float(v) * (1 << _SUBPIXEL_BITS)) for v in (*center, radius_px))
    cv2.circle(canvas, (x, y), radius, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
