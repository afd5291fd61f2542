"""A talking video by the official template's graph, its chunks wired by hand, and by Talking Video.

Both on the same tiny models with random weights, portrait and sound, each in a ComfyUI of its own.
The template (video_wan2_1_infinitetalk) has two chunks and says to copy the second one's nodes for
more; its joints drop no frames, and a chunk is given the frames of the one before it.

Run: OMP_NUM_THREADS=1 python -m benchmarks.talking_video [--seconds S]
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from myspinbot.client.graph import Graph
from myspinbot.client.server import ComfyServer
from myspinbot.video import probe
from scripts.environment import BASE, ROOT
from scripts.serving import ComfyProcess

sys.path.append(str(ROOT / "tests"))
import talking_videos as tiny

MIB = 2**20
SIDE = 64
SIZES = (21, 5), (81, 9)
"""Frames of a window, and how many of them the next one knows; the models' own are the last."""
PACK = Path(__file__).parent / "overhearing"


@dataclass(frozen=True)
class Result:
    frames: int
    shown_twice: int
    offset_s: float
    peak_mib: float
    cpu_s: float


def template(image: str, audio: str, chunks: int, window: int, motion: int) -> Graph:
    """The official graph with its second chunk copied as often as needed."""
    graph = Graph()
    given = tiny.loaders(graph, image, audio)
    model, vae = given["model"], given["vae"]
    heard = graph.add(
        "AudioEncoderEncode", audio_encoder=given["audio_encoder"], audio=given["audio"]
    )
    sampler = graph.add("KSamplerSelect", sampler_name="euler")
    sigmas = graph.add("BasicScheduler", model=model, scheduler="normal", steps=1, denoise=1.0)
    joined = before = None
    for chunk in range(chunks):
        extended: dict[str, Any] = {"previous_frames": before} if before else {}
        shaped = graph.add(
            "WanInfiniteTalkToVideo",
            mode="single_speaker",
            model=model,
            model_patch=given["model_patch"],
            positive=given["positive"],
            negative=given["negative"],
            vae=vae,
            width=SIDE,
            height=SIDE,
            length=window,
            start_image=given["image"],
            audio_encoder_output_1=heard,
            motion_frame_count=motion,
            audio_scale=1.0,
            **extended,
        )
        sampled = graph.add(
            "SamplerCustomAdvanced",
            noise=graph.add("RandomNoise", noise_seed=chunk),
            guider=graph.add(
                "CFGGuider", model=shaped, positive=shaped.out(1), negative=shaped.out(2), cfg=1.0
            ),
            sampler=sampler,
            sigmas=sigmas,
            latent_image=shaped.out(3),
        )
        before = graph.add("VAEDecode", samples=sampled, vae=vae)
        joined = graph.add("ImageBatch", image1=joined, image2=before) if joined else before
    video = graph.add("CreateVideo", images=joined, fps=25.0, audio=given["audio"])
    graph.add("SaveVideo", video=video, filename_prefix="long", format="mp4", codec="h264")
    return graph


def render(models: Path, graph: Graph, folder: Path, window: int, motion: int) -> Result:
    """Queue `graph` in a new ComfyUI; what is trimmed at a joint is seen in the file's length."""
    packs = folder / "packs"
    packs.mkdir()
    (packs / "overhearing").symlink_to(PACK, target_is_directory=True)
    paths = folder / "paths.yaml"
    paths.write_text((models / "paths.yaml").read_text("utf-8") + f"\n  custom_nodes: {packs}\n")
    options = ["--extra-model-paths-config", str(paths)]
    for name in ("output", "temp", "user"):
        (folder / name).mkdir()
        options += [f"--{name}-directory", str(folder / name)]
    options += ["--input-directory", str(models)]
    with ComfyProcess(BASE, folder / "server.log", *options) as server:

        async def session() -> None:
            async with ComfyServer(server.url) as client:
                await client.run(graph.queued())

        cpu_s = server.cpu_seconds()
        asyncio.run(session())
        cpu_s, peak = server.cpu_seconds() - cpu_s, server.take_peak_rss()
    (path,) = (folder / "output").glob("long*.mp4")
    frames = probe(path)["frames"]
    heard = [np.load(each) for each in sorted((folder / "output").glob("heard_*.npy"))]
    new = window - motion
    kept = frames > window + (len(heard) - 1) * new  # more than is new: nothing was trimmed
    starts = [chunk * (window if kept else new) for chunk in range(len(heard))]
    whole = models / "whole.npy"
    if not whole.exists():  # the template's graph encodes the sound in one piece
        shutil.copy(folder / "output" / "given.npy", whole)
    errors = [
        abs(time_s(each[: window // 2], np.load(whole)) - (start + 0.5) / tiny.FPS)
        for each, start in zip(heard, starts, strict=True)
    ]
    added = window + (len(heard) - 1) * new
    return Result(frames, max(frames - added, 0), max(errors), peak / MIB, cpu_s)


def time_s(heard: np.ndarray, whole: np.ndarray) -> float:
    """When in the whole sound (features, 50 a second) the middle of the first row heard lies.

    Rows are 25 a second, out of one or two features each: where they differ least.
    """
    between = np.repeat(whole, 2, axis=0)
    between[1:-1:2] = (whole[:-1] + whole[1:]) / 2
    places = range(len(between) - 4 * (len(heard) - 1))
    best = min(places, key=lambda at: float(np.square(between[at::4][: len(heard)] - heard).sum()))
    return (best / 2 * 320 + 200) / 16000  # a feature hears 400 samples, the next one begins at 320


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=7.88)
    seconds = parser.parse_args().seconds
    wanted = round(seconds * tiny.FPS)
    print(f"{seconds} s of speech, {wanted} frames of {SIDE}x{SIDE}")
    print("| windows | graph | frames | shown twice | heard, off by | peak RSS | CPU-s |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        models = Path(temporary) / "models"
        folders = tiny.tiny_models.FOLDERS | tiny.tiny_video_models.FOLDERS
        lines = ["benchmark:", f"  base_path: {models}"]
        lines += [f"  {name}: {name}" for name in sorted(set(folders.values()))]
        tiny.models(models)
        (models / "paths.yaml").write_text("\n".join(lines), "utf-8")
        image, sound = tiny.portrait(models).name, tiny.speech(models, seconds).name
        for window, motion in SIZES:
            sizes = {"window_frames": window, "motion_frames": motion, "scheduler": "normal"}
            graphs = {
                "template": template(image, sound, -(-wanted // window), window, motion),
                "Talking Video": tiny.infinitetalk(image, sound, **sizes),
            }
            for name, graph in graphs.items():
                folder = Path(temporary) / f"{name} {window}"
                folder.mkdir()
                found = render(models, graph, folder, window, motion)
                print(
                    f"| {window}, {motion} known | {name} | {found.frames} | {found.shown_twice} "
                    f"| {found.offset_s:.2f} s | {found.peak_mib:.0f} MiB | {found.cpu_s:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
