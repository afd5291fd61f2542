"""The pack's VIDEO among core's nodes, in a real ComfyUI."""

import cv2
import numpy as np
import pytest
from prompts import write_sound

from myspinbot.audio import Audio, read_audio
from myspinbot.video import FileFrames, probe

pytestmark = pytest.mark.comfy

CLIP_S = 2.0


@pytest.fixture
def portrait(upload, samples_dir, tmp_path):
    """Two seconds of a talking portrait: ``portrait(seed) -> prompt`` with the VIDEO in node 3."""
    sound = read_audio(samples_dir / "voice.wav")
    cut = Audio(sound.samples[:, : round(CLIP_S * sound.rate)], sound.rate)
    clip = upload(write_sound(tmp_path / "two.wav", cut, sound.rate, "mono"))
    image = upload(samples_dir / "hopper.jpg")

    def build(seed):
        return {
            "1": {"class_type": "LoadImage", "inputs": {"image": image}},
            "2": {"class_type": "LoadAudio", "inputs": {"audio": clip}},
            "3": {
                "class_type": "MySpinBot_TalkingPortrait",
                "inputs": {
                    "image": ["1", 0],
                    "audio": ["2", 0],
                    "fps": 25,
                    "max_side_px": 256,
                    "seed": seed,
                    **dict.fromkeys(("expressiveness", "head_motion", "blink", "gaze"), 1.0),
                },
            },
        }

    return build


def save(video, prefix="video/test"):
    inputs = {"video": video, "filename_prefix": prefix, "format": "mp4", "codec": "h264"}
    return {"class_type": "SaveVideo", "inputs": inputs}


def pictures(path):
    frames = FileFrames(path).frames()
    small = [cv2.resize(f, (32, 32), interpolation=cv2.INTER_AREA) for f in frames]
    return np.stack(small).astype(float)


def test_components_are_the_whole_video(portrait, run, download):
    """As IMAGE and AUDIO and back: the same frames, the same sound to the sample."""
    prompt = portrait(1)
    prompt |= {
        "4": {"class_type": "GetVideoComponents", "inputs": {"video": ["3", 0]}},
        "5": {
            "class_type": "CreateVideo",
            "inputs": {"images": ["4", 0], "audio": ["4", 1], "fps": ["4", 2]},
        },
        "6": save(["5", 0]),
    }
    again = download(run(prompt))
    direct = download(run(portrait(1) | {"6": save(["3", 0])}))
    assert probe(again)["frames"] == probe(direct)["frames"] == round(CLIP_S * 25)
    assert np.abs(pictures(again) - pictures(direct)).mean() < 2.5
    left, right = (FileFrames(path).audio for path in (again, direct))
    assert left is not None
    assert right is not None
    length = min(left.samples.shape[1], right.samples.shape[1])
    assert np.corrcoef(left.samples[0, :length], right.samples[0, :length])[0, 1] > 0.98


def test_a_slice_is_cut_to_the_frame(portrait, run, download):
    whole = download(run(portrait(1) | {"6": save(["3", 0])}))
    prompt = portrait(1)
    inputs = {"video": ["3", 0], "start_time": 0.4, "duration": 1.0, "strict_duration": True}
    prompt |= {"4": {"class_type": "Video Slice", "inputs": inputs}, "6": save(["4", 0])}
    part = download(run(prompt))
    assert probe(part)["frames"] == 25
    assert abs(probe(part)["audio_s"] - 1) < 0.05
    assert np.abs(pictures(part) - pictures(whole)[10:35]).mean() < 1


def test_two_consumers_render_once(portrait, run):
    """The second Save Video finds the file of the first: no frame is shown as being made."""
    prompt = portrait(2) | {"6": save(["3", 0]), "7": save(["3", 0])}
    done: dict[str, int] = {}

    def count(kind, data):
        if kind == "progress":
            done[data["node"]] = max(done.get(data["node"], 0), data["value"])

    run(prompt, count)
    assert len(done.keys() & {"6", "7"}) == 1
