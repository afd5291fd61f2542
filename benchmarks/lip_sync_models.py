"""Frames per CPU-second of Lip-Sync around a net and in it, and memory over the length.

A real film, the sample portrait that drifts, is dubbed by Wav2Lip at its published size with
random weights: what the net draws is noise, what it costs is real.

Run: OMP_NUM_THREADS=1 python -m benchmarks.lip_sync_models
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
import torch

from benchmarks._memory import peak_mib
from myspinbot.audio import read_audio
from myspinbot.face import FaceFinder
from myspinbot.lipsync.dubbing import Dubbing
from myspinbot.lipsync.engines.wav2lip import Wav2Lip
from scripts.environment import BASE, ROOT, SAMPLES

sys.path.append(str(ROOT / "tests"))
import tiny_lipsync

SIDE_PX, FPS = 512, 25
SECONDS = (5, 20)
PUBLISHED_WIDTH = 16


class Film:
    """The sample portrait, moved a little in each frame."""

    def __init__(self, frames: int):
        image = cv2.cvtColor(cv2.imread(str(SAMPLES / "hopper.jpg")), cv2.COLOR_BGR2RGB)
        self._image = cv2.resize(image, (SIDE_PX, SIDE_PX))
        self.width = self.height = SIDE_PX
        self.fps, self.frame_count, self.audio = Fraction(FPS), frames, None

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        for number in range(first, self.frame_count):
            shift = round(6 * np.sin(number / 20))
            yield np.roll(self._image, shift, axis=1)


def main() -> None:
    torch.set_num_threads(1)
    finder = FaceFinder.load(BASE / "models" / "myspinbot")
    weights = tiny_lipsync.wav2lip(width=PUBLISHED_WIDTH)
    engine = Wav2Lip.from_tensors({k.removeprefix("module."): v for k, v in weights.items()})
    voice = read_audio(SAMPLES / "voice.wav")
    print("| film | frames | frames per CPU-second | of it without the net | peak RSS |")
    print("|---|---|---|---|---|")
    for seconds in SECONDS:
        repeats = -(-seconds * voice.rate // voice.samples.shape[1])
        sound = type(voice)(np.tile(voice.samples, repeats)[:, : seconds * voice.rate], voice.rate)
        drawing = _Timed(engine)
        dubbing = Dubbing(Film(seconds * FPS), sound, lambda used=drawing: (used, finder))
        start = time.process_time()
        with torch.inference_mode():
            count = sum(1 for _ in dubbing.frames())
        spent = time.process_time() - start
        print(
            f"| {seconds} s, {SIDE_PX}² | {count} | {count / spent:.1f} "
            f"| {count / (spent - drawing.cpu_s):.1f} | {peak_mib():.0f} MiB |",
            flush=True,
        )


class _Timed:
    """An engine whose drawing is timed."""

    def __init__(self, engine: Wav2Lip):
        self._engine, self.cpu_s = engine, 0.0

    def __getattr__(self, name: str):
        return getattr(self._engine, name)

    def draw(self, faces: np.ndarray, heard: np.ndarray) -> np.ndarray:
        start = time.process_time()
        try:
            return self._engine.draw(faces, heard)
        finally:
            self.cpu_s += time.process_time() - start


if __name__ == "__main__":
    main()
