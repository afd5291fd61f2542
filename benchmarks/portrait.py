"""How fast a portrait talks, by stage, and in how much memory.

Run: OMP_NUM_THREADS=1 python -m benchmarks.portrait
How well it keeps to the sound: `lip_sync.py`. How it looks: `make_sheets.py`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks._memory import peak_mib, resident_mib
from benchmarks._portraits import portraits
from myspinbot.audio import Audio
from myspinbot.face.finder import FaceFinder
from myspinbot.face.geometry import Face
from myspinbot.lipsync.head import POSES
from myspinbot.lipsync.portrait import TalkingPortrait
from myspinbot.lipsync.puppet import Pose
from myspinbot.speech import Speech, shift
from myspinbot.video import write_mp4
from myspinbot.voice.engines.kokoro import Kokoro
from scripts.environment import BASE

FPS = Fraction(25)
SENTENCES = (
    "Hello, my name is Bob, and people who buy paper maps probably prefer them.",
    "We saw a green tree by the river; my mother bought some apples and a box of plums.",
    "Five brave firemen have very heavy vans, but the weather above the bay is fair!",
)


def say(engine: Kokoro, voice: str) -> tuple[Audio, Speech]:
    """The sentences in a stock voice, with pauses between."""
    samples, sentences, at_s = [], [], 0.0
    for text in SENTENCES:
        chunk = engine.synthesize(text, engine.stock_style(voice))
        pause = np.zeros((1, round(0.4 * chunk.rate)), np.float32)
        sentences.append(shift(chunk.sentence, at_s))
        samples += [chunk.samples, pause]
        at_s += (chunk.samples.shape[1] + pause.shape[1]) / chunk.rate
    audio = Audio(np.concatenate(samples, 1).astype(np.float32), engine.sample_rate)
    return audio, Speech(tuple(sentences), audio.duration_s)


def measure_speed(image: np.ndarray, face: Face, audio: Audio, speech: Speech) -> None:
    """Frames per CPU-second of making and of encoding them."""
    start = time.process_time()
    portrait = TalkingPortrait(image, face, audio, speech, fps=FPS)
    ready = time.process_time() - start
    rates = {}
    puppet, still = portrait._puppet, np.zeros(len(POSES), np.float32)
    stages: dict[str, Callable[[Pose], Pose]] = {
        "all": lambda pose: pose,
        "without the head": lambda p: Pose(p.moves, still, p.brows, p.blink, p.gaze, p.tongue),
        "mouth alone": lambda p: Pose(p.moves, still, p.brows, 0.0, (0.0, 0.0), p.tongue),
    }
    count = min(portrait.frame_count, 250)
    for name, changed in stages.items():
        start = time.process_time()
        for index in range(count):
            puppet.draw(changed(portrait.pose(index)))
        rates[name] = count / (time.process_time() - start)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        write_mp4(Path(folder) / "out.mp4", portrait)
        rates["all + H.264 + AAC"] = portrait.frame_count / (time.process_time() - start)
    print(f"{portrait.width}x{portrait.height}, face {face.size_px:.0f} px; ready in {ready:.2f} s")
    for name, rate in rates.items():
        print(f"  {name:<20}{rate:7.1f} frames per CPU-second")


def measure_memory(image: np.ndarray, face: Face, audio: Audio) -> None:
    """Resident memory after 10 s and after 120 s of video."""
    for duration_s in (10, 120):
        count = round(duration_s * audio.rate)
        long = Audio(np.resize(audio.samples, (1, count)), audio.rate)
        with tempfile.TemporaryDirectory() as folder:
            write_mp4(Path(folder) / "out.mp4", TalkingPortrait(image, face, long, None, fps=FPS))
        print(f"  {duration_s:3} s: resident {resident_mib():.0f} MiB, peak {peak_mib():.0f} MiB")


def fitted(image: np.ndarray, height_px: int, ratio: float) -> np.ndarray:
    """`image` cut to `ratio` (width over height) about its middle, at `height_px`."""
    height, width = image.shape[:2]
    w, h = min(width, round(height * ratio)), min(height, round(width / ratio))
    x, y = (width - w) // 2, (height - h) // 2
    size = (round(height_px * ratio), height_px)
    return cv2.resize(image[y : y + h, x : x + w], size, interpolation=cv2.INTER_AREA)


def cases() -> Iterator[tuple[str, np.ndarray]]:
    """Pictures of the sizes that the goals name."""
    found = {portrait.name: portrait.image for portrait in portraits()}
    astronaut = found["astronaut"]
    yield "astronaut, 512 x 512", astronaut
    yield "a small face: the astronaut, 512 x 512", _padded(astronaut)
    yield "a filled picture: grey, 512 x 512", fitted(found["grey"], 512, 1.0)
    yield "1080p: laughing, 1920 x 1080", fitted(found["laughing"], 1080, 16 / 9)


def _padded(image: np.ndarray) -> np.ndarray:
    """The same picture at half its size, amid its own border."""
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    rest = [(n - m) // 2 for n, m in zip(image.shape[:2], half.shape[:2], strict=True)]
    return cv2.copyMakeBorder(half, rest[0], rest[0], rest[1], rest[1], cv2.BORDER_REPLICATE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=BASE / "models" / "myspinbot")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    finder = FaceFinder.load(options.models)
    audio, speech = say(Kokoro.load(options.models), "af_heart")
    pictures = list(cases())
    for name, image in pictures:
        print(name)
        measure_speed(image, finder.require_face(image), audio, speech)
    image = pictures[0][1]
    measure_memory(image, finder.require_face(image), audio)


if __name__ == "__main__":
    main()
