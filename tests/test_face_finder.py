"""The face models on a drawn face, whose geometry is known, and on the sample portraits."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from myspinbot.errors import BadInputError, MissingModelError
from myspinbot.face import Face, FaceFinder, advice, landmarks, softness_px
from myspinbot.face.crop import square_matrix, warp
from myspinbot.files import sha256

pytestmark = pytest.mark.weights
GOLDEN = Path(__file__).parent / "data" / "face" / "golden.json"
EYES = np.array([[105.0, 122], [151, 122]])
MOUTH = np.array([128.0, 174])


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


@pytest.fixture(scope="module")
def finder(models_dir) -> FaceFinder:
    return FaceFinder.load(models_dir)


def read_rgb(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    assert image is not None, f"{path} is not there: python install.py --samples {path.parent}"
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def placed(matrix, width_px, height_px):
    """The drawn face under `matrix` on a grey background."""
    image = warp(drawn_face(), matrix, width_px, height_px)
    inside = warp(np.full((256, 256), 255, np.uint8), matrix, width_px, height_px)
    return np.where(inside[..., None] > 127, image, np.uint8(128))


def assert_on_drawing(face: Face, matrix: np.ndarray):
    """Eyes and mouth lie where they were drawn, within 8 % of the eyes' distance."""
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    expected = np.array([*EYES, MOUTH]) @ matrix[:, :2].T + matrix[:, 2]
    found = [face.left_eye, face.right_eye, face.at(landmarks.INNER_LIPS).mean(0)]
    error = np.linalg.norm(np.array(found) - expected, axis=1)
    assert error.max() < 0.08 * 46 * scale, error


@pytest.mark.parametrize("roll_deg", [-60, -45, -20, 0, 20, 45, 60])
def test_finds_a_tilted_face(finder, roll_deg):
    matrix = square_matrix((128, 128), 300, math.radians(-roll_deg), 400)
    (face,) = finder.find(placed(matrix, 400, 400))
    assert_on_drawing(face, matrix)
    assert face.roll_rad == pytest.approx(math.radians(roll_deg), abs=0.06)


@pytest.mark.parametrize("share", [0.06, 0.1, 0.3, 0.9])
@pytest.mark.parametrize("size", [(1000, 1000), (1600, 900), (700, 1300)])
def test_finds_faces_of_any_share(finder, size, share):
    width, height = size
    side = share * max(size) if share < 0.5 else share * min(size)
    matrix = square_matrix((128, 134), 148 * 300 / side, 0.0, 300)  # the face is 148 px high
    matrix[:, 2] += [0.5 * width - 150, 0.5 * height - 150]
    if share < 0.2:
        matrix[:, 2] += [0.21 * width, -0.17 * height]
    (face,) = finder.find(placed(matrix, width, height))
    assert_on_drawing(face, matrix)


