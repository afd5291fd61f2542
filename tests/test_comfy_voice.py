"""Voices in a real ComfyUI: the clone workflow, its players, alignment, and what goes wrong."""

import json
import urllib.request

import numpy as np
import pytest
from metering import figures, grown
from prompts import get, inputs_of, load, wav, write_sound

from myspinbot.audio import Audio, read_audio
from myspinbot.errors import PromptRejectedError
from myspinbot.quality.engines import ENGINES
from myspinbot.quality.intelligibility import word_errors
from scripts.environment import ROOT

pytestmark = pytest.mark.comfy

TEXT = "The boat leaves at nine. Bring bread, apples and a warm coat."


@pytest.fixture
def clone(upload, samples_dir):
    """The shipped workflow with the sample clip, a quick fit and a short text in it."""
    prompt = load("clone_voice")
    inputs_of(prompt, "LoadAudio")["audio"] = upload(samples_dir / "voice.wav")
    transcript = (samples_dir / "voice.txt").read_text("utf-8").strip()
    inputs_of(prompt, "MySpinBot_VoiceProfile").update(transcript=transcript, fit_steps=0)
    inputs_of(prompt, "MySpinBot_Speak")["text"] = TEXT
    inputs_of(prompt, "MySpinBot_SaveVoice")["name"] = "shipped"
    return prompt


def output_of(prompt, entry, class_type):
    (key,) = [key for key, node in prompt.items() if node["class_type"] == class_type]
    return entry["outputs"][key]


def report_of(prompt, entry):
    """What Voice Profile reports: the text that starts like JSON."""
    texts = [t for out in entry["outputs"].values() for t in out.get("text", [])]
    return json.loads(next(t for t in texts if t.startswith("{")))


def test_the_clone_workflow(clone, run, download, comfy, models_dir):
    entry = run(clone)
    sound = read_audio(download(entry))
    heard = ENGINES["whisper-base"].open(models_dir).transcribe(sound)
    assert word_errors(TEXT, heard).errors <= 1, heard
    assert sound.loudness_lufs() == pytest.approx(-18, abs=1)
    report = report_of(clone, entry)
    alike = report["similarity"]
    assert 0.4 < alike["to_the_clip"] <= 1
    assert alike["two_halves_of_the_clip"] > alike["another_person"]
    assert report["warnings"] == []
    for class_type in ("MySpinBot_VoiceProfile", "MySpinBot_Speak"):
        shown = output_of(clone, entry, class_type)
        assert shown["myspinbot_text"][0]
        (player,) = shown["audio"]
        query = f"filename={player['filename']}&type={player['type']}&subfolder="
        with urllib.request.urlopen(f"{comfy.url}/view?{query}") as answer:
            assert answer.read(4) == b"fLaC"
    saved = {voice["name"]: voice for voice in get(comfy, "/myspinbot/voices")["voices"]}
    assert saved["shipped.safetensors"]["engine"] == "kokoro"
    assert saved["shipped.safetensors"]["language"] == "en-us"


def test_an_empty_transcript_is_heard(clone, run, samples_dir):
    inputs_of(clone, "MySpinBot_VoiceProfile")["transcript"] = ""
    report = report_of(clone, run(clone))
    assert report["transcript_heard_by"] == "whisper-base"
    wanted = (samples_dir / "voice.txt").read_text("utf-8")
    assert word_errors(wanted, report["transcript"]).rate < 0.3


def test_models_come_back_after_they_were_thrown_out(clone, run, comfy):
    run(clone)
    request = urllib.request.Request(
        f"{comfy.url}/free",
        json.dumps({"unload_models": True, "free_memory": False}).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()
    inputs_of(clone, "MySpinBot_Speak")["text"] = "Something that was not said before."
    entry = run(clone)
    assert output_of(clone, entry, "MySpinBot_Speak")["audio"]


def test_takes_pauses_and_pronunciations(clone, run, download):
    inputs_of(clone, "MySpinBot_Speak").update(
        text="My name is Nguyen. [pause 1.2s] I like tea.",
        takes=2,
        pronunciations="Nguyen = /wˈɪn/",
        loudness_lufs=-24.0,
    )
    entry = run(clone)
    sound = read_audio(download(entry))
    assert sound.loudness_lufs() == pytest.approx(-24, abs=1)
    texts = [t for out in entry["outputs"].values() for t in out.get("text", [])]
    captions = next(t for t in texts if "-->" in t)
    assert "Nguyen." in captions
    assert "pause" not in captions


def test_foreign_speech_is_aligned(run, upload, samples_dir, comfy):
    words = (samples_dir / "voice.txt").read_text("utf-8").strip()
    prompt = {
        "1": {
            "class_type": "LoadAudio",
            "inputs": {"audio": upload(samples_dir / "voice.wav")},
        },
        "2": {
            "class_type": "MySpinBot_AlignSpeech",
            "inputs": {"audio": ["1", 0], "text": words, "language": "en-us"},
        },
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 2]}},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["2", 1]}},
    }
    before = figures(comfy)
    outputs = run(prompt)["outputs"]
    report = json.loads(outputs["3"]["text"][0])
    assert report["method"] == "forced"
    assert grown(before, figures(comfy), "quality") == {
        'quality_score_count{measure="alignment"}': 1
    }
    assert report["agrees"] is True
    assert "irons weighed" in outputs["4"]["text"][0]
    prompt["2"]["inputs"]["language"] = "de"
    report = json.loads(run(prompt)["outputs"]["3"]["text"][0])
    assert report["method"] == "energy"
    assert report["note"]


