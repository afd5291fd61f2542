"""Writes tests/data/face/golden.json: what MediaPipe's own face mesh sees on the sample portraits.

Run in an environment of its own: Python 3.11, `pip install mediapipe==0.10.21 "numpy<2"`; then
`python benchmarks/make_face_golden.py FOLDER_WITH_SAMPLES`. Nothing of the pack is imported.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import cv2
import mediapipe
import numpy as np

TARGET = Path(__file__).parent.parent / "tests" / "data" / "face" / "golden.json"
CROPS = {
    # The part of each sample (x0, y0, x1, y1) that the reference gets; it misses small faces.
    "hopper.jpg": (60, 40, 460, 440),
    "astronaut.png": (90, 0, 360, 270),
}
FRAMES = 6
"""Times the same picture is shown: the crop that the model works on settles."""


def reference_points(image: np.ndarray) -> np.ndarray:
    """478 points x, y, z in pixels of `image` (uint8 RGB), as tracked in a still video."""
    height, width = image.shape[:2]
    with mediapipe.solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=1) as mesh:
        for _ in range(FRAMES):
            result = mesh.process(image)
    (face,) = result.multi_face_landmarks
    return np.array([[p.x * width, p.y * height, p.z * width] for p in face.landmark])


def main(samples: Path) -> None:
    golden = {}
    for name, (x0, y0, x1, y1) in CROPS.items():
        content = (samples / name).read_bytes()
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        crop = np.ascontiguousarray(image[y0:y1, x0:x1, ::-1])
        points = reference_points(crop) + np.array([x0, y0, 0])
        golden[name] = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "points": np.round(points, 2).tolist(),
        }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
