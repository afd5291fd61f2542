"""Finds and tracks faces in images: the detector's squares, then 478 points in each.

Source of the steps and constants: MediaPipe's face mesh graphs (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..errors import BadInputError
from . import detector, landmarks
from .convert import DETECTOR_FILE, MESH_FILE
from .crop import apply, inverted, line_angle, square_matrix, warp
from .detector import HALVES, QUARTERS, WHOLE, Detection, overlap
from .geometry import Face
from .graph import GraphNet

MESH_PX = 192
MIN_PRESENCE = 0.5
NEW_PRESENCE = 0.995
"""What a face that was not tracked must reach: real and drawn ones had over .996, a lamp .991."""
CROP_SCALE = 1.5
"""Side of the mesh model's crop, in longer sides of the face's box."""
PASSES = 3
"""Times the mesh runs on a new face: the detector's square is rough, the second crop is not."""
MIN_CROP_PX = 8
SAME_OVERLAP = 0.3
MAX_SIZE_CHANGE = 1.6
"""A face that grows or shrinks more between two frames was lost."""


class FaceFinder:
    """The two models and what to do with their numbers. Runs where its modules are."""

    def __init__(self, detector_net: GraphNet, mesh_net: GraphNet) -> None:
        self._detector = detector_net
        self._mesh = mesh_net
        # lips, left eye, right eye
        self._regions = [region.tolist() for region in mesh_net.regions()]

    @classmethod
    def load(cls, folder: Path) -> FaceFinder:
        """Read both files below `folder`; raises MissingModelError."""
        return cls(GraphNet.load(folder / DETECTOR_FILE), GraphNet.load(folder / MESH_FILE))

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
        faces = self.find(image)
        if not faces:
            height, width = image.shape[:2]
            raise BadInputError(
                f"No face was found in the {width} x {height} picture. Use a portrait in which one "
                "face is upright, seen from the front, well lit, and takes up at least a tenth of "
                "the picture."
            )
        return faces[0]

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

    def _add(self, faces: list[Face], image: np.ndarray, detection: Detection) -> None:
        """Append the face at `detection` unless it is none, or one of `faces`."""
        if any(overlap(detection.box, face.box) > SAME_OVERLAP for face in faces):
            return
        face = self._mesh_at(
            image, detection.center, detection.side_px * CROP_SCALE, detection.roll_rad
        )
        for _ in range(PASSES - 1):
            face = face and self._mesh_at(image, *_around(face))
        if face is None or face.score < NEW_PRESENCE:
            return
        if not any(overlap(face.box, other.box) > SAME_OVERLAP for other in faces):
            faces.append(face)

    def _mesh_at(
        self, image: np.ndarray, center: tuple[float, float], side_px: float, roll_rad: float
    ) -> Face | None:
        """The face in one turned square of `image`; None when the mesh model sees none."""
        if side_px < MIN_CROP_PX:
            return None
        matrix = square_matrix(center, side_px, roll_rad, MESH_PX)
        crop = warp(image, matrix, MESH_PX, MESH_PX, replicate=True)
        parameter = next(self._mesh.parameters())
        pixels = torch.from_numpy(crop).to(parameter.device).permute(2, 0, 1)[None]
        outputs = self._mesh(pixels.float() / 255)
        presence = float(torch.sigmoid(outputs[-1]))
        if presence < MIN_PRESENCE:
            return None
        placed = self._assembled([output.cpu().numpy().ravel() for output in outputs[:-1]])
        placed[:, :2] = apply(inverted(matrix), placed[:, :2])
        placed[:, 2] *= side_px / MESH_PX
        return Face.from_points(placed, presence)

    def _assembled(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """Join the mesh with the finer lips, eyes and irises; float64 [478, 3], crop pixels."""
        mesh, lips, *eyes_irises = outputs
        points = np.zeros((landmarks.POINT_COUNT, 3))
        points[:468] = mesh.reshape(468, 3)
        for region, finer in zip(self._regions, (lips, *eyes_irises[:2]), strict=True):
            points[region, :2] = finer.reshape(-1, 2)
        lids = landmarks.LEFT_EYE, landmarks.RIGHT_EYE
        irises = landmarks.LEFT_IRIS, landmarks.RIGHT_IRIS
        for lid, iris, finer in zip(lids, irises, eyes_irises[2:], strict=True):
            points[list(iris), :2] = finer.reshape(5, 2)
            points[list(iris), 2] = points[list(lid), 2].mean()
        return points


def _around(face: Face) -> tuple[tuple[float, float], float, float]:
    """Center, side and roll of the crop that shows `face` to the mesh model."""
    left, right = face.at((landmarks.LEFT_EYE_CORNERS[0], landmarks.RIGHT_EYE_CORNERS[1]))
    return face.center, CROP_SCALE * face.size_px, line_angle(left, right)


def _continues(face: Face, previous: Face) -> bool:
    """Whether `face` may be `previous` one frame later."""
    change = face.size_px / max(previous.size_px, 1e-6)
    return 1 / MAX_SIZE_CHANGE < change < MAX_SIZE_CHANGE


def _check(image: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise BadInputError(
            f"A face is looked for in uint8 [H, W, 3] RGB, not {image.dtype} {list(image.shape)}."
        )
