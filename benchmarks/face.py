"""How right, how fast and how still the face geometry is, and whether it sees a covered mouth.

The reference is MediaPipe 0.10.21 on the same pictures (`make_face_golden.py` wrote down what it
saw, after six looks). IOD is the distance between the eyes.

Run: OMP_NUM_THREADS=1 python -m benchmarks.face
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from math import cos, degrees, hypot, pi, sin

import cv2
import numpy as np
import torch

from benchmarks._covers import COVERS, covered
from benchmarks._portraits import Portrait, portraits
from myspinbot.face import Face, FaceFinder, FaceSmoother, advice, landmarks
from myspinbot.face.crop import warp
from scripts.environment import BASE, ROOT

GOLDEN = ROOT / "tests" / "data" / "face" / "golden.json"
LOOKS = 5
"""Tracked looks after the first, as many as the reference had."""
LIPS = list(landmarks.OUTER_LIPS + landmarks.INNER_LIPS)
FPS, FRAMES, NOISE = 25, 75, 3.0
"""Of the video for the jitter; noise in levels of 255."""


def measure_accuracy(finder: FaceFinder, pictures: Sequence[Portrait]) -> None:
    """Errors against the golden points, and CPU time of finding and of tracking."""
    golden = {name.split(".")[0]: row for name, row in json.loads(GOLDEN.read_text()).items()}
    print(f"{'face':<14}{'IOD px':>7}{'yaw':>5}{'roll':>5}{'found':>8}{'tracked':>8}{'lips %':>8}")
    errors, find_ms, track_ms = [], [], []
    for picture in pictures:
        if picture.name not in golden:
            continue
        start = time.process_time()
        faces = finder.find(picture.image, max_faces=8)
        find_ms.append((time.process_time() - start) * 1000)
        for number, points in enumerate(golden[picture.name]["faces"]):
            expected = np.array(points, np.float32)
            face = _nearest(faces, expected)
            if face is None:
                print(f"{picture.name} {number}: not found")
                continue
            first = _error(face, expected)
            start = time.process_time()
            for _ in range(LOOKS):
                face = finder.track(picture.image, face) or face
            track_ms.append((time.process_time() - start) * 1000 / LOOKS)
            last = _error(face, expected)
            errors.append((first.mean(), last.mean()))
            angles = degrees(face.yaw_rad), degrees(face.roll_rad)
            print(f"{picture.name} {number}".ljust(14), end="")
            print(f"{face.iod_px:7.0f}{angles[0]:5.0f}{angles[1]:5.0f}", end="")
            print(f"{first.mean():8.2f}{last.mean():8.2f}{last[LIPS].mean():8.2f}")
    for name, row in zip(("found", "tracked"), np.array(errors).T, strict=True):
        print(f"{name}: {len(row)} faces, mean {row.mean():.2f}, worst {row.max():.2f} % of IOD")
    print(f"find(max_faces=8): {_spread(find_ms)} ms of CPU; track: {_spread(track_ms)} ms")


def measure_jitter(finder: FaceFinder, picture: Portrait) -> None:
    """How far points shake in a noisy video, still and swaying, raw and smoothed."""
    rng = np.random.default_rng(0)
    first = finder.require_face(picture.image)
    for name, sway in (("still", 0.0), ("swaying", 1.0)):
        face, smoother, raw, smooth, truth = first, FaceSmoother(), [], [], []
        for index in range(FRAMES):
            matrix = _sway(first, index / FPS, sway)
            height, width = picture.image.shape[:2]
            frame = warp(picture.image, matrix, width, height, replicate=True)
            frame = np.clip(frame + rng.normal(0, NOISE, frame.shape), 0, 255).astype(np.uint8)
            face = finder.track(frame, face) or face
            raw.append(face)
            smooth.append(smoother.smooth(face, index / FPS) or face)
            truth.append(first.transformed(matrix))
        for kind, track in (("raw", raw), ("smoothed", smooth)):
            steps, around = _shake(track, truth)
            print(
                f"{picture.name}, {name}, {kind:<9}"
                f"{steps:5.2f} % of IOD from frame to frame, {around:5.2f} % around the way"
            )


def measure_covers(finder: FaceFinder, pictures: Sequence[Portrait]) -> None:
    """How many seen mouths are called covered, and how many covered ones are seen."""
    alarms, told, looked = [], dict.fromkeys(COVERS, 0), dict.fromkeys(COVERS, 0)
    for picture in pictures:
        face = finder.require_face(picture.image)
        if _says_covered(finder, picture.image, face):
            alarms.append(picture.name)
        for cover in COVERS:
            image = covered(picture.image, face, cover)
            again = _nearest(finder.find(image, max_faces=8), face.points)
            if again is not None:
                looked[cover] += 1
                told[cover] += _says_covered(finder, image, again)
    print(f"seen mouths: {len(pictures)}, called covered: {len(alarms)} {alarms}")
    for cover in COVERS:
        print(f"{cover:<14}{told[cover]} of {looked[cover]} told (else no face is found)")


def _nearest(faces: Sequence[Face], points: np.ndarray) -> Face | None:
    """The one of `faces` around `points`, if any is."""
    (low_x, low_y), (high_x, high_y) = points[:, :2].min(0), points[:, :2].max(0)
    x, y = (low_x + high_x) / 2, (low_y + high_y) / 2
    reach = 0.5 * max(high_x - low_x, high_y - low_y)
    away = [(hypot(face.center[0] - x, face.center[1] - y), face) for face in faces]
    return min((pair for pair in away if pair[0] < reach), key=lambda p: p[0], default=(0, None))[1]


def _spread(values: Sequence[float]) -> str:
    return f"{np.median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


def _error(face: Face, expected: np.ndarray) -> np.ndarray:
    """Distance of each point, % of IOD."""
    return np.linalg.norm(face.points[:, :2] - expected[:, :2], axis=1) / face.iod_px * 100


def _sway(face: Face, time_s: float, amount: float) -> np.ndarray:
    """A head that moves by 8 % of its size and turns by 4 degrees, about once in two seconds."""
    turn = amount * 0.07 * sin(2 * pi * 0.4 * time_s)
    (x, y), shift = face.center, amount * 0.08 * face.size_px * sin(2 * pi * 0.5 * time_s)
    a, b = cos(turn), sin(turn)
    return np.array([[a, -b, x - a * x + b * y + shift], [b, a, y - b * x - a * y]])


def _shake(track: Sequence[Face], truth: Sequence[Face]) -> tuple[float, float]:
    """RMS of the points off their way, from one frame to the next and around it; % of IOD."""
    off = np.array([a.points[:, :2] - b.points[:, :2] for a, b in zip(track, truth, strict=True)])
    off = off[FPS // 2 :] / truth[0].iod_px * 100
    steps = np.sqrt((np.diff(off, axis=0) ** 2).sum(-1).mean())
    around = np.sqrt(((off - off.mean(0)) ** 2).sum(-1).mean())
    return float(steps), float(around)


def _says_covered(finder: FaceFinder, image: np.ndarray, face: Face) -> bool:
    lines = advice(image, [face], lip_doubt=finder.lip_doubt(image, face))
    return any("covered" in line for line in lines)


def main() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    finder = FaceFinder.load(BASE / "models" / "myspinbot")
    pictures = list(portraits())
    measure_accuracy(finder, pictures)
    for picture in pictures[:2]:
        measure_jitter(finder, picture)
    measure_covers(finder, pictures)


if __name__ == "__main__":
    main()
