"""Detect Face in a real ComfyUI: what it shows, any kind of picture, and which face it takes."""

from __future__ import annotations

import urllib.parse
import urllib.request

import cv2
import numpy as np
import pytest
from faces import drawn_face

from myspinbot.errors import PromptRejectedError
from myspinbot.face.overlay import LONG_SIDE_PX

pytestmark = [pytest.mark.comfy, pytest.mark.weights]
MASKS = (2, 3, 5, 6, 7)
"""Outputs that are masks."""


def graph(file, **inputs):
    """A prompt around Detect Face (3): its crop is shown by 4, its report by 5."""
    values = {"crop_px": 64, "crop_scale": 2.0, "feather_px": 4, "image": ["1", 0], **inputs}
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": file}},
        "3": {"class_type": "MySpinBot_DetectFace", "inputs": values},
        "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 1]}},
        "5": {"class_type": "PreviewAny", "inputs": {"source": ["3", 4]}},
    }


@pytest.fixture
def shown(comfy):
    """The picture that a node shows, uint8 [H, W, 3] RGB."""

    def read(entry, node):
        (image,) = entry["outputs"][node]["images"]
        query = urllib.parse.urlencode(image)
        with urllib.request.urlopen(f"{comfy.url}/view?{query}") as answer:
            data = np.frombuffer(answer.read(), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)

    return read


@pytest.fixture
def send(upload, tmp_path):
    """Upload pixels (grey, BGR or BGRA) as a PNG."""

    def write(pixels, name="face.png"):
        cv2.imwrite(str(tmp_path / name), pixels)
        return upload(tmp_path / name)

    return write


def test_the_picture_on_the_node_shows_the_face_and_the_advice(run, shown, upload, samples_dir):
    entry = run(graph(upload(samples_dir / "astronaut.png")))
    picture = shown(entry, "3")
    (report,) = entry["outputs"]["5"]["text"]
    assert "teeth" in report
    assert "110 pixels high" in report
    assert picture.shape[1] == LONG_SIDE_PX or picture.shape[0] > LONG_SIDE_PX
    assert picture[-20:].mean() < 80  # the strip with the advice
    assert shown(entry, "4").shape == (64, 64, 3)


def test_alpha_grey_and_tiny_pictures(run, shown, send):
    colour = cv2.cvtColor(drawn_face(), cv2.COLOR_RGB2BGR)
    alpha = np.dstack([colour, np.full(colour.shape[:2], 128, np.uint8)])
    grey = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)
    odd = cv2.resize(colour, (67, 61), interpolation=cv2.INTER_AREA)
    crops = []
    for number, pixels in enumerate((colour, alpha, grey, odd)):
        entry = run(graph(send(pixels, f"kind{number}.png")))
        crops.append(shown(entry, "4").astype(float))
        assert "picture is only" in entry["outputs"]["5"]["text"][0] or number < 3
    assert np.abs(crops[1] - crops[0]).mean() < 1
    assert np.abs(crops[2] - crops[0].mean(2, keepdims=True)).mean() < 12
    assert np.abs(crops[3] - crops[0]).mean() < 12


def test_an_image_with_four_channels_and_its_masks(run, shown, send):
    prompt = graph(send(cv2.cvtColor(drawn_face(), cv2.COLOR_RGB2BGR)))
    prompt["3"]["inputs"]["image"] = ["2", 0]
    join = {"image": ["1", 0], "alpha": ["1", 1]}
    prompt["2"] = {"class_type": "JoinImageWithAlpha", "inputs": join}
    for output in MASKS:
        node = {"class_type": "MaskToImage", "inputs": {"mask": ["3", output]}}
        prompt |= {f"1{output}": node}
        show = {"class_type": "PreviewImage", "inputs": {"images": [f"1{output}", 0]}}
        prompt |= {f"2{output}": show}
    entry = run(prompt)
    masks = {output: shown(entry, f"2{output}")[..., 0] for output in MASKS}
    face, lips, mouth, eyes, hair_safe = masks.values()
    assert all(mask.shape == (256, 256) for mask in masks.values())
    assert face[134, 128] == hair_safe[150, 128] == 255
    assert lips[175, 128] > 200
    assert eyes[122, 105] > 200
    assert (mouth <= lips + 1.0).all()
    assert (hair_safe <= face + 1.0).all()


def test_the_chosen_face_and_one_that_is_not_there(run, shown, send):
    one = cv2.cvtColor(drawn_face(), cv2.COLOR_RGB2BGR)
    small = cv2.resize(one, (160, 160), interpolation=cv2.INTER_AREA)
    pair = np.full((256, 460, 3), 128, np.uint8)
    pair[:, :256], pair[40:200, 280:440] = one, small
    name = send(pair, "pair.png")
    first, second = (run(graph(name, face_index=index)) for index in (0, 1))
    crops = [shown(entry, "4").astype(float) for entry in (first, second)]
    assert np.abs(crops[0] - crops[1]).mean() < 25  # the same drawing in another size
    reports = [entry["outputs"]["5"]["text"][0] for entry in (first, second)]
    assert all("2 people" in report for report in reports)
    assert not np.array_equal(shown(first, "3"), shown(second, "3"))
    with pytest.raises(
        PromptRejectedError, match=r"Only 2 faces were found in the 460 x 256.*no face 2"
    ):
        run(graph(name, face_index=2))


def test_a_picture_without_a_face_says_so(run, send):
    for shape in ((1, 1, 3), (3, 40, 3), (64, 64, 3)):
        name = send(np.full(shape, 90, np.uint8), f"empty{shape[0]}.png")
        with pytest.raises(PromptRejectedError, match=f"No face was found in the {shape[1]} x"):
            run(graph(name))
