"""A film enlarged and saved by core's nodes and by ours: memory over the length, and CPU time.

Each run is queued in a ComfyUI of its own, on a small net with random weights (Real-ESRGAN's
Compact, 16 channels), so that what is around the net counts. Core holds every frame in memory: it
is run as long as half of what is free suffices, and else its slope tells. "ours" encodes as the
pack does by default, "alike" as core does (medium, crf 23); both leave a copy for later stages
besides. "all" is the whole workflow that finishes a film, with a restorer of one layer.

Run: OMP_NUM_THREADS=1 python -m benchmarks.video [--rounds N] [--frames N ...] [--chain NAME ...]
Ten minutes: --chain all --frames 1000 15000 (35 CPU-minutes)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import psutil

from myspinbot.audio import Audio, read_audio
from myspinbot.client.graph import Graph
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
Prompt = dict[str, dict[str, Any]]
"""In API format."""


class Film:
    """The sample portrait, which drifts, and the sample voice again and again."""

    fps = Fraction(FPS)

    def __init__(self, frames: int, side_px: int):
        image = faces.read_rgb(SAMPLES / "hopper.jpg")
        self._image = cv2.resize(image, (side_px, side_px))
        self.width = self.height = side_px
        self.frame_count = frames
        voice = read_audio(SAMPLES / "voice.wav")
        self.audio = Audio(np.resize(voice.samples, (1, frames * voice.rate // FPS)), voice.rate)

    def frames(self) -> Iterator[np.ndarray]:
        for number in range(self.frame_count):
            yield np.roll(self._image, round(6 * np.sin(number / 20)), axis=1)


def core(film: str) -> Prompt:
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
    return graph.queued()


def everything(film: str) -> Prompt:
    """The shipped workflow that finishes a film; only the nets are others."""
    prompt = json.loads((ROOT / "workflows" / "api" / "finish_video.json").read_text("utf-8"))
    _node(prompt, "LoadVideo")["inputs"]["file"] = film
    _node(prompt, "UpscaleModelLoader")["inputs"]["model_name"] = NET
    _node(prompt, "MySpinBot_FaceRestorerLoader").update(class_type="PlainRestorer", inputs={})
    written = _node(prompt, "MySpinBot_BurnCaptions")["inputs"]
    written["captions"] = "1\n00:00:00,000 --> 00:59:59,000\nA line of captions\n"
    return prompt


def ours(film: str) -> Prompt:
    """The part of it that core's nodes can do, too."""
    prompt = everything(film)
    saved = _node(prompt, "MySpinBot_SaveTalkingBot")["inputs"]
    del saved["captions"]
    saved |= {
        "video": _node(prompt, "MySpinBot_RestoreFaces")["inputs"]["video"],
        "loudness": "as it is",
        "disclosure": False,
        "sidecar": "none",
    }
    return prompt


def alike(film: str) -> Prompt:
    """The same, encoded with what core's Save Video chooses."""
    prompt = ours(film)
    _node(prompt, "MySpinBot_SaveTalkingBot")["inputs"] |= {"preset": "medium", "crf": 23.0}
    return prompt


def _node(prompt: Prompt, class_type: str) -> dict[str, Any]:
    return next(node for node in prompt.values() if node["class_type"] == class_type)


CHAINS = {"core": core, "ours": ours, "alike": alike, "all": everything}


@dataclass(frozen=True)
class Result:
    base_mib: float
    peak_mib: float
    cpu_s: float


Known = dict[tuple[str, int], list[Result]]
"""By chain and number of frames."""


def render(chain: str, frames: int, side_px: int, folder: Path) -> Result:
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
    write_mp4(folder / "input" / "film.mp4", Film(frames, side_px), crf=12)
    with ComfyProcess(BASE, folder / "server.log", *options) as server:
        base = psutil.Process(server.child.pid).memory_info().rss

        async def session() -> None:
            async with ComfyServer(server.url) as client:
                await client.run(CHAINS[chain]("film.mp4"))

        server.take_peak_rss()
        cpu_s = server.cpu_seconds()
        asyncio.run(session())
        cpu_s, peak = server.cpu_seconds() - cpu_s, server.take_peak_rss()
    (made,) = (folder / "output").rglob("*.mp4")
    found = probe(made)
    assert (found["frames"], found["width"], found["height"]) == (frames, 2 * side_px, 2 * side_px)
    return Result(base / MIB, peak / MIB, cpu_s)


def suffices(known: Known, chain: str, frames: int) -> bool:
    """Whether half of the free memory takes what the lengths before let expect."""
    shorter = [length for name, length in known if name == chain and length <= frames]
    if not shorter:
        return True
    found = known[chain, max(shorter)][-1]
    each_mib = (found.peak_mib - found.base_mib) / max(shorter)
    return each_mib * frames < psutil.virtual_memory().available / MIB / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=FRAMES)
    parser.add_argument("--chain", choices=CHAINS, nargs="+", default=["core", "alike", "ours"])
    parser.add_argument("--rounds", type=int, default=1, help="of each, in turns")
    parser.add_argument("--side", type=int, default=SIDE_PX, help="of the film, in pixels")
    chosen = parser.parse_args()
    print("| chain | frames | peak RSS | CPU-s | CPU-s per frame |\n|---|---|---|---|---|")
    known: Known = {}
    for frames in sorted(chosen.frames):
        for chain in chosen.rounds * chosen.chain:
            if not suffices(known, chain, frames):
                print(f"| {chain} | {frames} | more than there is | | |", flush=True)
                continue
            with tempfile.TemporaryDirectory() as folder:
                found = render(chain, frames, chosen.side, Path(folder))
            known.setdefault((chain, frames), []).append(found)
            print(
                f"| {chain} | {frames} | {found.peak_mib:.0f} MiB (over {found.base_mib:.0f}) "
                f"| {found.cpu_s:.1f} | {found.cpu_s / frames:.4f} |",
                flush=True,
            )
    for chain in chosen.chain:
        runs = {frames: found for (name, frames), found in known.items() if name == chain}
        few, many = min(runs), max(runs)
        for frames in runs:
            if chain != "core" and ("core", frames) in known:
                share = _cpu_s(runs[frames]) / _cpu_s(known["core", frames])
                print(f"{chain}: {share:.2f} of core's CPU time for {frames} frames")
        if many > few:
            first, last = (median(found.peak_mib for found in runs[n]) for n in (few, many))
            each_mib, each_s = last - first, _cpu_s(runs[many]) - _cpu_s(runs[few])
            print(
                f"{chain}, each frame beyond {few}: {each_mib / (many - few):.2f} MiB, "
                f"{each_s / (many - few):.4f} CPU-s; peak at {many}: {last / first - 1:+.1%}"
            )


def _cpu_s(runs: list[Result]) -> float:
    return median(found.cpu_s for found in runs)


if __name__ == "__main__":
    main()