def test_finds_a_grey_and_a_dark_face(finder):
    grey = cv2.cvtColor(cv2.cvtColor(drawn_face(), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    for image in (grey, drawn_face() // 3):
        (face,) = finder.find(image)
        assert_on_drawing(face, np.eye(2, 3))


def test_most_prominent_first_and_nobody_twice(finder):
    large = square_matrix((128, 128), 256, 0.0, 400)
    image = np.full((400, 1000, 3), 128, np.uint8)
    image[:, :400] = placed(large, 400, 400)
    image[100:300, 700:900] = cv2.resize(drawn_face(), (200, 200), interpolation=cv2.INTER_AREA)
    faces = finder.find(image, max_faces=5)
    assert [face.center[0] < 400 for face in faces] == [True, False]
    assert finder.find(image)[0].center == pytest.approx(faces[0].center, abs=2)
    assert any("2 people" in line for line in advice(image, faces))


def test_finds_nothing_where_nothing_is(finder):
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    for image in (noise, np.zeros((64, 64, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)):
        assert finder.find(image, max_faces=3) == []
        assert finder.track(image, None) is None
        assert "No face" in advice(image, [])[0]
    with pytest.raises(BadInputError, match="No face was found in the 400 x 300 picture"):
        finder.require_face(noise)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4), (0, 8, 3)])
def test_refuses_what_is_no_picture(finder, shape):
    with pytest.raises(BadInputError, match="uint8"):
        finder.find(np.zeros(shape, np.uint8))


def test_tracks_a_moving_face_and_finds_it_again(finder):
    face = None
    for frame in range(8):
        matrix = square_matrix((128, 128), 256, 0.04 * frame, 300)
        matrix[:, 2] += [9 * frame, 4 * frame]
        face = finder.track(placed(matrix, 400, 400), face)
        assert face is not None
        assert_on_drawing(face, matrix)
    assert finder.track(np.full((400, 400, 3), 128, np.uint8), face) is None
    cut = square_matrix((128, 128), 256, 0.0, 150)  # another shot: elsewhere and half as large
    face = finder.track(placed(cut, 400, 400), face)
    assert face is not None
    assert_on_drawing(face, cut)


def test_results_do_not_depend_on_the_run(finder):
    first, second = (finder.require_face(drawn_face()) for _ in range(2))
    assert np.array_equal(first.points, second.points)


def test_modules_are_all_there_is(finder):
    assert sum(p.numel() for m in finder.modules() for p in m.parameters()) > 1_000_000
    assert not any(p.requires_grad for m in finder.modules() for p in m.parameters())


def test_advice_names_what_is_wrong(finder):
    def lines(image):
        return " ".join(advice(image, finder.find(image)))

    good = placed(square_matrix((128, 128), 256, 0.0, 640), 640, 640)
    assert "only" not in lines(good)
    assert "cut off" not in lines(good)
    assert "100 x 100" in lines(cv2.resize(good, (100, 100), interpolation=cv2.INTER_AREA))
    assert "Crop closer" in lines(placed(square_matrix((128, 128), 900, 0.0, 640), 640, 640))
    assert "cut off" in lines(good[:, 240:])
    assert "dark" in lines(good // 6)
    assert "tilted" in lines(placed(square_matrix((128, 128), 300, -0.7, 640), 640, 640))
    blurred = cv2.GaussianBlur(good, (0, 0), 7)
    assert "blurred" in lines(blurred)
    face = finder.require_face(good)
    assert softness_px(good, face) == pytest.approx(
        2.7, abs=0.5
    )  # 1 px of blur, enlarged 2.5 times
    assert softness_px(blurred, face) > 1.6 * softness_px(good, face)


def test_truncated_weights_are_named(models_dir, tmp_path):
    for file in ("face-detector.safetensors", "face-mesh.safetensors"):
        (tmp_path / file).write_bytes((models_dir / file).read_bytes()[:-1000])
    with pytest.raises(MissingModelError, match=r"face-detector.*install\.py"):
        FaceFinder.load(tmp_path)


@pytest.mark.parametrize("name", ["hopper.jpg", "astronaut.png"])
def test_points_are_those_of_the_reference(finder, samples_dir, name):
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))[name]
    path = samples_dir / name
    assert sha256(path) == golden["sha256"]
    image = read_rgb(path)
    face = finder.require_face(image)
    for _ in range(5):  # the reference was shown a still video
        face = finder.track(image, face)
        assert face is not None
    expected = np.array(golden["points"])
    error = np.linalg.norm(face.points[:, :2] - expected[:, :2], axis=1) / face.iod_px
    assert error.mean() < 0.01
    # 0.98 to 1.07 % here: the last digits depend on the number of threads
    assert error[list(landmarks.OUTER_LIPS + landmarks.INNER_LIPS)].mean() < 0.012
    assert np.abs(face.points[:, 2] - expected[:, 2]).mean() / face.iod_px < 0.02


def test_finds_the_cameraman(finder, samples_dir):
    """A small grey face, turned far to the right."""
    image = read_rgb(samples_dir / "camera.png")
    (face,) = finder.find(image, max_faces=3)
    assert np.hypot(face.center[0] - 227, face.center[1] - 161) < 12
    assert face.yaw_rad > 0.5
