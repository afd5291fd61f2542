"""A real ComfyUI with the pack in it: every API workflow over HTTP, and what goes wrong.

ComfyUI keeps what the last prompt made: tests with the same voice clip follow each other.
"""

import json
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest
from prompts import cancelled, get, inputs_of, load, talking_portrait, wav, write_sound

from myspinbot.audio import Audio, read_audio
from myspinbot.errors import PromptRejectedError
from myspinbot.quality.engines.whisper import Whisper
from myspinbot.quality.report import measure, mouth_gaps
from myspinbot.video import probe, read_frames
from scripts.environment import FREEZE, ROOT
from workflows import build

pytestmark = pytest.mark.comfy

NARRATION = "My name is Pamela. Maybe we should move both boats before the big storm comes."


@pytest.fixture
def bot(upload, samples_dir):
    """The shipped one-node workflow with the samples and a short narration in it."""
    prompt = load("talking_bot")
    inputs_of(prompt, "LoadImage")["image"] = upload(samples_dir / "hopper.jpg")
    inputs_of(prompt, "LoadAudio")["audio"] = upload(samples_dir / "voice.wav")
    transcript = (samples_dir / "voice.txt").read_text("utf-8").strip()
    inputs_of(prompt, "MySpinBot_TalkingBot").update(transcript=transcript, narration=NARRATION)
    return prompt


def test_nodes_are_what_the_workflows_were_built_for(comfy):
    info = get(comfy, "/object_info")
    for name, known in json.loads(build.SNAPSHOT.read_text("utf-8")).items():
        assert build.stable(info[name]) == known, f"{name}: run workflows.build --snapshot"


def test_every_node_explains_itself(comfy):
    ours = {k: v for k, v in get(comfy, "/object_info").items() if k.startswith("MySpinBot_")}
    assert len(ours) >= 9
    for name, info in ours.items():
        if info.get("dev_only"):  # parts of an expansion, not in the menu
            continue
        assert info["description"], name
        assert info["category"].split("/")[0] == "MySpinBot"
        assert (ROOT / "js" / "docs" / f"{name}.md").is_file(), name


def test_routes_answer(comfy):
    capabilities = get(comfy, "/myspinbot/capabilities")
    assert capabilities["weights_complete"]
    assert "kokoro" in capabilities["engines"]["voice"]
    assert get(comfy, "/myspinbot/doctor")["missing_weights"] == []


def test_the_talking_bot(bot, run, download, models_dir, samples_dir, finder):
    """It is understood, in step, upright and in colour, and the file carries its workflow."""
    path = download(run(bot))
    with av.open(str(path)) as container:
        assert "MySpinBot_TalkingBot" in container.metadata["prompt"]
    first = next(read_frames(path))
    portrait = np.asarray(cv2.imread(str(samples_dir / "hopper.jpg")))[..., ::-1]
    far = [cv2.resize(p, (16, 16), interpolation=cv2.INTER_AREA) for p in (first, portrait)]
    assert np.abs(far[0].astype(float) - far[1].astype(float)).mean() < 6
    figures = measure(
        path,
        track=finder.track,
        recogniser=Whisper.load(models_dir),
        text=NARRATION,
    )
    file = figures["file"]
    assert (file["video_codec"], file["audio_codec"]) == ("h264", "aac")
    assert (file["width"], file["height"], file["fps"]) == (436, 512, 25)
    assert abs(file["video_s"] - file["audio_s"]) <= 1 / 25
    assert figures["intelligibility"]["word_error_rate"] <= 0.2, figures
    assert figures["sync"]["moves"]
    assert figures["sync"]["correlation"] > 0.3
    assert abs(figures["sync"]["lag_ms"]) <= 80
    motion = np.abs(np.diff(mouth_gaps(path, finder.track, file["frames"])))
    assert motion[8:-15].mean() > 4 * motion[-8:].mean(), "the mouth rests in the silent end"