@pytest.mark.parametrize(
    ("class_type", "values", "message"),
    [
        ("MySpinBot_VoiceProfile", {"engine": "xtts"}, 'pip install "coqui-tts[codec]"'),
        ("MySpinBot_VoiceProfile", {"engine": "f5"}, "pip install"),
        ("MySpinBot_VoiceProfile", {"language": "ja"}, "does not speak 'ja'"),
        ("MySpinBot_Speak", {"language": "ja"}, "does not speak 'ja'"),
        ("MySpinBot_Speak", {"text": "🎉🎉"}, "no words"),
        ("MySpinBot_Speak", {"text": "Wait [pause long] here."}, "pause"),
        ("MySpinBot_Speak", {"pronunciations": "Nguyen"}, "line 1"),
        ("MySpinBot_Speak", {"speed": 5.0}, "speed"),
    ],
    ids=str,
)
def test_a_wrong_value_is_a_clear_error(class_type, values, message, clone, run):
    inputs_of(clone, class_type).update(values)
    with pytest.raises(PromptRejectedError) as failure:
        run(clone)
    assert message in str(failure.value)


def chord(seconds):
    time = np.arange(round(24_000 * seconds)) / 24_000
    return 0.2 * sum(np.sin(2 * np.pi * hz * time) for hz in (220.0, 277.2, 329.6))


SOUNDS = {
    "silence": (lambda clip: np.zeros(24_000 * 6), "silen"),
    "music": (lambda clip: chord(8), "voice"),
    "half a second": (lambda clip: clip[:12_000], "speech"),
    "noise": (lambda clip: np.random.default_rng(0).uniform(-0.3, 0.3, 24_000 * 6), "voice"),
}


@pytest.mark.parametrize("case", SOUNDS)
def test_a_clip_of_no_use_is_a_clear_error(case, clone, run, upload, samples_dir, tmp_path):
    make, word = SOUNDS[case]
    clip = read_audio(samples_dir / "voice.wav").mono().resampled(24_000).samples[0]
    (tmp_path / "clip.wav").write_bytes(wav(make(clip)))
    inputs_of(clone, "LoadAudio")["audio"] = upload(tmp_path / "clip.wav")
    with pytest.raises(PromptRejectedError) as failure:
        run(clone)
    assert word in str(failure.value).lower()


def test_a_ten_minute_recording_is_used_in_part(clone, run, upload, samples_dir, tmp_path):
    clip = read_audio(samples_dir / "voice.wav").mono()
    words = inputs_of(clone, "MySpinBot_VoiceProfile")["transcript"]
    times = round(600 / clip.duration_s)
    long = Audio(np.tile(clip.samples, times), clip.rate)
    path = write_sound(tmp_path / "long.mp3", long, 44_100, "stereo")
    inputs_of(clone, "LoadAudio")["audio"] = upload(path)
    inputs_of(clone, "MySpinBot_VoiceProfile")["transcript"] = " ".join([words] * times)
    report = report_of(clone, run(clone))
    assert any("only what is said from" in warning for warning in report["warnings"])
    assert 10 < len(report["transcript"].split()) < 60


def test_doubtful_clips_are_warned_of(clone, run, upload, samples_dir, tmp_path):
    inputs_of(clone, "MySpinBot_VoiceProfile")["transcript"] = (
        "Nothing of this was ever said by anybody in the recording that you gave to me today."
    )
    warnings = report_of(clone, run(clone))["warnings"]
    assert any("transcript" in warning.lower() for warning in warnings), warnings
    woman, man = (
        read_audio(samples_dir / name).mono().resampled(24_000).samples[0]
        for name in ("voice.wav", "voice_man.wav")
    )
    (tmp_path / "two.wav").write_bytes(wav(np.concatenate([woman, man])))
    inputs_of(clone, "LoadAudio")["audio"] = upload(tmp_path / "two.wav")
    warnings = report_of(clone, run(clone))["warnings"]
    assert any("speaker" in warning or "person" in warning for warning in warnings), warnings


def test_the_help_pages_name_every_input(comfy):
    for name in ("VoiceProfile", "Speak", "AlignSpeech"):
        info = get(comfy, f"/object_info/MySpinBot_{name}")[f"MySpinBot_{name}"]["input"]
        page = (ROOT / "js" / "docs" / f"MySpinBot_{name}.md").read_text("utf-8")
        for field in {**info["required"], **info.get("optional", {})}:
            assert f"| {field} |" in page, field
