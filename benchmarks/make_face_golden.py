"""Writes tests/data/face/golden.json: what MediaPipe's own face mesh sees on photographed faces.

Run in an environment of its own: Python 3.11, `pip install mediapipe==0.10.21 "numpy<2"`; then
`python benchmarks/make_face_golden.py FOLDER` with the folder that `benchmarks/_portraits.py`
fills. Nothing of the pack is imported.
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
    # The part of each picture (x0, y0, x1, y1) that the reference gets: it misses small faces,
    # and knows only one at a time when it is to be repeatable.
    "hopper.jpg": [(60, 40, 460, 440)],
    "astronaut.png": [(90, 0, 360, 270)],
    "stubble.webp": [(20, 110, 270, 350)],
    "laughing.webp": [(0, 0, 400, 400)],
    "dark_skin.webp": [(0, 0, 350, 350)],
    "red_glasses.webp": [(0, 0, 350, 350)],
    "grey.webp": [(0, 0, 350, 350)],
    "curls.webp": [(0, 0, 400, 400)],
    "group.jpg": [
        (120, 80, 610, 570),
        (560, 0, 950, 390),
        (1170, 80, 1550, 480),
        (880, 110, 1260, 520),
    ],
}
GREY = {"grey.webp"}
"""Shown without their colour, as `benchmarks/_portraits.py` does."""
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


def main(folder: Path) -> None:
    golden = {}
    for name, crops in CROPS.items():
        content = (folder / name).read_bytes()
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        if name in GREY:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        faces = []
        for x0, y0, x1, y1 in crops:
            crop = np.ascontiguousarray(image[y0:y1, x0:x1, ::-1])
            points = reference_points(crop) + np.array([x0, y0, 0])
            faces.append(np.round(points, 1).tolist())
        golden[name] = {"sha256": hashlib.sha256(content).hexdigest(), "faces": faces}
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
