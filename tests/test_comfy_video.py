"""The pack's VIDEO among core's nodes, in a real ComfyUI."""

import json
import urllib.request
from fractions import Fraction

import av
import cv2
import numpy as np
import psutil
import pytest
from metering import eventually, figures, grown
from prompts import cancelled, inputs_of, load, talking_portrait, write_sound
from signers import Authority, verdict

from myspinbot.audio import Audio, read_audio
from myspinbot.errors import PromptRejectedError
from myspinbot.video import FileFrames, Mp4Writer, probe
from myspinbot.video.credentials import CERTIFICATE_FILE, KEY_FILE

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
        return talking_portrait(image, clip, max_side_px=256, seed=seed)

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


SRT = "1\n00:00:00,200 --> 00:00:01,200\nHello there\n"


def finish(video, **options):
    inputs = {
        "video": video,
        "filename_prefix": "video/finished",
        "crf": 20,
        "preset": "veryfast",
        "loudness": "as it is",
        "disclosure": False,
        **options,
    }
    return {"class_type": "MySpinBot_SaveTalkingBot", "inputs": inputs}


def captioned(video):
    inputs = {
        "video": video,
        "captions": SRT,
        "position": "bottom",
        "style": "outline",
        "size_percent": 8.0,
        "colour": "#ffffff",
        "safe_area_percent": 6.0,
        "font": "Noto Sans",
    }
    return {"class_type": "MySpinBot_BurnCaptions", "inputs": inputs}


def test_a_finished_video(portrait, run, download, comfy):
    """Through every stage in one pass: format, captions, label, loudness, tags, sidecars."""
    reframed = {"video": ["3", 0], "aspect": "9:16", "fill": "crop to the face"}
    prompt = portrait(3) | {
        "4": {
            "class_type": "MySpinBot_ReframeVideo",
            "inputs": {**reframed, "short_side_px": 720},
        },
        "5": captioned(["4", 0]),
        "6": finish(
            ["5", 0],
            disclosure=True,
            loudness="-16 LUFS",
            captions=["5", 1],
            sidecar="srt + vtt",
        ),
    }
    before = figures(comfy)
    path = download(run(prompt))
    found = probe(path)
    assert (found["width"], found["height"], found["frames"]) == (720, 1280, 50)
    stages = ("TalkingPortrait", "Reframed", "Captioned", "Disclosed", "encode")
    assert eventually(lambda: grown(before, figures(comfy), "artifacts"))
    assert grown(before, figures(comfy), "frames", "video_seconds", "artifacts") == {
        **{f'frames_total{{stage="{stage}"}}': 50 for stage in stages},
        "video_seconds_total": CLIP_S,
        'artifacts_total{kind="video"}': 1,
    }
    sound = read_audio(path)
    assert sound.loudness_lufs() == pytest.approx(-16, abs=1)
    with av.open(str(path)) as container:
        tags, context = container.metadata, container.streams.video[0].codec_context
        assert context.colorspace == 1, "BT.709"
        record = json.loads(tags["myspinbot"])
    assert json.loads(tags["prompt"])["6"]["class_type"] == "MySpinBot_SaveTalkingBot"
    assert record["ai_generated"] is True
    assert {"node": "MySpinBot_TalkingPortrait", "seed": 3} in record["made_by"]
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "players start at once"
    query = f"filename={path.stem}.vtt&subfolder=video&type=output"
    with urllib.request.urlopen(f"{comfy.url}/view?{query}") as answer:
        assert answer.read().decode().startswith("WEBVTT")
    frames = np.stack([frame.astype(int) for frame in FileFrames(path).frames()])
    label, caption = frames[:, :120, :300], frames[:, -260:, 60:-60]
    assert (label.max(axis=(1, 2, 3)) > 200).all(), "the label is on every frame"
    white = (caption.min(-1) > 235).mean(axis=(1, 2))
    assert white[10] > 2 * white[40] + 0.01


def test_what_changed_last_is_all_that_is_made_again(portrait, run, download):
    """Another quality: stages are read again, nodes do not run again."""
    prompt = portrait(4) | {"5": captioned(["3", 0]), "6": finish(["5", 0], crf=10)}
    large = download(run(prompt)).stat().st_size
    ran = []
    prompt["6"]["inputs"]["crf"] = 40
    small = download(
        run(prompt, lambda kind, data: ran.append(data["node"]) if kind == "executing" else None)
    )
    assert set(ran) <= {"6", None}
    assert small.stat().st_size < large / 2


def test_captions_that_are_none_are_told_before_rendering(portrait, run):
    prompt = portrait(5) | {"6": finish(["3", 0], sidecar="srt")}
    with pytest.raises(PromptRejectedError, match="no captions"):
        run(prompt)


@pytest.fixture
def film(upload, tmp_path):
    """More than a second of noise, which no codec makes small."""
    path, noise = tmp_path / "noise.mp4", np.random.default_rng(0)
    with Mp4Writer(path, width=256, height=256, fps=Fraction(25), crf=4) as writer:
        for _ in range(30):
            writer.write(noise.integers(0, 255, (256, 256, 3), np.uint8))
    return {"class_type": "LoadVideo", "inputs": {"file": upload(path)}}


