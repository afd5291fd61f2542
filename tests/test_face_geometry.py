"""Points, matrices, masks and the merging of detections: everything that needs no weights."""

from __future__ import annotations

import json
import math

import cv2
import numpy as np
import pytest
import torch
from faces import plain_face
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from myspinbot.errors import BadInputError, MissingModelError
from myspinbot.face import Face, aligned_crop, landmarks, softness_px
from myspinbot.face.convert import METADATA_KEY, convert_mesh
from myspinbot.face.crop import apply, composed, inverted, square_matrix, warp
from myspinbot.face.detector import (
    HALVES,
    QUARTERS,
    VIEW_PX,
    WHOLE,
    Detection,
    anchors,
    cover,
    merge,
    overlap,
    views,
)
from myspinbot.face.graph import GraphNet

ANGLES = st.floats(-3.0, 3.0)


def turned(face, yaw_rad=0.0, pitch_rad=0.0):
    """`face` rotated in space about its middle."""
    points = face.points - [200, 200, 0]
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    points = points @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    cos, sin = math.cos(pitch_rad), math.sin(pitch_rad)
    points = points @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
    return Face.from_points(points + np.array([200, 200, 0]), 1.0)


def test_groups_name_each_point_once():
    for name, group in vars(landmarks).items():
        if isinstance(group, tuple) and isinstance(group[0], int):
            assert len(set(group)) == len(group), name
            assert max(group) < landmarks.POINT_COUNT, name
    assert len(landmarks.UPPER_LIP_INNER) == len(landmarks.LOWER_LIP_INNER)
    assert set(landmarks.UPPER_LIP_INNER) | set(landmarks.LOWER_LIP_INNER) == set(
        landmarks.INNER_LIPS
    )


def test_measures_of_a_plain_face():
    face = plain_face(gap_px=4)
    assert face.iod_px == pytest.approx(80, abs=0.01)
    assert face.mouth_gap == pytest.approx(4 / 80, abs=1e-3)
    assert face.size_px == pytest.approx(200, abs=0.5)
    assert face.center == pytest.approx((200, 200), abs=0.5)
    assert face.roll_rad == face.yaw_rad == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("angle", [-0.6, -0.2, 0.3, 0.6])
def test_yaw_and_pitch_have_the_documented_sign(angle):
    assert turned(plain_face(), yaw_rad=angle).yaw_rad == pytest.approx(angle, abs=1e-3)
    assert turned(plain_face(), pitch_rad=angle).pitch_rad == pytest.approx(angle, abs=1e-3)


@given(st.floats(0.2, 5), ANGLES, st.floats(-500, 500))
def test_a_similarity_moves_what_it_should_and_nothing_else(scale, roll, shift):
    face = plain_face(6)
    moved = face.transformed(square_matrix((200 + shift, 180), 400, -roll, round(400 * scale)))
    factor = round(400 * scale) / 400
    assert moved.iod_px == pytest.approx(face.iod_px * factor, rel=1e-3)
    assert moved.mouth_gap == pytest.approx(face.mouth_gap, rel=1e-2)
    assert math.cos(moved.roll_rad - roll) == pytest.approx(1, abs=1e-4)


def test_a_face_has_478_points():
    with pytest.raises(ValueError, match="478"):
        Face.from_points(np.zeros((468, 3)), 1.0)


@given(st.floats(-900, 900), st.floats(-900, 900), st.floats(1, 2000), ANGLES)
def test_matrices_and_their_inverses(x, y, side, roll):
    matrix = square_matrix((x, y), side, roll, 256)
    assert apply(matrix, np.array([x, y])) == pytest.approx([128, 128], abs=1e-6)
    identity = composed(inverted(matrix), matrix)
    assert np.allclose(identity, np.eye(2, 3), atol=1e-6)


@pytest.mark.parametrize("factor", [0.1, 0.3, 0.7, 1.0, 2.0])
def test_warp_keeps_positions_at_every_scale(factor):
    y, x = np.mgrid[0:400, 0:600]
    image = np.exp(-((x - 310.0) ** 2 + (y - 190.0) ** 2) / (2 * 8.0**2)).astype(np.float32)
    matrix = square_matrix((300, 200), 256 / factor, 0.2, 256)
    result = warp(image, matrix, 256, 256)
    rows, columns = np.mgrid[0:256, 0:256]
    found = [(result * axis).sum() / result.sum() for axis in (columns, rows)]
    assert found == pytest.approx(apply(matrix, np.array([310, 190])).tolist(), abs=0.35)


def test_warp_reads_nothing_far_outside():
    image = np.full((50, 50, 3), 9, np.uint8)
    matrix = square_matrix((900, 900), 40, 0.0, 64)
    assert warp(image, matrix, 64, 64).max() == 0
    assert warp(image, matrix, 64, 64, replicate=True).min() == 9


def test_an_aligned_crop_levels_the_eyes():
    face = plain_face().transformed(square_matrix((200, 200), 400, -0.5, 400))
    crop = aligned_crop(np.zeros((400, 400, 3), np.uint8), face, size_px=128, scale=2.0)
    level = face.transformed(crop.matrix)
    assert crop.image.shape == (128, 128, 3)
    assert level.roll_rad == pytest.approx(0, abs=1e-5)
    assert level.center == pytest.approx((64, 64), abs=0.1)
    assert level.size_px == pytest.approx(64, abs=0.5)
    assert np.allclose(level.transformed(crop.inverse).points, face.points, atol=1e-2)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
