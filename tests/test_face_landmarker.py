"""ComfyUI's own face landmarker behind the finder: the form of its networks, and the node.

Its file is in no package. Here the detector has the weights of ours, which are the same model's,
and the mesh answers every crop with one known face: what the finder makes of them is then known.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
import torch
from faces import drawn_face, in_its_crop, placed
from prompts import get
from safetensors.torch import load_file, save_file

from myspinbot.face import FaceFinder, landmarks
from myspinbot.face.convert import DETECTOR_FILE
from myspinbot.face.crop import square_matrix
from myspinbot.face.detector import HALVES, WHOLE, detect
from scripts.environment import BASE, comfyui

pytestmark = pytest.mark.weights
MODEL_FILE = "myspinbot-test-landmarker.safetensors"
TOPOLOGY = (
    "face_oval", "left_eye", "right_eye", "left_eyebrow", "right_eyebrow", "lips", "irises",
    "nose", "tesselation",
)  # fmt: skip


@pytest.fixture(scope="module")
def landmarker(models_dir, finder):
    """ComfyUI's network with the weights that the module describes."""
    sys.path.insert(0, str(comfyui()))
    try:
        from comfy_extras.mediapipe.face_landmarker import FaceLandmarker
    finally:
        sys.path.pop(0)
    net = FaceLandmarker().eval().requires_grad_(False)
    ours = load_file(models_dir / DETECTOR_FILE)
    names = list(net.detector.state_dict())  # both list their layers in the order they run
    weights = (ours[name].float() for name in sorted(ours))
    net.detector.load_state_dict(dict(zip(names, weights, strict=True)))
    generator = torch.Generator().manual_seed(0)
    for parameter in net.mesh.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.01)
    answer = in_its_crop(finder.require_face(drawn_face()))
    heads = dict(net.mesh.named_parameters())
    heads["head_landmarks.weight"].zero_()
    heads["head_landmarks.bias"].copy_(torch.from_numpy(answer).reshape(-1))
    heads["head_presence.bias"].fill_(8.0)
    return net


def test_its_detector_has_the_form_of_ours(landmarker, finder):
    image = placed(square_matrix((128, 128), 300, 0.3, 400), 400, 400)
    for level in (WHOLE, HALVES):
        with torch.inference_mode():
            theirs, ours = (
                detect(net, image, level) for net in (landmarker.detector, finder.modules()[0])
            )
        assert len(theirs) == len(ours) > 0
        for one, other in zip(theirs, ours, strict=True):
            assert one.box == pytest.approx(other.box, abs=0.05)
            assert one.roll_rad == pytest.approx(other.roll_rad, abs=1e-3)
            assert one.score == pytest.approx(other.score, abs=1e-3)


def test_its_points_land_on_the_face_and_track_it(landmarker):
    finder = FaceFinder(landmarker.detector, landmarker.mesh, new_presence=0.5)
    matrix = square_matrix((128, 128), 300, -0.3, 400)
    image = placed(matrix, 400, 400)
    (face,) = finder.find(image)
    assert face.points.shape == (landmarks.POINT_COUNT, 3)
    assert 0.9 < face.score < 1
    assert face.roll_rad == pytest.approx(0.3, abs=0.1)
    assert np.hypot(*(np.array(face.center) - 200)) < 30
    (upright,) = finder.find(drawn_face())
    again = finder.track(drawn_face(), upright)
    assert again is not None
    assert again.points == pytest.approx(upright.points, abs=0.5)  # its crop fits its answer
    assert finder.find(np.zeros((200, 300, 3), np.uint8)) == []


def test_a_surer_face_can_be_asked_for(landmarker):
    assert FaceFinder(landmarker.detector, landmarker.mesh).find(drawn_face()) != []
    doubtful = FaceFinder(landmarker.detector, landmarker.mesh, new_presence=0.99999)
    assert doubtful.find(drawn_face()) == []


@pytest.fixture
def model_file(landmarker):
    """The network as a file that ComfyUI's loader reads."""
    state = {}
    for name, value in landmarker.state_dict().items():
        state[name.replace("detector.", "detector_short.", 1)] = value.clone().contiguous()
    state |= {f"topology.{name}": torch.tensor([[0, 1]], dtype=torch.int32) for name in TOPOLOGY}
    state |= {
        "canonical_vertices": torch.zeros(468, 3),
        "procrustes_indices": torch.arange(3),
        "procrustes_weights": torch.ones(3),
    }
    path = BASE / "models" / "detection" / MODEL_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path)
    yield path.name
    path.unlink()


@pytest.mark.comfy
def test_the_node_looks_with_the_model_that_the_user_has(comfy, run, upload, tmp_path, model_file):
    assert model_file in str(get(comfy, "/object_info/LoadMediaPipeFaceLandmarker"))
    path = tmp_path / "drawn.png"
    cv2.imwrite(str(path), cv2.cvtColor(drawn_face(), cv2.COLOR_RGB2BGR))
    node = {"crop_px": 64, "crop_scale": 2.0, "feather_px": 4, "image": ["1", 0]}
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": upload(path)}},
        "2": {"class_type": "LoadMediaPipeFaceLandmarker", "inputs": {"model_name": model_file}},
        "3": {"class_type": "MySpinBot_DetectFace", "inputs": {**node, "face_model": ["2", 0]}},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["3", 4]}},
    }
    outputs = run(prompt)["outputs"]
    assert outputs["3"]["images"][0]["type"] == "temp"
    assert "good portrait" in outputs["4"]["text"][0] or "face" in outputs["4"]["text"][0]
