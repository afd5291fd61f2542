"""Upscale Video and Restore Faces in a real ComfyUI, on few random weights in the user's files."""

import urllib.parse
import urllib.request
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
import tiny_upscalers as tiny
from faces import read_rgb
from prompts import cancelled, inputs_of, load
from sounds import voice

from myspinbot.audio import Audio
from myspinbot.errors import PromptRejectedError
from myspinbot.video import FileFrames, probe, write_mp4

pytestmark = pytest.mark.comfy

UPSCALER, RESTORER = "tiny_x2.safetensors", "tiny_restoreformer.safetensors"
FRAMES = 2
"""With a face; as many without one follow."""


@pytest.fixture(scope="module")
def models(extra_models, comfy):
    tiny.write_upscaler(extra_models / "upscale_models" / UPSCALER)
    tiny.write_restorer(extra_models / "facerestore_models" / RESTORER)
    (extra_models / "facerestore_models" / "notes.pth").write_text("no weights")
    return extra_models


class Film:
    """The sample portrait, which moves, and nobody at the end."""

    width, height, fps = 200, 240, Fraction(10)

    def __init__(self, portrait, count=FRAMES):
        still = cv2.resize(read_rgb(portrait), (self.width, self.height))
        self.pictures = [np.roll(still, 2 * n, axis=1) for n in range(count)]
        self.pictures += [np.full_like(still, 90)] * count
        self.frame_count = len(self.pictures)
        self.audio = Audio(voice(self.frame_count / 10).astype(np.float32)[None], 16_000)

    def frames(self):
        yield from self.pictures


@pytest.fixture
def film(upload, samples_dir, tmp_path, models):
    def send(**options):
        write_mp4(tmp_path / "film.mp4", Film(samples_dir / "hopper.jpg", **options), crf=10)
        return upload(tmp_path / "film.mp4")

    return send


@pytest.fixture
def shown(comfy):
    """The pictures that a preview node shows, int [N, H, W, 3]."""

    def read(entry, node):
        found = []
        for image in entry["outputs"][node]["images"]:
            with urllib.request.urlopen(
                f"{comfy.url}/view?{urllib.parse.urlencode(image)}"
            ) as answer:
                data = np.frombuffer(answer.read(), np.uint8)
            found.append(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))
        return np.stack(found).astype(int)

    return read


def upscaled(video, **options):
    inputs = {"video": video, "upscale_model": ["2", 0], "scale_by": 2.0, "longest_side_px": 0}
    return {"class_type": "MySpinBot_UpscaleVideo", "inputs": inputs | options}


def frames_of(video):
    return {"class_type": "GetVideoComponents", "inputs": {"video": video}}


def preview(images):
    return {"class_type": "PreviewImage", "inputs": {"images": images}}


def graph(film):
    return {
        "1": {"class_type": "LoadVideo", "inputs": {"file": film}},
        "2": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": UPSCALER}},
    }


def test_it_is_what_core_makes(upload, run, shown, samples_dir, models):
    """In one piece to the level that core's pictures are cut down to, in tiles to three."""
    prompt = graph("") | {
        "1": {"class_type": "LoadImage", "inputs": {"image": upload(samples_dir / "hopper.jpg")}},
        "3": {
            "class_type": "ImageUpscaleWithModel",
            "inputs": {"upscale_model": ["2", 0], "image": ["1", 0]},
        },
        "4": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 10.0}},
        "5": upscaled(["4", 0]),
        "6": upscaled(["4", 0], tile_px=96, batch=2),
        "7": upscaled(["4", 0], longest_side_px=360),
        "8": preview(["3", 0]),
    }
    for number, node in enumerate(("5", "6", "7")):
        prompt[f"1{number}"] = frames_of([node, 0])
        prompt[f"2{number}"] = preview([f"1{number}", 0])
    entry = run(prompt)
    core, ours, tiled, between = (shown(entry, node) for node in ("8", "20", "21", "22"))
    assert core.shape == ours.shape == tiled.shape
    assert set(np.unique(ours - core)) <= {0, 1}
    assert np.abs(ours - tiled).max() <= 3
    assert max(between.shape) == 360


