"""Finds and tracks faces in images: the detector's squares, then 478 points in each.

Source of the steps and constants: MediaPipe's face mesh graphs (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..errors import BadInputError
from . import detector, landmarks
from .convert import DETECTOR_FILE, MESH_FILE
from .crop import apply, inverted, line_angle, square_matrix, warp
from .detector import HALVES, QUARTERS, WHOLE, Detection, cover, overlap
from .geometry import Face
from .graph import GraphNet
from .mesh import AttentionMesh

MESH_PX = 192
MIN_PRESENCE = 0.5
NEW_PRESENCE = 0.995
"""What a face that was not tracked must reach: real and drawn ones had over .996, a lamp .991."""
CROP_SCALE = 1.5
"""Side of the mesh model's crop, in longer sides of the face's box."""
MIN_PASSES, MAX_PASSES = 3, 8
"""Times the mesh runs on a new face, each time on the square around the last result: the
detector's is rough, and a face that turns away needs several to be understood."""
SETTLED = 0.006
"""Mean way of the points from one pass to the next, in face sizes, that ends them."""
MIN_CROP_PX = 8
SAME_OVERLAP = 0.3
SAME_COVER = 0.6
"""What lies in another face by that much is its nose or mouth, seen once more in a tile."""
MAX_SIZE_CHANGE = 1.6
"""A face that grows or shrinks more between two frames was lost."""
_SHAKES = (
    (1.12, 0.0, 0.0, 0.0), (0.9, 0.0, 0.0, 0.0), (1.0, 0.17, 0.0, 0.0), (1.0, -0.17, 0.0, 0.0),
    (1.0, 0.0, 0.06, 0.0), (1.0, 0.0, -0.06, 0.0), (1.0, 0.0, 0.0, 0.06), (1.0, 0.0, 0.0, -0.06),
)  # fmt: skip
"""Scale, turn and shift (in sides) of the crops that tell a seen mouth from a guessed one."""
_LIPS = list(landmarks.OUTER_LIPS + landmarks.INNER_LIPS)
_STEADY = list(landmarks.LEFT_EYE + landmarks.RIGHT_EYE + landmarks.NOSE_RIDGE)


