"""Talking Video in a real ComfyUI, on tiny random models: frames, sound, memory, crashes."""

import asyncio
import json
import re
import shutil
import wave
from types import SimpleNamespace

import numpy as np
import pytest
import talking_videos as tiny
import tiny_upscalers
import tiny_video_models
from prompts import cancelled, get, inputs_of

from myspinbot.client.server import ComfyServer
from myspinbot.errors import PromptRejectedError, ServerUnreachableError
from myspinbot.video import FileFrames, probe
from scripts.environment import BASE, ROOT, TRANSCRIPT
from scripts.serving import ComfyProcess
from workflows import video_models

pytestmark = pytest.mark.comfy

SECONDS = 6.6
"""Ten windows."""
MIB = 2**20


@pytest.fixture(scope="module")
def models(extra_models):
    tiny.models(extra_models)
    return extra_models


@pytest.fixture(scope="module")
def given(models, comfy):
    """Names of a portrait and a speech in the shared server's input folder."""
    folder = comfy.log.parent / "input"
    return tiny.portrait(folder).name, tiny.speech(folder, SECONDS).name


@pytest.fixture(scope="module")
def whole(given, comfy):
    """Ten windows, rendered undisturbed, and the files that are kept of them."""
    began, events = len(comfy.log.read_text("utf-8", "replace")), []
    comfy.take_peak_rss()
    prompt = tiny.quickly(tiny.infinitetalk(*given)).queued()
    entry = asyncio.run(queue(comfy, prompt, listed(events)))
    path = saved(comfy, entry)
    return SimpleNamespace(
        prompt=prompt,
        entry=entry,
        events=events,
        path=path,
        frames=frames_of(path),
        windows=contents(comfy.log.parent / "user"),
        peak_bytes=comfy.take_peak_rss(),
        log=comfy.log.read_text("utf-8", "replace")[began:],
    )


def listed(events):
    return lambda kind, data: events.append((kind, data))


async def queue(comfy, prompt, event):
    async with ComfyServer(comfy.url) as client:
        return await client.run(prompt, event)


def shown(entry, kind):
    """Names of the videos of a run that lie in the folder of a `kind`."""
    items = [item for output in entry["outputs"].values() for item in output.get("images", [])]
    return [item["filename"] for item in items if item["type"] == kind]


def saved(comfy, entry):
    (name,) = shown(entry, "output")
    return comfy.log.parent / "output" / name


def frames_of(path):
    return np.stack([frame.copy() for frame in FileFrames(path).frames()])


def store(user):
    return user / "__myspinbot" / "talking_video"


def contents(user):
    return {path.name: path.read_bytes() for path in store(user).iterdir()}


def distance(film, other):
    """Mean over all pixels, in levels; of noise, which these films are, H.264 keeps little."""
    return np.abs(film.astype(int) - other).mean()


def test_frames_and_sound_are_exact_and_no_frame_comes_twice(whole):
    assert tiny.windows_of(whole.events) == 10
    assert whole.frames.shape == (round(SECONDS * tiny.FPS), 64, 64, 3)
    found = probe(whole.path)
    assert found["fps"] == tiny.FPS
    assert abs(found["audio_s"] - SECONDS) <= 1024 / 16000, "whole AAC frames"
    steps = np.abs(np.diff(whole.frames.astype(int), axis=0)).mean((1, 2, 3))
    joints = [20 + 16 * index for index in range(9)]
    assert steps[joints].min() > 0.3 * np.median(steps)


def test_what_it_takes_is_said_before_and_what_there_is_shown_on_the_way(whole, comfy):
    forecast = whole.log.index("6.6 s: 10 windows; peak memory about")
    first = whole.log.index("Window 1 of 10")
    assert forecast < first < whole.log.index("InfiniteTalk: Processing")
    about_gb = float(whole.log[forecast:].split("peak memory about ")[1].split()[0])
    assert about_gb == pytest.approx(whole.peak_bytes / 1e9, rel=0.25)
    assert re.search(r"Window 10 of 10, about \d+ s left", whole.log)
    report = next(text for out in whole.entry["outputs"].values() for text in out.get("text", []))
    assert '"windows": 10' in report
    folder = comfy.log.parent / "temp" / "temp"  # core adds the second
    previews = [probe(folder / name) for name in shown(whole.entry, "temp")]
    assert [each["frames"] for each in previews] == [21, 37, 53, 85, 133]
    assert all(each["audio_codec"] == "aac" for each in previews)