def test_a_new_topic_keeps_the_voice(bot, run):
    node = inputs_of(bot, "MySpinBot_TalkingBot")
    node["narration"] = "Something."
    run(bot)
    node["narration"] = "Something else."
    ran = []
    run(bot, lambda kind, data: ran.append(data.get("node")) if kind == "executing" else None)
    ran = [str(node).rsplit(".", 1)[-1] for node in ran]
    assert "Speak" in ran
    assert "VoiceProfile" not in ran


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"topic": "", "narration": " "}, "topic"),
        ({"narration": "🎉🎉"}, "no words"),
        ({"duration_s": 1}, "duration_s"),
        ({"preset": "superb"}, "preset"),
    ],
    ids=["empty text", "only emoji", "too short", "unknown preset"],
)
def test_a_wrong_value_is_a_clear_error_on_the_bot(values, word, bot, run):
    inputs_of(bot, "MySpinBot_TalkingBot").update(values)
    with pytest.raises(PromptRejectedError, match="MySpinBot_TalkingBot") as failure:
        run(bot)
    assert word in str(failure.value)


def test_a_topic_and_an_llm(bot, run):
    """What the embedded model writes is what comes out as the narration."""
    bot["9"] = {"class_type": "MySpinBot_EmbeddedLLM", "inputs": {}}
    values = {"topic": "how tea is made", "narration": "", "duration_s": 5, "llm": ["9", 0]}
    inputs_of(bot, "MySpinBot_TalkingBot").update(values)
    (narration,) = [text for out in run(bot)["outputs"].values() for text in out.get("text", [])]
    assert "tea" in narration
    assert 6 <= len(narration.split()) <= 30


def saved(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def png(pixels):
    return cv2.imencode(".png", pixels)[1].tobytes()


WRONG = {
    "no face": (
        "LoadImage",
        "image",
        "noface.png",
        png(np.full((300, 300, 3), 90, np.uint8)),
        "face",
    ),
    "corrupt image": ("LoadImage", "image", "corrupt.png", b"\x89PNG not really", "loadimage"),
    "silent clip": ("LoadAudio", "audio", "silent.wav", wav(np.zeros(24000 * 6)), "silen"),
    "short clip": ("LoadAudio", "audio", "short.wav", wav(np.random.rand(6000) - 0.5), "speech"),
    "text file as clip": ("LoadAudio", "audio", "text.wav", b"not a sound", "loadaudio"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_a_clear_error(case, bot, run, upload, tmp_path):
    class_type, field, name, content, word = WRONG[case]
    inputs_of(bot, class_type)[field] = upload(saved(tmp_path, name, content))
    with pytest.raises(PromptRejectedError) as failure:
        run(bot)
    assert word in str(failure.value).lower()


@pytest.mark.parametrize("stage", ["VoiceProfile", "WriteNarration", "Speak", "SaveTalkingBot"])
def test_cancel_works_within_two_seconds(stage, bot, comfy):
    node = inputs_of(bot, "MySpinBot_TalkingBot")
    node.update(topic=f"how to cancel {stage}", narration="", duration_s=120)
    if stage == "VoiceProfile":
        node["preset"] = "best"
    elif stage != "WriteNarration":
        many = 12 if stage == "Speak" else 2
        node["narration"] = f"One long sentence of {stage} after the other. " * many
    saving = [key for key, node in bot.items() if node["class_type"].endswith(stage)]
    node_id = saving[0] if saving else stage

    def reached(kind, data):
        return kind == "executing" and str(data["node"]).endswith(node_id)

    assert cancelled(comfy, bot, reached, after_s=0.7) < 2


def test_a_saved_voice_comes_back(bot, run):
    clip = {"LoadAudio": next(n for n in bot.values() if n["class_type"] == "LoadAudio")}
    words = inputs_of(bot, "MySpinBot_TalkingBot")["transcript"]
    fit = {"reference": ["1", 0], "transcript": words, "engine": "kokoro", "fit_steps": 0}
    save = {
        "1": clip["LoadAudio"],
        "2": {"class_type": "MySpinBot_VoiceProfile", "inputs": {**fit, "consent": "mine"}},
        "3": {"class_type": "MySpinBot_SaveVoice", "inputs": {"voice": ["2", 0], "name": "test"}},
    }
    run(save)
    save["3"]["inputs"]["name"] = "../../escaped"
    with pytest.raises(PromptRejectedError, match="is not a name inside"):
        run(save)
    load = {
        "1": {"class_type": "MySpinBot_LoadVoice", "inputs": {"name": "test.safetensors"}},
        "2": {
            "class_type": "MySpinBot_Speak",
            "inputs": {"voice": ["1", 0], "text": "Hello again.", "speed": 1.0, "seed": 0},
        },
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 2]}},
    }
    outputs = run(load)["outputs"].values()
    assert "Hello again." in next(text for out in outputs for text in out.get("text", []))