class FaceFinder:
    """The two models and what to do with their numbers. Runs where its modules are.

    `detector_net` has the form that `detector.detect` wants, `mesh_net` the one `mesh` describes.
    `new_presence` is how sure the mesh model must be (0..1) of a face that was not tracked.
    """

    def __init__(
        self, detector_net: nn.Module, mesh_net: nn.Module, *, new_presence: float = NEW_PRESENCE
    ) -> None:
        self._detector = detector_net
        self._mesh = mesh_net
        self._new_presence = new_presence

    @classmethod
    def load(cls, folder: Path) -> FaceFinder:
        """Read both files below `folder`; raises MissingModelError."""
        detector_net = GraphNet.load(folder / DETECTOR_FILE)
        return cls(detector_net, AttentionMesh(GraphNet.load(folder / MESH_FILE)))

    def modules(self) -> list[nn.Module]:
        """What a memory manager may move between devices, all to the same one."""
        return [self._detector, self._mesh]

    def find(self, image: np.ndarray, *, max_faces: int = 1, small: bool = True) -> list[Face]:
        """Faces in `image` (uint8 [H, W, 3] RGB), most prominent first; empty when there is none.

        With `small` it looks in ever smaller tiles until it has `max_faces`: down to faces of
        about 6 % of the image, at up to some 60 runs of the detector (0.2 s of CPU).
        Raises BadInputError when `image` is not such an array.
        """
        _check(image)
        faces: list[Face] = []
        levels = (WHOLE, HALVES, QUARTERS) if small else (WHOLE, HALVES)
        with torch.inference_mode():
            for level in levels:
                for detection in detector.detect(self._detector, image, level):
                    self._add(faces, image, detection)
                if len(faces) >= max_faces:
                    break
        faces.sort(key=lambda face: -face.size_px * face.score)
        return faces[:max_faces]

    def require_face(self, image: np.ndarray) -> Face:
        """The most prominent face in `image`; raises BadInputError, with advice, without one."""
        return chosen_face(image, self.find(image), 0)

    def track(self, image: np.ndarray, previous: Face | None) -> Face | None:
        """The face of `previous` in the next frame `image` (uint8 [H, W, 3] RGB).

        Searches large and middle-sized faces anew when `previous` is None or lost; None when
        there is nothing. The first face of a video is better found with `find`.
        """
        _check(image)
        with torch.inference_mode():
            face = None if previous is None else self._mesh_at(image, *_around(previous))
        if face is not None and previous is not None and _continues(face, previous):
            return face
        return next(iter(self.find(image, small=False)), None)

    def lip_doubt(self, image: np.ndarray, face: Face) -> float:
        """How far the lips of `face` in `image` are a guess: seen ones 0.4-1.45, covered 1.5-6.

        A point that the model sees stays on its place in the picture when the crop is moved,
        scaled or turned a little; one that it guesses goes with the crop. This is how much the
        lips wander over 8 such crops, relative to the eyes and the nose. Costs some 35 ms of CPU;
        it means little beyond 25 degrees of yaw.
        """
        _check(image)
        (x, y), side, roll = _around(face)
        crops = [
            square_matrix((x + dx * side, y + dy * side), side * scale, roll + turn, MESH_PX)
            for scale, turn, dx, dy in _SHAKES
        ]
        with torch.inference_mode():
            points, _ = self._points_in(image, [square_matrix((x, y), side, roll, MESH_PX), *crops])
        moves = np.linalg.norm(points[1:, :, :2] - points[0, :, :2], axis=2).mean(0)
        return float(moves[_LIPS].mean() / max(moves[_STEADY].mean(), 1e-6))

    def _add(self, faces: list[Face], image: np.ndarray, detection: Detection) -> None:
        """Append the face at `detection` unless it is none, or one of `faces`."""
        if any(_same(detection.box, face.box) for face in faces):
            return
        face = self._settled(
            image,
            self._mesh_at(
                image, detection.center, detection.side_px * CROP_SCALE, detection.roll_rad
            ),
        )
        if face is None or face.score < self._new_presence:
            return
        if not any(same_face(face, other) for other in faces):
            faces.append(face)

    def _settled(self, image: np.ndarray, face: Face | None) -> Face | None:
        """Look at `face` again and again until its points stay; None when it is lost."""
        for done in range(2, MAX_PASSES + 1):
            before, face = face, face and self._mesh_at(image, *_around(face))
            if before is None or face is None:
                return None
            way = np.linalg.norm(face.points[:, :2] - before.points[:, :2], axis=1).mean()
            if done >= MIN_PASSES and way < SETTLED * face.size_px:
                break
        return face

    def _mesh_at(
        self, image: np.ndarray, center: tuple[float, float], side_px: float, roll_rad: float
    ) -> Face | None:
        """The face in one turned square of `image`; None when the mesh model sees none."""
        if side_px < MIN_CROP_PX:
            return None
        points, scores = self._points_in(image, [square_matrix(center, side_px, roll_rad, MESH_PX)])
        score = float(scores[0])
        return None if score < MIN_PRESENCE else Face.from_points(points[0], score)

    def _points_in(
        self, image: np.ndarray, matrices: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the mesh model sees where `matrices` lead: points [B, 478, 3] of `image`, 0..1."""
        crops = np.stack([warp(image, m, MESH_PX, MESH_PX, replicate=True) for m in matrices])
        device = next(self._mesh.parameters()).device
        pixels = torch.from_numpy(crops).to(device).permute(0, 3, 1, 2)
        placed, logits = self._mesh(pixels.float() / 255)
        points = placed.float().cpu().numpy().astype(np.float64)
        for one, matrix in zip(points, matrices, strict=True):
            back = inverted(matrix)
            one[:, :2] = apply(back, one[:, :2])
            one[:, 2] *= hypot(back[0, 0], back[1, 0])
        return points, torch.sigmoid(logits.float()).cpu().numpy()


def chosen_face(image: np.ndarray, faces: Sequence[Face], index: int) -> Face:
    """`faces[index]`; raises BadInputError that says what is in `image` when there is no such."""
    height, width = image.shape[:2]
    if not faces:
        raise BadInputError(
            f"No face was found in the {width} x {height} picture. Use a portrait in which one "
            "face is upright, seen from the front, well lit, and takes up at least a tenth of "
            "the picture."
        )
    if index >= len(faces):
        found = "Only 1 face was" if len(faces) == 1 else f"Only {len(faces)} faces were"
        raise BadInputError(
            f"{found} found in the {width} x {height} picture, so there is no face {index}: they "
            f"count from 0, the most prominent, to {len(faces) - 1}."
        )
    return faces[index]


def _around(face: Face) -> tuple[tuple[float, float], float, float]:
    """Center, side and roll of the crop that shows `face` to the mesh model."""
    left, right = face.at((landmarks.LEFT_EYE_CORNERS[0], landmarks.RIGHT_EYE_CORNERS[1]))
    return face.center, CROP_SCALE * face.size_px, line_angle(left, right)


def same_face(found: Face, known: Face) -> bool:
    """Whether two faces found in one picture, or in two that follow each other, are one."""
    return _same(found.box, known.box)


def _same(found: Sequence[float], known: Sequence[float]) -> bool:
    """Whether a box found shows the face in the box `known`, or a part of it."""
    return overlap(found, known) > SAME_OVERLAP or cover(found, known) > SAME_COVER


def _continues(face: Face, previous: Face) -> bool:
    """Whether `face` may be `previous` one frame later."""
    change = face.size_px / max(previous.size_px, 1e-6)
    return 1 / MAX_SIZE_CHANGE < change < MAX_SIZE_CHANGE


def _check(image: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise BadInputError(
            f"A face is looked for in uint8 [H, W, 3] RGB, not {image.dtype} {list(image.shape)}."
        )