def test_a_film_is_finished(film, run, download):
    """The shipped workflow; and weights that draw no face are held back."""
    prompt = load("finish_video")
    inputs_of(prompt, "LoadVideo")["file"] = film()
    inputs_of(prompt, "UpscaleModelLoader")["model_name"] = UPSCALER
    inputs_of(prompt, "MySpinBot_FaceRestorerLoader")["model_name"] = RESTORER
    inputs_of(prompt, "MySpinBot_UpscaleVideo")["scale_by"] = 1.5
    inputs_of(prompt, "MySpinBot_RestoreFaces").update(keep_likeness=False, strength=1.0)
    inputs_of(prompt, "MySpinBot_SaveTalkingBot")["crf"] = 1  # else one frame blurs into the next
    path = download(run(prompt))
    found = probe(path)
    assert (found["width"], found["height"], found["frames"]) == (300, 360, 2 * FRAMES)
    assert found["audio_s"] == pytest.approx(FRAMES / 5, abs=0.05)
    with av.open(str(path)) as container:
        assert "prompt" in container.metadata
    drawn = np.stack([frame.astype(int) for frame in FileFrames(path).frames()])
    written = inputs_of(prompt, "MySpinBot_BurnCaptions")
    restored, large = written["video"], inputs_of(prompt, "MySpinBot_RestoreFaces")["video"]
    written["video"] = large
    plain = np.stack([f.astype(int) for f in FileFrames(download(run(prompt))).frames()])
    difference = np.abs(drawn - plain).mean(-1)
    assert difference[:FRAMES, 100:250, 100:200].mean() > 10, "random weights draw no face"
    assert difference[:FRAMES, :20].mean() < 4
    assert difference[FRAMES:].mean() < 2
    written["video"] = restored
    inputs_of(prompt, "MySpinBot_RestoreFaces")["keep_likeness"] = True
    guarded = np.stack([f.astype(int) for f in FileFrames(download(run(prompt))).frames()])
    assert np.abs(guarded - plain).mean() < 2, "so they are not used"


@pytest.mark.parametrize(
    ("name", "message"),
    [("notes.pth", r"notes\.pth is damaged"), (UPSCALER, "restores no faces")],
)
def test_other_files_are_named(film, run, name, message):
    prompt = load("finish_video")
    inputs_of(prompt, "LoadVideo")["file"] = film(count=1)
    inputs_of(prompt, "UpscaleModelLoader")["model_name"] = UPSCALER
    inputs_of(prompt, "MySpinBot_FaceRestorerLoader")["model_name"] = name
    with pytest.raises(PromptRejectedError, match=message):
        run(prompt)


def test_cancel_ends_it_within_a_frame(film, comfy, extra_models):
    """One frame of this net takes half a minute on a CPU, one of its hundred layers a part of it:
    a cancel is heard after each."""
    tiny.write_upscaler(extra_models / "upscale_models" / "slow.safetensors", width=128, layers=99)
    prompt = graph(film(count=1)) | {"3": upscaled(["1", 0], tile_px=0)}
    prompt["2"]["inputs"]["model_name"] = "slow.safetensors"
    prompt["4"] = {
        "class_type": "SaveVideo",
        "inputs": {
            "video": ["3", 0],
            "filename_prefix": "slow/out",
            "format": "mp4",
            "codec": "h264",
        },
    }

    def saving(kind, data):
        return kind == "executing" and data["node"] == "4"

    assert cancelled(comfy, prompt, saving, after_s=2) < 2
    folder = comfy.log.parent / "output" / "slow"
    assert not folder.exists() or list(folder.iterdir()) == []


def test_progress_tells_the_frame_and_cancel_leaves_nothing(film, comfy):
    """In the middle of restoring: neither of the film nor of the copy for later stages."""
    prompt = load("finish_video")
    inputs_of(prompt, "LoadVideo")["file"] = film(count=20)
    inputs_of(prompt, "MySpinBot_FaceRestorerLoader")["model_name"] = RESTORER
    inputs_of(prompt, "MySpinBot_RestoreFaces")["video"] = ["1", 0]
    inputs_of(prompt, "MySpinBot_SaveTalkingBot")["filename_prefix"] = "restored/out"
    (save,) = (n for n, node in prompt.items() if "SaveTalkingBot" in node["class_type"])
    folders = [comfy.log.parent / name for name in ("output/restored", "temp")]
    before = set(folders[1].iterdir())
    told = []

    def second_frame(kind, data):
        if kind == "progress" and data["node"] == save:
            told.append((data["value"], data["max"]))
        return len(told) == 2

    assert cancelled(comfy, prompt, second_frame) < 2
    assert told[:2] == [(1, 40), (2, 40)]
    assert len(told) < 40
    assert list(folders[0].iterdir()) == []
    assert set(folders[1].iterdir()) <= before
