"""A portrait that can be posed: mouth, head, brows, lids and gaze drawn into one frame at a time.

It knows one image and its face; what to do when is in `actuate` and `motion`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from ..face.geometry import Face
from .anatomy import MouthAnatomy, U, measure_mouth
from .eyes import Eye, eyes_of
from .fields import MOVES, mouth_fields
from .head import HEAD_LIMITS, brow_fields, head_fields
from .interior import Interior
from .sampling import coverage, downwards, look_up
from .warp import Enlarger, Fields, Lattice, head_inverse, held, inverse

_HOLD: Final = 0.5
"""So close to the border of the picture the skin holds on to it, half mouth widths."""
_BEYOND: Final = np.linspace(1.0, 2.3, 8)
"""How far the line between the two layers runs on into the cheeks, in corner distances."""


@dataclass(frozen=True)
class Pose:
    """Everything that changes from frame to frame."""

    moves: np.ndarray
    """float32 [len(MOVES)]: see `fields`."""
    head: np.ndarray
    """float32 [len(POSES)]: see `head`."""
    brows: np.ndarray
    """float32 [2]: upwards, half mouth widths."""
    blink: float = 0.0
    """0 open .. 1 closed."""
    gaze: tuple[float, float] = (0.0, 0.0)
    """Right and down, iris radii."""
    tongue: float = 0.0
    """0 down .. 1 at the upper teeth."""


class Puppet:
    """Draws frames of `image`; not for use by two threads at once (buffers are reused)."""

    def __init__(self, image: np.ndarray, face: Face):
        """`image` uint8 [H, W, 3] RGB is kept, never written to."""
        self._image = image
        self._size = (image.shape[1], image.shape[0])
        self.mouth: MouthAnatomy = measure_mouth(image, face)
        frame = self.mouth.frame
        self._interior = Interior(image, self.mouth)
        self._eyes = eyes_of(image, face, frame.axes[1])
        self._face_lattice = self._lattice(self._face_box(face), frame.unit_px / 7.5)
        self._face_nodes = nodes = self._face_lattice.nodes()
        units = frame.units(nodes)
        upper, lower = mouth_fields(self.mouth, units)
        brows = brow_fields(face, frame, units)
        self._upper = self._fields(np.concatenate([upper, brows]))
        self._lower = self._fields(np.concatenate([lower, np.zeros_like(brows)]))
        self._face_head = Fields(self._face_lattice, head_fields(face, frame, nodes, self._size))
        self._head_lattice = self._lattice(self._head_box(face), frame.unit_px / 5)
        self._head_nodes = self._head_lattice.nodes()
        self._head = Fields(
            self._head_lattice, head_fields(face, frame, self._head_nodes, self._size)
        )
        self._face_rect = self._inside(self._face_lattice)
        self._head_rect = self._both(self._head.reach(HEAD_LIMITS), self._face_rect)
        self._enlarge_head = Enlarger(self._head_lattice, self._head_rect, smooth=False)
        self._enlarge_layers = [Enlarger(self._face_lattice, self._face_rect) for _ in range(2)]
        self._seams()

    def draw(self, pose: Pose) -> np.ndarray:
        """One frame, a new uint8 array of the image's size."""
        moves = np.concatenate([pose.moves, pose.brows])
        turned = bool(np.any(np.abs(pose.head) > 1e-5))
        head = self._face_head.mixed(pose.head)
        rect = self._head_rect if turned else self._face_rect
        sources = self._sources(moves, pose.head if turned else None, head, rect)
        frame = self._image.copy()
        x0, y0, x1, y1 = rect
        look_up(self._image, sources, cubic=True, into=frame[y0:y1, x0:x1])
        if pose.blink > 1e-3 or any(abs(g) > 1e-3 for g in pose.gaze):
            for eye in self._eyes:
                self._draw_eye(frame, eye, pose, head, sources, rect)
        self._draw_interior(frame, pose, head)
        return frame

    def _sources(
        self,
        moves: np.ndarray,
        head_pose: np.ndarray | None,
        head: np.ndarray,
        rect: tuple[int, int, int, int],
    ) -> np.ndarray:
        """Which pixel of the portrait each pixel of `rect` shows, float32 [h, w, 2]."""
        x0, y0, x1, y1 = self._face_rect
        nodes, still, inner = self._face_nodes, self._face_nodes, None
        sources = None
        if head_pose is not None:
            still = head_inverse(self._face_lattice, head, nodes)
            far = self._head.mixed(head_pose)
            sources = self._enlarge_head(head_inverse(self._head_lattice, far, self._head_nodes))
            inner = sources[y0 - rect[1] : y1 - rect[1], x0 - rect[0] : x1 - rect[0]]
        above, below = (
            inverse(self._face_lattice, fields.mixed(moves), still)
            for fields in (self._upper, self._lower)
        )
        merged = self._enlarge_layers[0](above, into=inner)
        mask = self._lower_side(moves, head, (x1 - x0, y1 - y0))
        cv2.copyTo(self._enlarge_layers[1](below), mask, merged)
        return merged if sources is None else sources

    def _lower_side(self, moves: np.ndarray, head: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """uint8 [h, w] over the face's rectangle: 255 where the lower layer shows."""
        upper, lower = self._lip_edges(moves)
        left, right = (self._moved(side, fields, moves) for side, fields in self._beyond)
        line = np.concatenate([left[::-1], 0.5 * (upper + lower), right])
        line = self._turned(line, head) - self._face_rect[:2]
        mask = np.zeros((size[1], size[0]), np.uint8)
        polygon = np.rint(downwards(line, size) * 16).astype(np.int32)
        return cv2.fillPoly(mask, [polygon], 255, cv2.LINE_8, 4)

    def _lip_edges(self, moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The lips' facing edges [65, 2] in pixels of the unturned face; they never cross."""
        upper, lower = (self._moved(points, fields, moves) for points, fields in self._edges)
        down = self.mouth.frame.axes[1]
        crossing = np.maximum((upper - lower) @ down, 0)[:, None] * 0.5 * down
        return upper - crossing, lower + crossing

    def _draw_interior(self, frame: np.ndarray, pose: Pose, head: np.ndarray) -> None:
        moves = np.concatenate([pose.moves, pose.brows])
        upper, lower = self._lip_edges(moves)
        down = self.mouth.frame.axes[1]
        if self.mouth.is_open:
            self._soften(frame, self._turned(0.5 * (upper + lower), head))
        gap = (lower - upper) @ down
        if gap.max() < 0.35 and not self.mouth.is_open:
            return
        # Cover the rim of the source's own opening, which belongs to neither lip.
        rim = 0.7 + 0.3 * self.mouth.softness_px if self.mouth.is_open else 0.25
        grow = rim * np.clip(gap / 1.5, 0.4 if self.mouth.is_open else 0, 1)
        grow = (grow * (1 - U**8))[:, None] * down
        skull = self._placed((0, 0), head)
        jaw = self._placed((0, float(moves[MOVES.index("jaw")])), head)
        self._interior.draw(
            frame,
            self._turned(upper - grow, head),
            self._turned(lower + grow, head),
            skull,
            jaw,
            pose.tongue,
        )

    def _soften(self, frame: np.ndarray, line: np.ndarray) -> None:
        """Take the steps out of the line [65, 2] at which the two layers meet: lips that were apart
        in the portrait have different pixels there."""
        beside = self.mouth.frame.axes[1]
        band = np.concatenate([line - beside, (line + beside)[::-1]])
        x0, y0 = np.maximum(np.floor(line.min(0)).astype(int) - 4, 0)
        part = frame[y0 : int(line[:, 1].max()) + 5, x0 : int(line[:, 0].max()) + 5]
        if min(part.shape[:2]) < 2:
            return
        share = coverage(band - (x0, y0), (part.shape[1], part.shape[0]), 0.5)[..., None]
        soft = cv2.GaussianBlur(part, (0, 0), 0.8).astype(np.float32)
        part[:] = (part + share * (soft - part) + 0.5).astype(np.uint8)

    def _placed(self, shift: tuple[float, float], head: np.ndarray) -> np.ndarray:
        """Matrix [2, 3] from face units to pixels at the mouth, after a shift and the head."""
        base = np.array([(0, 0), (0.5, 0), (0, 0.5)], np.float64)
        at = self._turned(self.mouth.frame.pixels(base + shift), head)
        columns = np.stack([(at[1] - at[0]) / 0.5, (at[2] - at[0]) / 0.5, at[0]], 1)
        return columns.astype(np.float64)

    def _draw_eye(
        self,
        frame: np.ndarray,
        eye: Eye,
        pose: Pose,
        head: np.ndarray,
        sources: np.ndarray,
        rect: tuple[int, int, int, int],
    ) -> None:
        x0, y0, x1, y1 = eye.rect
        if x0 < rect[0] or y0 < rect[1] or x1 > rect[2] or y1 > rect[3]:
            return
        eye.draw(
            frame[y0:y1, x0:x1],
            sources[y0 - rect[1] : y1 - rect[1], x0 - rect[0] : x1 - rect[0]],
            lambda points: self._turned(points, head),
            pose.blink,
            pose.gaze,
            self.mouth.softness_px,
        )

    def _turned(self, pixels: np.ndarray, head: np.ndarray) -> np.ndarray:
        """Points [N, 2] of the unturned face after the head has moved."""
        return pixels + self._face_lattice.sample(head, pixels.astype(np.float32))

    def _moved(self, points: np.ndarray, fields: np.ndarray, moves: np.ndarray) -> np.ndarray:
        """Pixels of material points [N, 2] (units) displaced by their fields [K, N, 2]."""
        return self.mouth.frame.pixels(points + np.tensordot(moves[: len(fields)], fields, 1))

    def _seams(self) -> None:
        """Lip edges and the line beyond the corners, with the fields that move them."""
        mouth = self.mouth
        x = mouth.frame.along(U)
        upper = np.stack([x, mouth.upper], 1)
        lower = np.stack([x, mouth.lower], 1)
        self._edges = (
            (upper, mouth_fields(mouth, upper)[0]),
            (lower, mouth_fields(mouth, lower)[1]),
        )
        sides = []
        for sign, end in ((-1, 0), (1, -1)):
            side = np.stack(
                [mouth.frame.along(sign * _BEYOND[1:]), np.full(len(_BEYOND) - 1, mouth.seam[end])],
                1,
            )
            sides.append((side, mouth_fields(mouth, side)[1]))
        self._beyond = sides

    def _fields(self, units: np.ndarray) -> Fields:
        frame = self.mouth.frame
        moved = units @ frame.axes * frame.unit_px
        # Not as far as to the lips' edges, which are moved on their own.
        edges = frame.pixels(np.stack([frame.along(U), self.mouth.lower], -1))
        room = np.minimum(edges, np.array(self._size) - 1 - edges).min()
        reach_px = float(np.clip(room, 1.0, _HOLD * frame.unit_px))
        return Fields(self._face_lattice, held(moved, self._face_nodes, self._size, reach_px))

    def _lattice(self, box: tuple[float, float, float, float], step_px: float) -> Lattice:
        return Lattice.over(*box, step_px=int(np.clip(step_px, 2, 12)))

    def _face_box(self, face: Face) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = face.box
        pad_x, pad_y = 0.22 * (x1 - x0), 0.22 * (y1 - y0)
        return x0 - pad_x, y0 - pad_y, x1 + pad_x, y1 + 2.4 * pad_y

    def _head_box(self, face: Face) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = face.box
        wide, high = x1 - x0, y1 - y0
        width, height = self._size
        return (
            max(x0 - 1.0 * wide, 0),
            max(y0 - 1.1 * high, 0),
            min(x1 + 1.0 * wide, width),
            min(y1 + 1.4 * high, height),
        )

    def _inside(self, lattice: Lattice) -> tuple[int, int, int, int]:
        """The pixels that the lattice covers, without its spare cells, inside the image."""
        step = lattice.step_px
        right = lattice.x0 + (lattice.columns - 1) * step
        bottom = lattice.y0 + (lattice.rows - 1) * step
        return (
            max(lattice.x0 + step, 0),
            max(lattice.y0 + step, 0),
            min(right, self._size[0]),
            min(bottom, self._size[1]),
        )

    def _both(
        self, moving: tuple[int, int, int, int], face: tuple[int, int, int, int]
    ) -> tuple[int, int, int, int]:
        """What the head moves and the whole face, inside what the head's lattice covers."""
        left, top, right, bottom = self._inside(self._head_lattice)
        return (
            max(min(moving[0], face[0]), left),
            max(min(moving[1], face[1]), top),
            min(max(moving[2], face[2]), right),
            min(max(moving[3], face[3]), bottom),
        )