def test_stage_by_stage(run, upload, download, samples_dir):
    prompt = load("talking_bot_stages")
    inputs_of(prompt, "LoadImage")["image"] = upload(samples_dir / "hopper.jpg")
    inputs_of(prompt, "LoadAudio")["audio"] = upload(samples_dir / "voice.wav")
    transcript = (samples_dir / "voice.txt").read_text("utf-8").strip()
    inputs_of(prompt, "MySpinBot_VoiceProfile")["transcript"] = transcript
    inputs_of(prompt, "MySpinBot_WriteNarration")["narration"] = NARRATION
    assert probe(download(run(prompt)))["frames"] > 50


def grey_landscape(pixels):
    """Greyscale, beside a wide empty wall."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return np.hstack([np.full((len(grey), 700), 120, np.uint8), grey])


def with_alpha(pixels):
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA)[:-1]  # an odd height, too


VARIETY = {
    "grey landscape PNG, 8 kHz mono": (
        "hopper.jpg",
        grey_landscape,
        "a.png",
        "a.wav",
        8000,
        "mono",
    ),
    "RGBA PNG, 48 kHz stereo": ("astronaut.png", with_alpha, "b.png", "b.flac", 48000, "stereo"),
    "JPEG, 44.1 kHz stereo MP3": ("hopper.jpg", np.asarray, "c.jpg", "c.mp3", 44100, "stereo"),
}


@pytest.mark.parametrize("case", VARIETY)
def test_other_peoples_files(case, bot, run, upload, download, samples_dir, tmp_path, finder):
    picture, change, image, sound, rate, layout = VARIETY[case]
    pixels = change(np.asarray(cv2.imread(str(samples_dir / picture))))
    cv2.imwrite(str(tmp_path / image), pixels)
    clip = write_sound(tmp_path / sound, read_audio(samples_dir / "voice.wav"), rate, layout)
    inputs_of(bot, "LoadImage")["image"] = upload(tmp_path / image)
    inputs_of(bot, "LoadAudio")["audio"] = upload(clip)
    inputs_of(bot, "MySpinBot_TalkingBot")["narration"] = "Hello there, my good friend."
    figures = measure(download(run(bot)), track=finder.track)
    width, height = figures["file"]["width"], figures["file"]["height"]
    assert width / height == pytest.approx(pixels.shape[1] / pixels.shape[0], abs=0.02)
    assert figures["sync"]["moves"]


def test_the_video_shows_while_it_is_made(run, upload, samples_dir, tmp_path):
    sound = read_audio(samples_dir / "voice.wav")
    long = Audio(np.resize(sound.samples, (1, 30 * sound.rate)), sound.rate)
    clip = write_sound(tmp_path / "long.wav", long, sound.rate, "mono")
    image = upload(samples_dir / "hopper.jpg")
    prompt = talking_portrait(image, upload(clip), max_side_px=0) | {
        "4": {
            "class_type": "SaveVideo",
            "inputs": {
                "video": ["3", 0],
                "filename_prefix": "preview",
                "format": "auto",
                "codec": "auto",
            },
        },
    }
    images = []
    run(prompt, lambda kind, data: images.append(data["image"]) if kind == "preview" else None)
    assert len(images) >= 2, "one a second"
    frames = [cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR) for image in images]
    assert all(frame is not None and max(frame.shape) <= 512 for frame in frames)
    first, second = (np.asarray(frame, float) for frame in frames[:2])
    assert np.abs(first - second).mean() > 0.3, "it moves"


def test_the_log_has_no_complaint_of_ours(comfy):
    """Runs last in this file: all of the above is in the log, errors of wrong input apart."""
    lines = comfy.log.read_text("utf-8", "replace").splitlines()
    assert not [line for line in lines if "IMPORT FAILED" in line]
    assert not [line for line in lines if "WARNING" in line and "spinbot" in line.lower()]
    assert not [line for line in lines if "Warning" in line and "myspinbot" in line]


def test_requirements_changed_no_core_package():
    before = set(FREEZE.read_text("utf-8").splitlines())
    done = subprocess.run(
        [sys.executable, "-m", "pip", "freeze"], capture_output=True, text=True, check=True
    )
    assert before - set(done.stdout.splitlines()) == set()