def test_killed_in_window_six_it_continues(whole, comfy, models, tmp_path):
    """Five windows are left, no more; all ten are what an undisturbed run makes."""
    folders = {name: tmp_path / name for name in ("output", "temp", "user")}
    for folder in folders.values():
        folder.mkdir()
    folders["input"] = comfy.log.parent / "input"
    options = [word for n, path in folders.items() for word in (f"--{n}-directory", str(path))]
    options += ["--extra-model-paths-config", str(models / "paths.yaml")]
    with ComfyProcess(BASE, tmp_path / "killed.log", *options) as killed:

        def kill(kind, data):
            if kind == "executing" and str(data.get("node")).endswith(".W6.Sample"):
                killed.child.kill()

        with pytest.raises(ServerUnreachableError):
            asyncio.run(queue(killed, whole.prompt, kill))

    left = store(folders["user"])
    assert sorted(probe(path)["frames"] for path in left.glob("*.mp4")) == [16, 16, 16, 16, 21]
    shutil.rmtree(store(comfy.log.parent / "user"))
    shutil.copytree(left, store(comfy.log.parent / "user"))
    asyncio.run(forget(comfy))
    events = []
    entry = asyncio.run(queue(comfy, whole.prompt, listed(events)))
    assert tiny.windows_of(events) == 5
    assert contents(comfy.log.parent / "user") == whole.windows, "to the last bit"
    assert distance(frames_of(saved(comfy, entry)), whole.frames) < 4


async def forget(comfy):
    async with ComfyServer(comfy.url) as client:
        await client.session.post(f"{comfy.url}/free", json={"free_memory": True})
        await asyncio.sleep(2)  # honoured between prompts


def test_only_the_last_sentence_is_made_again(whole, given, run, upload, comfy, tmp_path):
    sound = bytearray((comfy.log.parent / "input" / given[1]).read_bytes())
    start = 44 + 2 * round(6.3 * 16000)  # heard from 4.3 s on: windows 7 to 10
    sound[start:] = bytes(len(sound) - start)
    (tmp_path / "other.wav").write_bytes(sound)
    again, user = [], comfy.log.parent / "user"
    before = contents(user)
    graph = tiny.quickly(tiny.infinitetalk(given[0], upload(tmp_path / "other.wav")))
    other = frames_of(saved(comfy, run(graph.queued(), listed(again))))
    assert tiny.windows_of(again) == 4
    kept = 21 + 5 * 16
    assert distance(whole.frames[:kept], other[:kept]) < 4
    made = [data for name, data in contents(user).items() if name not in before]
    assert len(made) == 8
    assert set(made) - set(whole.windows.values()), "another sound, other pictures"


