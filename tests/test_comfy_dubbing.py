"""Lip-sync nets in a real ComfyUI, with few random weights in the files of the published ones."""

import cv2
import numpy as np
import pytest
import tiny_lipsync as tiny
from faces import read_rgb
from prompts import cancelled, get, inputs_of, load, wav
from sounds import voice

from myspinbot.errors import ServerError
from myspinbot.video import probe, read_frames

pytestmark = pytest.mark.comfy

RATE = 16_000
WAV2LIP = "wav2lip_gan.pth"


@pytest.fixture(scope="module")
def models(extra_models, comfy):
    folder = extra_models / "spinbot_lipsync"
    tiny.write_wav2lip(folder / WAV2LIP, width=2)
    tiny.write_musetalk(folder)
    (folder / "notes.pth").write_text("no weights")
    return folder


@pytest.fixture
def film(upload, samples_dir, tmp_path):
    """Upload 12 frames, 24 a second: the sample portrait, which moves, and nobody in the last 4."""
    image = cv2.resize(read_rgb(samples_dir / "hopper.jpg"), (256, 306))
    path = tmp_path / "film.mp4"
    write_film(path, [np.roll(image, 2 * n, axis=1) for n in range(8)] + [image * 0 + 90] * 4)
    return upload(path)


def write_film(path, frames):
    from fractions import Fraction

    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(24), options={"crf": "10"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture
def prompt(upload, film, tmp_path, models):
    def make(model, seconds):
        path = tmp_path / "speech.wav"
        path.write_bytes(wav(voice(seconds), RATE))
        prompt = load("lipsync_video")
        inputs_of(prompt, "LoadVideo")["file"] = film
        inputs_of(prompt, "LoadAudio")["audio"] = upload(path)
        inputs_of(prompt, "MySpinBot_LipSyncModelLoader")["model_name"] = model
        return prompt

    return make


@pytest.mark.parametrize("order", ["loop", "ping-pong"])
def test_a_film_is_dubbed_with_wav2lip(prompt, run, download, comfy, order):
    queued = prompt(WAV2LIP, 1.26)
    inputs_of(queued, "MySpinBot_LipSync")["when_short"] = order
    shown = []

    def listen(kind, data):
        if kind == "text":
            shown.append((data["node"], data["text"]))

    path = download(run(queued, listen))
    found = probe(path)
    assert (found["width"], found["height"], found["fps"]) == (256, 306, 24)
    assert found["frames"] == 30  # 1.26 s, and the film has 12 frames
    assert found["audio_s"] == pytest.approx(1.26, abs=0.05)
    frames = list(read_frames(path))
    assert 0 < np.abs(frames[3][:120].astype(int) - read(frames, 3, order)[:120]).mean() < 8
    for number in range(8, 12):
        assert frames[number][60:].std() < 3  # nobody there, below the label
    (node,) = [key for key, each in queued.items() if each["class_type"] == "MySpinBot_LipSync"]
    without = len([n for n in order_of(order) if n >= 8])
    line = f"{without} of 30 frames show no face and stay as they are."
    assert shown == [(node, line)]
    assert line in comfy.tail(300)


def order_of(order):
    """Which of the film's 12 frames the 30 of the result show."""
    back = [*range(12), *range(10, 0, -1)]
    return [n % 12 if order == "loop" else back[n % 22] for n in range(30)]


def read(frames, number, order):
    """The frame that shows the same picture once more."""
    return frames[number + 12] if order == "loop" else frames[22 - number]


def test_a_film_is_dubbed_with_musetalk(prompt, run, download):
    musetalk = next(str(p) for p in ("musetalkV15/unet.pth",))
    path = download(run(prompt(musetalk, 0.34)))
    assert probe(path)["frames"] == 8
    assert np.std(next(read_frames(path))) > 20


def test_a_still_talks(prompt, run, download, upload, samples_dir):
    queued = prompt(WAV2LIP, 1.0)
    (key,) = [k for k, node in queued.items() if node["class_type"] == "LoadVideo"]
    queued[key] = {
        "class_type": "LoadImage",
        "inputs": {"image": upload(samples_dir / "hopper.jpg")},
    }
    inputs_of(queued, "MySpinBot_LipSync")["fps"] = 20
    path = download(run(queued))
    assert (probe(path)["frames"], probe(path)["fps"]) == (20, 20)
    mouths = {frame[::4, ::4].tobytes() for frame in read_frames(path)}
    assert len(mouths) > 5


def test_capabilities_know_what_is_complete(comfy, models):
    engines = get(comfy, "/myspinbot/capabilities")["engines"]["lipsync"]
    assert engines["wav2lip"]["usable"]
    assert engines["wav2lip"]["models"] == [WAV2LIP]
    assert engines["musetalk"]["usable"]
    hidden = models / "whisper" / "model.safetensors"
    hidden.rename(hidden.with_suffix(".away"))
    try:
        state = get(comfy, "/myspinbot/capabilities")["engines"]["lipsync"]["musetalk"]
        assert not state["usable"]
        assert state["missing_files"] == ["whisper/model.safetensors"]
    finally:
        hidden.with_suffix(".away").rename(hidden)


def test_a_file_that_is_no_model_is_named(prompt, run):
    with pytest.raises(ServerError, match=r"notes\.pth"):
        run(prompt("notes.pth", 0.5))


def test_cancel_takes_effect_at_once(prompt, comfy):
    def rendering(kind, data):
        return kind == "progress" and data["value"] > 20

    assert cancelled(comfy, prompt(WAV2LIP, 300), rendering) < 2