@pytest.fixture
def signer(comfy):
    """Certificate and key where the operator of ComfyUI puts them, and who trusts them."""
    authority, folder = Authority(), comfy.log.parent / "user" / "__myspinbot"
    folder.mkdir(exist_ok=True)
    chain, key = authority.issue(folder)
    chain.rename(folder / CERTIFICATE_FILE)
    key.rename(folder / KEY_FILE)
    yield authority
    (folder / CERTIFICATE_FILE).unlink()
    (folder / KEY_FILE).unlink(missing_ok=True)


def test_a_video_is_signed_where_a_certificate_is(film, signer, run, download, comfy):
    prompt = {"1": film, "2": finish(["1", 0], filename_prefix="video/signed")}
    path = download(run(prompt))
    state, manifest = verdict(path, signer)
    assert state == "Trusted"
    assert manifest["title"] == path.name
    with av.open(str(path)) as container:
        assert json.loads(container.metadata["prompt"]).keys() == prompt.keys()
    (comfy.log.parent / "user" / "__myspinbot" / KEY_FILE).unlink()
    prompt["2"] = finish(["1", 0], filename_prefix="video/unsigned")
    with pytest.raises(PromptRejectedError, match=rf"{KEY_FILE} is no file"):
        run(prompt)


def test_a_full_disk_costs_only_the_last_step(film, run, download, comfy):
    """A limit on the size of the server's files stands for it: what was made is not made again."""
    prompt = {"1": film, "2": captioned(["1", 0])}
    prompt["3"] = finish(["2", 0], filename_prefix="full/out", crf=4)
    server = psutil.Process(comfy.child.pid)
    before = server.rlimit(psutil.RLIMIT_FSIZE)
    server.rlimit(psutil.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(PromptRejectedError, match=r"out_00001_\.mp4 could not be .*Free space"):
            run(prompt)
    finally:
        server.rlimit(psutil.RLIMIT_FSIZE, before)
    assert list((comfy.log.parent / "output" / "full").iterdir()) == []
    ran = []
    path = download(
        run(prompt, lambda kind, data: ran.append(data["node"]) if kind == "executing" else None)
    )
    assert set(ran) <= {"3", None}
    assert path.stat().st_size > 1_000_000


def test_core_files_go_through_our_stages(portrait, run, download, upload):
    """What Load Video gives, and what Create Video makes of images."""
    path = download(run(portrait(1) | {"6": save(["3", 0])}))
    prompt = {
        "1": {"class_type": "LoadVideo", "inputs": {"file": upload(path)}},
        "2": {
            "class_type": "Video Slice",
            "inputs": {
                "video": ["1", 0],
                "start_time": 0.4,
                "duration": 0.8,
                "strict_duration": False,
            },
        },
        "3": captioned(["2", 0]),
        "4": finish(["3", 0]),
    }
    part = download(run(prompt))
    assert probe(part)["frames"] == 20
    assert abs(probe(part)["audio_s"] - 0.8) < 0.05
    prompt["5"] = {"class_type": "GetVideoComponents", "inputs": {"video": ["2", 0]}}
    prompt["6"] = {"class_type": "CreateVideo", "inputs": {"images": ["5", 0], "fps": 25.0}}
    prompt["3"] = captioned(["6", 0])
    again = download(run(prompt))
    assert probe(again)["frames"] == 20
    assert probe(again)["audio_codec"] == ""
    assert np.abs(pictures(again) - pictures(part)).mean() < 2


def test_cancel_leaves_no_file(portrait, comfy, upload, samples_dir, tmp_path):
    sound = read_audio(samples_dir / "voice.wav")
    long = Audio(np.resize(sound.samples, (1, 120 * sound.rate)), sound.rate)
    prompt = portrait(6) | {"6": finish(["3", 0], filename_prefix="cancelled/out")}
    clip = upload(write_sound(tmp_path / "minutes.wav", long, sound.rate, "mono"))
    prompt["2"]["inputs"]["audio"] = clip

    def saving(kind, data):
        return kind == "progress" and data["node"] == "6"

    assert cancelled(comfy, prompt, saving) < 2
    folder = comfy.log.parent / "output" / "cancelled"
    assert list(folder.iterdir()) == []


def test_the_bot_says_that_it_is_synthetic(upload, run, download, samples_dir):
    """On in every preset unless turned off; the label is drawn once."""
    prompt = load("talking_bot")
    inputs_of(prompt, "LoadImage")["image"] = upload(samples_dir / "hopper.jpg")
    inputs_of(prompt, "LoadAudio")["audio"] = upload(samples_dir / "voice.wav")
    bot = inputs_of(prompt, "MySpinBot_TalkingBot")
    bot.update(transcript=(samples_dir / "voice.txt").read_text("utf-8").strip())
    bot["narration"] = "Hello."
    labelled = next(FileFrames(download(run(prompt))).frames()).astype(int)
    inputs_of(prompt, "MySpinBot_SaveTalkingBot")["disclosure"] = False
    once = next(FileFrames(download(run(prompt))).frames()).astype(int)
    bot["disclosure"] = False
    bare = next(FileFrames(download(run(prompt))).frames()).astype(int)
    assert np.abs(labelled - once).mean() < 0.5
    difference = np.abs(once - bare).max(-1)
    assert difference[:45, :150].max() > 60
    assert difference[60:].mean() < 2