def test_nothing_grows_with_the_windows(whole, given, run, comfy):
    """Thirty windows of four frames: memory, what tensors hold of it, and ComfyUI's messages.

    Single samples of resident memory differ by tens of MiB; thirds of thirty do not.
    """
    peaks, reported = [], []

    def watch(kind, data):
        if kind == "executing" and str(data.get("node")).endswith(".Hear"):
            peaks.append(comfy.take_peak_rss())
        if kind == "progress_state":
            reported.append(len(data["nodes"]))

    audio = tiny.speech(comfy.log.parent / "input", 5.0, "short windows.wav")
    small = {"window_frames": 9, "motion_frames": 5, "width": 32, "height": 32}
    graph = tiny.infinitetalk(given[0], audio.name, **small)
    run(tiny.quickly(graph, counting=True).queued(), watch)
    held = get(comfy, "/tests/tensors")
    assert len(peaks) == len(held) == 30
    assert growth(peaks[2:]) <= 2 * MIB, [size // MIB for size in peaks]
    # a frame has 12 KB; at 832 x 480 px the limit would be 2 MB a window
    assert growth(held[2:]) < 5 * 1024, held
    assert max(reported) < 25


def test_windows_that_disappear_on_the_way_are_made_again(given, run, comfy):
    """Somebody empties the store while the third of five windows is sampled."""
    events, user = [], comfy.log.parent / "user"

    def empty(kind, data):
        events.append((kind, data))
        if sampling(3)(kind, data):
            for path in store(user).iterdir():
                path.unlink()

    audio = tiny.speech(comfy.log.parent / "input", 3.4, "emptied.wav")
    small = {"width": 32, "height": 32, "seed": 8}
    entry = run(tiny.quickly(tiny.infinitetalk(given[0], audio.name, **small)).queued(), empty)
    assert len(frames_of(saved(comfy, entry))) == 85
    assert tiny.windows_of(events) == 5 + 2


def growth(values):
    """From one value to the next, by the medians of the first and of the last third."""
    first, second, last = np.array_split(values, 3)
    return (np.median(last) - np.median(first)) / (len(first) / 2 + len(second) + len(last) / 2)


def sampling(window):
    """Whether an event says that a window is being sampled."""
    return lambda kind, data: (
        kind == "executing" and str(data.get("node")).endswith(f".W{window}.Sample")
    )


def test_cancel_takes_no_two_seconds(given, comfy):
    prompt = tiny.quickly(tiny.infinitetalk(*given, steps=30, seed=5)).queued()
    assert cancelled(comfy, prompt, sampling(1)) < 2


def test_half_an_hour_is_not_heard_at_once(given, whole, comfy, tmp_path):
    """The features of all of it would be 3.6 GB."""
    minute = tiny.speech(tmp_path, 60)
    audio = comfy.log.parent / "input" / "half an hour.wav"
    with wave.open(str(minute)) as once, wave.open(str(audio), "wb") as file:
        file.setparams(once.getparams())
        file.writeframes(30 * once.readframes(once.getnframes()))
    comfy.take_peak_rss()
    before = comfy.take_peak_rss()
    prompt = tiny.quickly(tiny.infinitetalk(given[0], audio.name, steps=30)).queued()
    cancelled(comfy, prompt, sampling(3))
    assert "1800.0 s: 2813 windows" in comfy.log.read_text("utf-8", "replace")
    sound = 1800 * 16000 * 4  # as LoadAudio makes it
    assert comfy.take_peak_rss() - before < 2.5 * sound + 100 * MIB


def test_a_disk_that_cannot_hold_it_is_refused_at_once(given, run, upload, tmp_path):
    long = upload(tiny.speech(tmp_path, 300, "long.wav"))
    size = {"width": 4096, "height": 4096, "window_frames": 37, "motion_frames": 33}
    events = []
    with pytest.raises(PromptRejectedError, match=r"1867 windows of 4096x4096 need .* GB free"):
        run(tiny.quickly(tiny.infinitetalk(given[0], long, **size)).queued(), listed(events))
    assert not tiny.windows_of(events)


def test_two_speakers_take_turns(given, run, upload, download, tmp_path):
    graph = tiny.infinitetalk(given[0], upload(tiny.speech(tmp_path, 0.6, "first.wav")), seed=3)
    tiny.quickly(graph)
    node = inputs_of(graph.nodes, "MySpinBot_TalkingVideo")
    second = graph.add("LoadAudio", audio=upload(tiny.speech(tmp_path, 0.5, "second.wav", 1)))
    masks = [graph.add("SolidMask", value=1.0, width=w, height=h) for w, h in ((64, 64), (90, 40))]
    node.update(audio_2=second.out(0), mask_1=masks[0].out(0), mask_2=masks[1].out(0))
    node.update(colour_match=0.5, zoom=1.2, pan_x=1.0, pan_y=-1.0)
    events = []
    found = probe(download(run(graph.queued(), listed(events))))
    assert tiny.windows_of(events) == 2
    assert found["frames"] == round(1.1 * tiny.FPS)
    assert found["audio_s"] == pytest.approx(1.1, abs=0.07)
    del node["mask_2"]
    with pytest.raises(PromptRejectedError, match="all three of audio_2, mask_1 and mask_2"):
        run(graph.queued())


def test_s2v_continues_its_latents(models, given, run, upload, download, tmp_path):
    tiny_video_models.build(models, "s2v")
    audio = upload(tiny.speech(tmp_path, 3.0, "three.wav"))
    events = []
    path = download(run(tiny.quickly(tiny.s2v(given[0], audio)).queued(), listed(events)))
    assert tiny.windows_of(events) == 3
    frames, found = frames_of(path), probe(path)
    assert (len(frames), found["fps"]) == (48, 16)
    assert found["audio_s"] == pytest.approx(3.0, abs=0.07)
    steps = np.abs(np.diff(frames.astype(int), axis=0)).mean((1, 2, 3))
    assert not steps[:2].max() > 2, "the first frames, which the model leaves raw, show the third"
    assert steps[[19, 39]].min() > 0.2 * np.median(steps[2:])
    with pytest.raises(PromptRejectedError, match="has one speaker and no colour_match"):
        run(tiny.quickly(tiny.s2v(given[0], audio, colour_match=0.5)).queued())


WRONG = {
    "S2V with a patch": ("i2v", "s2v", "model has to be Wan 2.1 I2V.* but it is WAN22_S2V"),
    "the VAE of images": ("vae", 2, "vae has 4 channels in 2 dimensions"),
    "a net of images": ("model", 0, "but it is SD15"),
    "other ears": ("wav2vec_base", "wav2vec_large", "needs 768: load wav2vec 2.0 base"),
    "no patch": ("model_patch", None, "Without a model_patch .* but it is WAN21_I2V"),
}


@pytest.mark.parametrize("case", WRONG)
def test_models_that_do_not_fit_are_named(case, given, models, run):
    """A file of another kind, or an input from the checkpoint loader, node 1."""
    tiny_video_models.build(models, "s2v", "wav2vec_large")
    name, other, words = WRONG[case]
    graph = tiny.infinitetalk(*given)
    node = inputs_of(graph.nodes, "MySpinBot_TalkingVideo")
    if other is None:
        del node[name]
    elif name in node:
        node[name] = ["1", other]
    else:
        prompt = json.dumps(graph.nodes).replace(f"tiny_{name}", f"tiny_{other}")
        graph.nodes = json.loads(prompt)
    with pytest.raises(PromptRejectedError, match=words):
        run(graph.queued())


def test_the_inner_nodes_are_not_in_the_menu(comfy):
    info = get(comfy, "/object_info")
    inner = {name for name in info if name.startswith("MySpinBot_TalkingVideo")}
    inner.remove("MySpinBot_TalkingVideo")
    assert len(inner) == 4
    assert all(info[name]["dev_only"] for name in inner)


def test_the_help_page_names_every_input(comfy):
    info = get(comfy, "/object_info/MySpinBot_TalkingVideo")["MySpinBot_TalkingVideo"]["input"]
    page = (ROOT / "js" / "docs" / "MySpinBot_TalkingVideo.md").read_text("utf-8")
    fields = {**info["required"], **info["optional"]}
    assert [field for field in fields if f"| {field} |" not in page] == []


@pytest.mark.parametrize("name", ["talking_bot_infinitetalk", "talking_bot_s2v"])
def test_the_shipped_workflow_runs_on_tiny_models(name, models, samples_dir, run, upload, download):
    """As it is, but for the files of the models, few steps, few words and a small picture."""
    tiny_video_models.build(models, "s2v", "wav2vec_large")
    tiny_upscalers.write_upscaler(models / "upscale_models" / "tiny_x2.safetensors")
    tiny.text_encoder(models)
    tiny_upscalers.write_restorer(models / "facerestore_models" / "tiny_restorer.safetensors")
    graph, _ = getattr(video_models, name)()
    infinite = name.endswith("infinitetalk")
    files = {
        "unet_name": "tiny_i2v.safetensors" if infinite else "tiny_s2v.safetensors",
        "name": "tiny_infinitetalk.safetensors",
        "audio_encoder_name": f"tiny_wav2vec_{'base' if infinite else 'large'}.safetensors",
        "vae_name": "tiny_wan_vae.safetensors",
        "clip_name": "tiny_clip.safetensors",
        "lora_name": "tiny_lora.safetensors",
        "model_name": "tiny_x2.safetensors",
    }
    prompt = graph.nodes
    for node in prompt.values():
        node["inputs"].update({key: files[key] for key in files if key in node["inputs"]})
    inputs_of(prompt, "LoadImage")["image"] = upload(samples_dir / "hopper.jpg")
    inputs_of(prompt, "LoadAudio")["audio"] = upload(samples_dir / "voice.wav")
    inputs_of(prompt, "MySpinBot_VoiceProfile").update(transcript=TRANSCRIPT, fit_steps=0)
    inputs_of(prompt, "MySpinBot_WriteNarration")["narration"] = "Good morning."
    small = {"steps": 1, "width": 64, "height": 64, "window_frames": 33}
    inputs_of(prompt, "MySpinBot_TalkingVideo").update(small)
    found = probe(download(run(graph.queued())))
    assert found["fps"] == (25 if infinite else 16)
    assert found["width"] == (128 if infinite else 64), "upscaled"
    assert 1 < found["audio_s"] < 3
    assert found["frames"] == pytest.approx(found["audio_s"] * found["fps"], abs=2)
    if graph.bypassed:  # the same again, with the nodes that the user may switch on
        loader = inputs_of(prompt, "MySpinBot_FaceRestorerLoader")
        loader["model_name"] = "tiny_restorer.safetensors"
        graph.bypassed.clear()
        again = []
        restored = probe(download(run(graph.queued(), listed(again))))
        assert restored == found
        lines = [data["text"] for kind, data in again if kind == "text"]
        assert any(f"of {found['frames']} frames show a face" in line for line in lines), lines
