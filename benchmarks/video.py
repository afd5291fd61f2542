"""A film enlarged and saved by core's nodes and by ours: memory over the length, and CPU time.

Each run is queued in a ComfyUI of its own, on a small net with random weights (Real-ESRGAN's
Compact, 16 channels), so that what is around the net counts. Core holds every frame in memory: it
is run as long as half of what is free suffices, and else its slope tells. "all" also restores
faces, by a net of one layer, and burns captions in.

Run: OMP_NUM_THREADS=1 python -m benchmarks.video [--frames N ...] [--chain core|ours|all ...]
Ten minutes: --chain all --frames 1000 15000 (40 CPU-minutes)
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import psutil

from myspinbot.audio import Audio, read_audio
from myspinbot.client.graph import Graph, Node
from myspinbot.client.server import ComfyServer
from myspinbot.video import probe, write_mp4
from scripts.environment import BASE, ROOT, SAMPLES
from scripts.serving import ComfyProcess

sys.path.append(str(ROOT / "tests"))
import faces
import tiny_upscalers

SIDE_PX, FPS = 512, 25
FRAMES = (125, 250, 500, 1000)
PACK = Path(__file__).parent / "plain_restorer"
NET = "small_x2.safetensors"
MIB = 2**20


class Film:
    """The sample portrait, which drifts, and the sample voice again and again."""

    width = height = SIDE_PX
    fps = Fraction(FPS)

    def __init__(self, frames: int):
        image = faces.read_rgb(SAMPLES / "hopper.jpg")
        self._image = cv2.resize(image, (SIDE_PX, SIDE_PX))
        self.frame_count = frames
        voice = read_audio(SAMPLES / "voice.wav")
        self.audio = Audio(np.resize(voice.samples, (1, frames * voice.rate // FPS)), voice.rate)

    def frames(self) -> Iterator[np.ndarray]:
        for number in range(self.frame_count):
            yield np.roll(self._image, round(6 * np.sin(number / 20)), axis=1)


def core(film: str) -> Graph:
    """What a user of core's nodes builds."""
    graph = Graph()
    parts = graph.add("GetVideoComponents", video=graph.add("LoadVideo", file=film))
    large = graph.add(
        "ImageUpscaleWithModel",
        upscale_model=graph.add("UpscaleModelLoader", model_name=NET),
        image=parts,
    )
    video = graph.add("CreateVideo", images=large, audio=parts.out(1), fps=parts.out(2))
    graph.add("SaveVideo", video=video, filename_prefix="made", format="mp4", codec="h264")
    return graph


def ours(film: str) -> Graph:
    graph = Graph()
    _save(graph, _enlarged(graph, film))
    return graph


def everything(film: str) -> Graph:
    graph = Graph()
    restored = graph.add(
        "MySpinBot_RestoreFaces",
        video=_enlarged(graph, film),
        restorer=graph.add("PlainRestorer"),
        strength=0.8,
        keep_likeness=True,
    )
    spoken = "1\n00:00:00,000 --> 00:59:59,000\nA line of captions\n"
    captioned = graph.add(
        "MySpinBot_BurnCaptions",
        video=restored,
        captions=spoken,
        position="bottom",
        style="outline",
        size_percent=5.0,
        colour="#ffffff",
        safe_area_percent=6.0,
        font="Noto Sans",
    )
    _save(graph, captioned)
    return graph


def _enlarged(graph: Graph, film: str) -> Node:
    return graph.add(
        "MySpinBot_UpscaleVideo",
        video=graph.add("LoadVideo", file=film),
        upscale_model=graph.add("UpscaleModelLoader", model_name=NET),
        scale_by=2.0,
        longest_side_px=0,
    )


def _save(graph: Graph, video: Node) -> None:
    graph.add(
        "MySpinBot_SaveTalkingBot",
        video=video,
        filename_prefix="made",
        crf=18,
        preset="veryfast",
        loudness="as it is",
        disclosure=False,
    )


CHAINS = {"core": core, "ours": ours, "all": everything}


@dataclass(frozen=True)
class Result:
    base_mib: float
    peak_mib: float
    cpu_s: float


def render(chain: str, frames: int, folder: Path) -> Result:
    """One film through one chain, in a new ComfyUI."""
    for name in ("input", "output", "temp", "user", "models"):
        (folder / name).mkdir(parents=True)
    tiny_upscalers.write_upscaler(folder / "models" / NET, width=16)
    paths = folder / "paths.yaml"
    lines = ["benchmark:", f"  base_path: {folder}", "  upscale_models: models"]
    packs = folder / "packs"
    packs.mkdir()
    (packs / PACK.name).symlink_to(PACK, target_is_directory=True)
    paths.write_text("\n".join([*lines, "  custom_nodes: packs"]), "utf-8")
    options = ["--extra-model-paths-config", str(paths)]
    for name in ("input", "output", "temp", "user"):
        options += [f"--{name}-directory", str(folder / name)]
    write_mp4(folder / "input" / "film.mp4", Film(frames), crf=12)
    with ComfyProcess(BASE, folder / "server.log", *options) as server:
        base = psutil.Process(server.child.pid).memory_info().rss

        async def session() -> None:
            async with ComfyServer(server.url) as client:
                await client.run(CHAINS[chain]("film.mp4").queued())

        server.take_peak_rss()
        cpu_s = server.cpu_seconds()
        asyncio.run(session())
        cpu_s, peak = server.cpu_seconds() - cpu_s, server.take_peak_rss()
    (made,) = (folder / "output").glob("made*.mp4")
    found = probe(made)
    assert (found["frames"], found["width"], found["height"]) == (frames, 2 * SIDE_PX, 2 * SIDE_PX)
    return Result(base / MIB, peak / MIB, cpu_s)


def suffices(known: dict[int, Result], frames: int) -> bool:
    """Whether half of the free memory takes what the lengths before let expect."""
    if not known:
        return True
    longest = max(known)
    each_mib = (known[longest].peak_mib - known[longest].base_mib) / longest
    return each_mib * frames < psutil.virtual_memory().available / MIB / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=FRAMES)
    parser.add_argument("--chain", choices=CHAINS, nargs="+", default=["core", "ours"])
    chosen = parser.parse_args()
    print("| chain | frames | peak RSS | CPU-s | CPU-s per frame |\n|---|---|---|---|---|")
    results: dict[str, dict[int, Result]] = {}
    for chain in chosen.chain:
        known = results.setdefault(chain, {})
        for frames in sorted(chosen.frames):
            if not suffices(known, frames):
                print(f"| {chain} | {frames} | more than there is | | |", flush=True)
                continue
            with tempfile.TemporaryDirectory() as folder:
                found = known[frames] = render(chain, frames, Path(folder))
            print(
                f"| {chain} | {frames} | {found.peak_mib:.0f} MiB (over {found.base_mib:.0f}) "
                f"| {found.cpu_s:.1f} | {found.cpu_s / frames:.4f} |",
                flush=True,
            )
    for chain, known in results.items():
        if len(known) > 1:
            few, many = min(known), max(known)
            more, first = known[many], known[few]
            print(
                f"{chain}: each frame beyond {few} takes "
                f"{(more.peak_mib - first.peak_mib) / (many - few):.2f} MiB and "
                f"{(more.cpu_s - first.cpu_s) / (many - few):.4f} CPU-s; "
                f"peak at {many}: {more.peak_mib / first.peak_mib - 1:+.1%}"
            )


if __name__ == "__main__":
    main()
