"""A talking video by the official template's graph, its chunks wired by hand, and by Talking Video.

Both on the same tiny models with random weights, portrait and sound, each in a ComfyUI of its own.
The template (video_wan2_1_infinitetalk) has two chunks and says to copy the second one's nodes for
more; its joints drop no frames, and a chunk is given the frames of the one before it.

Run: OMP_NUM_THREADS=1 python -m benchmarks.talking_video [--seconds S] [--window N] [--motion N]
"""

from __future__ import annotations

import argparse
import asyncio
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
    whole = np.load(models / "whole.npy") if (models / "whole.npy").exists() else None
    if whole is None:  # the template's server encodes the sound in one piece
        whole = np.load(folder / "output" / "whole.npy")
        np.save(models / "whole.npy", whole)
    errors = [
        abs(place(each[: window // 2], whole) - start)
        for each, start in zip(heard, starts, strict=True)
    ]
    return Result(
        frames,
        frames - min(frames, window + (len(heard) - 1) * new),
        max(errors) / tiny.FPS,
        peak / MIB,
        cpu_s,
    )


def place(heard: np.ndarray, whole: np.ndarray) -> int:
    """The frame of the whole sound at which what was heard begins: where it differs least."""
    places = range(len(whole) - len(heard) + 1)
    return min(places, key=lambda at: float(np.square(whole[at : at + len(heard)] - heard).sum()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=7.88)
    parser.add_argument("--window", type=int, default=tiny.WINDOW)
    parser.add_argument("--motion", type=int, default=tiny.MOTION)
    chosen = parser.parse_args()
    window, motion = chosen.window, chosen.motion
    wanted = round(chosen.seconds * tiny.FPS)
    with tempfile.TemporaryDirectory() as temporary:
        models = Path(temporary) / "models"
        folders = tiny.tiny_models.FOLDERS | tiny.tiny_video_models.FOLDERS
        lines = ["benchmark:", f"  base_path: {models}"]
        lines += [f"  {name}: {name}" for name in sorted(set(folders.values()))]
        tiny.models(models)
        (models / "paths.yaml").write_text("\n".join(lines), "utf-8")
        image, sound = tiny.portrait(models).name, tiny.speech(models, chosen.seconds).name
        sizes = {"window_frames": window, "motion_frames": motion, "width": SIDE, "height": SIDE}
        graphs = {
            "template": template(image, sound, -(-wanted // window), window, motion),
            "Talking Video": tiny.infinitetalk(image, sound, scheduler="normal", **sizes),
        }
        print(f"{chosen.seconds} s of speech, {wanted} frames; windows of {window}, {motion} known")
        print("| graph | frames | shown twice | heard, off by | peak RSS | CPU-s |")
        print("|---|---|---|---|---|---|")
        for name, graph in graphs.items():
            folder = Path(temporary) / name
            folder.mkdir()
            found = render(models, graph, folder, window, motion)
            print(
                f"| {name} | {found.frames} | {found.shown_twice} | {found.offset_s:.2f} s "
                f"| {found.peak_mib:.0f} MiB | {found.cpu_s:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