def test_softness_measures_a_known_blur(sigma):
    stripes = np.arange(400) // 20 % 2 * 200
    image = np.broadcast_to(stripes[None, :, None], (400, 400, 3)).astype(np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), sigma)
    assert softness_px(image, plain_face()) == pytest.approx(sigma, rel=0.25)


def test_overlap_of_boxes():
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (1, 1, 2, 2)) == 0
    assert overlap((1, 1, 1, 1), (1, 1, 1, 1)) == 0
    assert cover((1, 1, 3, 3), (0, 0, 2, 9)) == pytest.approx(0.5)
    assert cover((0, 0, 9, 9), (0, 0, 3, 3)) == pytest.approx(1 / 9)


def test_merging_weighs_by_score_and_keeps_others():
    pair = [Detection((100, 100), 40, 0.1, 0.9), Detection((106, 100), 40, -0.2, 0.3)]
    far = Detection((300, 100), 40, 0.0, 0.95)
    first, second = merge([*pair, far])
    assert first.score == 0.95
    assert second.center == pytest.approx((101.5, 100))
    assert second.roll_rad == pytest.approx(0.025, abs=2e-3)


@given(st.integers(16, 4000), st.integers(16, 4000), st.floats(0, 1), st.floats(0, 1))
def test_tiles_show_every_face_large_enough(width, height, u, v):
    """A face of 6 % of the longer side fits in some tile, where it is an eighth wide or more."""
    side = 0.06 * max(width, height)
    x = side / 2 + u * max(width - side, 0)
    y = side / 2 + v * max(height - side, 0)
    corners = np.array([[x - side / 2, y - side / 2], [x + side / 2, y + side / 2]])
    best = 0.0
    for level in (WHOLE, HALVES, QUARTERS):
        for matrix in views(width, height, level):
            low, high = apply(matrix, corners)
            if low.min() > -VIEW_PX * 0.1 and high.max() < VIEW_PX * 1.1:
                best = max(best, (high - low).max() / VIEW_PX)
    assert best >= 0.125


def test_anchors_are_the_centres_of_896_cells():
    rows = anchors()
    assert rows.shape == (896, 2)
    assert rows[0].tolist() == [1 / 32, 1 / 32]
    assert rows[-1].tolist() == [15 / 16, 15 / 16]


def test_a_foreign_file_is_refused(tmp_path):
    source = tmp_path / "x.tflite"
    for content in (b"", b"hello world", b"\x10\0\0\0TFL3" + bytes(range(64))):
        source.write_bytes(content)
        with pytest.raises(BadInputError, match=r"x\.tflite"):
            convert_mesh([source], tmp_path / "out")


@pytest.mark.parametrize("content", [None, b"", b"\x99" * 80])
def test_a_damaged_model_says_what_to_run(tmp_path, content):
    path = tmp_path / "face-mesh.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MissingModelError, match=r"face-mesh.*install\.py"):
        GraphNet.load(path)


def test_another_safetensors_file_is_refused(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(MissingModelError):
        GraphNet.load(tmp_path / "other.safetensors")


def net(steps, outputs, **weights):
    return GraphNet({"input": 0, "outputs": outputs, "steps": steps}, weights)


def test_graph_pads_like_tensorflow_and_adds_unequal_channels(tmp_path):
    conv = {"op": "conv", "in": [0], "out": 1, "weight": "w", "bias": "b"}
    conv |= {"stride": 2, "groups": 1, "pad": [0, 1]}
    pool = {"op": "max_pool", "in": [0], "out": 2, "size": 2}
    add = {"op": "add", "in": [2, 1], "out": 3}
    weights = {"w": torch.ones(2, 1, 3, 3).half(), "b": torch.tensor([0.0, 1.0]).half()}
    description = json.dumps({"input": 0, "outputs": [3], "steps": [conv, pool, add]})
    save_file(weights, tmp_path / "net.safetensors", {METADATA_KEY: description})
    (result,) = GraphNet.load(tmp_path / "net.safetensors")(torch.ones(1, 1, 4, 4))
    sums = torch.tensor([[9.0, 6.0], [6.0, 4.0]])
    assert torch.equal(result[0, 0], sums + 1)  # + the pooled image
    assert torch.equal(result[0, 1], sums + 1)  # + its own bias


@given(ANGLES, st.floats(1, 9), st.floats(1, 9))
@settings(max_examples=25, deadline=None)
def test_attention_crop_is_the_upright_box_of_its_points(angle, width, height):
    turn = torch.tensor(square_matrix((0, 0), 1, -angle, 1)[:, :2], dtype=torch.float32)
    box = torch.tensor([[-1.0, 0], [1, 0], [0, -1], [0, 1]]) * torch.tensor([width, height])
    points = torch.cat([box @ turn.T + 20, torch.zeros(4, 1)], 1)[None]
    step = {"op": "Landmarks2TransformMatrix", "in": [0], "out": 1, "subset_idxs": [0, 1, 2, 3]}
    step |= {"left_rotation_idx": 0, "right_rotation_idx": 1, "target_rotation_radians": 0.0}
    step |= {"scale_x": 1.0, "scale_y": 1.0, "output_width": 16, "output_height": 16}
    graph = net([step], [1])
    matrix = graph._Landmarks2TransformMatrix(step, points)
    place = {"op": "TransformLandmarks", "in": [0], "out": 1}
    corners = torch.tensor([[[0.0, 8], [16, 8], [8, 0], [8, 16], [8, 8]]])
    result = graph._TransformLandmarks(place, corners, matrix)
    assert torch.allclose(result[0, :4], points[0, :, :2], atol=1e-3)
    assert torch.allclose(result[0, 4], torch.tensor([20.0, 20.0]), atol=1e-3)
