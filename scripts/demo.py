"""Make one talking bot on a real ComfyUI over HTTP, and measure what came out.

PORTRAIT, VOICE, TRANSCRIPT, TOPIC and NARRATION in the environment replace the samples.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myspinbot.client.server import ComfyServer
from myspinbot.errors import BadInputError, MySpinBotError
from scripts.environment import BASE, ROOT, SAMPLES, TRANSCRIPT
from scripts.serving import ComfyProcess

WORKFLOW = ROOT / "workflows" / "api" / "talking_bot.json"
VIDEO = ROOT / "output" / "talking_bot.mp4"
TOPIC = "why the night sky is dark"
STAGES = {
    "VoiceProfile": "learn the voice",
    "WriteNarration": "write the narration",
    "Speak": "speak",
    "TalkingPortrait": "measure the face",
    "MySpinBot_SaveTalkingBot": "animate, encode, save",
}
"""Last part of a node's id, or its class, to what it does."""


@dataclass(frozen=True)
class Request:
    """What the user wants."""

    portrait: Path
    voice: Path
    transcript: str
    topic: str
    narration: str

    @classmethod
    def from_environment(cls, given: Mapping[str, str]) -> Request:
        """Read the variables that make hands on; what is absent comes from the samples."""

        def value(name: str) -> str:
            return given.get(name, "").strip()

        if value("VOICE") and not value("TRANSCRIPT"):
            raise BadInputError("VOICE needs TRANSCRIPT: what the clip says, word for word.")
        for name in ("PORTRAIT", "VOICE"):
            if value(name) and not Path(value(name)).is_file():
                raise BadInputError(f"{name}={value(name)} is not a file.")
        return cls(
            Path(value("PORTRAIT") or SAMPLES / "hopper.jpg"),
            Path(value("VOICE") or SAMPLES / "voice.wav"),
            value("TRANSCRIPT") or TRANSCRIPT,
            value("TOPIC") or TOPIC,
            value("NARRATION"),
        )

    def fill(self, prompt: dict[str, Any], portrait: str, voice: str) -> None:
        """Put the uploaded files and the texts into the shipped workflow."""
        inputs = {node["class_type"]: node["inputs"] for node in prompt.values()}
        inputs["LoadImage"]["image"] = portrait
        inputs["LoadAudio"]["audio"] = voice
        texts = {"transcript": self.transcript, "topic": self.topic, "narration": self.narration}
        inputs["MySpinBot_TalkingBot"].update(texts)


@dataclass(frozen=True)
class Stage:
    """One row of the table."""

    name: str
    wall_s: float
    cpu_s: float
    peak_rss: int


class Stopwatch:
    """Turns the server's events into rows: what ran, how long, and how much memory it took."""

    def __init__(self, server: ComfyProcess, prompt: Mapping[str, Any]):
        self._server = server
        self._classes = {key: node["class_type"] for key, node in prompt.items()}
        self._running = ""
        self._since = (time.perf_counter(), server.cpu_seconds())
        self.stages: list[Stage] = []

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "executing" or (kind.startswith("execution_") and kind != "execution_cached"):
            node = str(data.get("node") or "")
            name = self._classes.get(node) or node.rsplit(".", 1)[-1]
            self._switch(STAGES.get(name, ""))
        elif kind == "progress" and self._running and sys.stdout.isatty():
            share = data["value"] / max(data["max"], 1)
            print(f"\r  {self._running} {share:4.0%} ", end="", flush=True)

    def _switch(self, name: str) -> None:
        now = (time.perf_counter(), self._server.cpu_seconds())
        peak = self._server.take_peak_rss()
        if self._running:
            wall_s, cpu_s = now[0] - self._since[0], now[1] - self._since[1]
            self.stages.append(Stage(self._running, wall_s, cpu_s, peak))
            print(f"\r  {self._running}: {wall_s:.1f} s ", flush=True)
        self._running, self._since = name, now


async def render(server: ComfyProcess, wanted: Request) -> tuple[list[Stage], str]:
    """Upload, queue, follow, download; returns the stages and the narration."""
    prompt = json.loads(WORKFLOW.read_text("utf-8"))
    async with ComfyServer(server.url) as client:
        portrait, voice = await client.upload(wanted.portrait), await client.upload(wanted.voice)
        wanted.fill(prompt, portrait, voice)
        stopwatch = Stopwatch(server, prompt)
        entry = await client.run(prompt, stopwatch)
        outputs = entry["outputs"].values()
        (saved,) = [file for output in outputs for file in output.get("images", [])]
        (narration,) = [text for output in outputs for text in output.get("text", [])]
        await client.download(saved, VIDEO)
    return stopwatch.stages, narration


def table(stages: list[Stage], audio_s: float) -> str:
    lines = [f"{'stage':<24}{'seconds':>9}{'CPU-s':>8}{'RTF':>7}{'peak RSS':>11}"]
    lines += [
        f"{stage.name:<24}{stage.wall_s:>9.1f}{stage.cpu_s:>8.1f}{stage.wall_s / audio_s:>7.2f}"
        f"{stage.peak_rss / 1e6:>8.0f} MB"
        for stage in stages
    ]
    wall_s, cpu_s = sum(s.wall_s for s in stages), sum(s.cpu_s for s in stages)
    peak = max(stage.peak_rss for stage in stages) / 1e6
    lines.append(f"{'all':<24}{wall_s:>9.1f}{cpu_s:>8.1f}{wall_s / audio_s:>7.2f}{peak:>8.0f} MB")
    return "\n".join(lines)


def measure(wanted: Request, narration: str) -> dict[str, Any]:
    """Judge the saved file with what the pack itself judges by; the server has gone by now."""
    from myspinbot.audio import read_audio
    from myspinbot.face import FaceFinder
    from myspinbot.quality.engines import ENGINES
    from myspinbot.quality.report import measure as judge
    from myspinbot.quality.similarity import HeldOutEncoder

    models = BASE / "models" / "myspinbot"
    return judge(
        VIDEO,
        track=FaceFinder.load(models).track,
        encoder=HeldOutEncoder.load(models / "dvector.safetensors"),
        reference=read_audio(wanted.voice),
        recogniser=ENGINES["whisper-base"].open(models),
        text=narration,
    )


def in_words(figures: Mapping[str, Any]) -> str:
    file, heard, sync = figures["file"], figures["intelligibility"], figures["sync"]
    return (
        f"file        {file['video_codec']} {file['width']}x{file['height']}, {file['frames']} "
        f"frames at {file['fps']:g} fps = {file['video_s']:.2f} s; "
        f"{file['audio_codec']} {file['audio_s']:.2f} s\n"
        f"similarity  {figures['similarity']:.2f} to the clip, by an encoder that nothing was "
        "fitted to (the same speaker .82, another .37 on average)\n"
        f"WER         {heard['word_error_rate']:.1%} of {heard['words']} words (Whisper base)\n"
        f"sync        r = {sync['correlation']:.2f} of mouth and loudness at lag 0; best at "
        f"{sync['lag_ms']:+d} ms"
    )


def main() -> int:
    try:
        wanted = Request.from_environment(os.environ)
        started = time.perf_counter()
        with ComfyProcess(BASE) as server:
            print(f"ComfyUI answers after {time.perf_counter() - started:.1f} s", flush=True)
            stages, narration = asyncio.run(render(server, wanted))
        figures = measure(wanted, narration)
    except MySpinBotError as error:
        print(f"\nNo video: {error}", file=sys.stderr)
        return 1
    print(f"\n{narration}\n\n{table(stages, figures['file']['audio_s'])}\n")
    print(f"{in_words(figures)}\n\n{VIDEO}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
