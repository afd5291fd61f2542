"""How fast a portrait talks, in how much memory, and how well it keeps to the sound: prints tables.

Run: OMP_NUM_THREADS=1 python -m benchmarks.portrait [--portrait FILE] [--voices a,b]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks._memory import peak_mib, resident_mib
from myspinbot.audio import Audio
from myspinbot.face.finder import FaceFinder
from myspinbot.face.geometry import Face
from myspinbot.lipsync.head import POSES
from myspinbot.lipsync.label_lag import formants_db, label_lag_s
from myspinbot.lipsync.portrait import TalkingPortrait
from myspinbot.lipsync.puppet import Pose
from myspinbot.quality import sync
from myspinbot.speech import Speech, shift
from myspinbot.video import write_mp4
from myspinbot.voice.engines.kokoro import Kokoro
from scripts.environment import BASE, SAMPLES

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
    """Resident memory after 10 s and after 60 s of video."""
    for duration_s in (10, 60):
        count = round(duration_s * audio.rate)
        long = Audio(np.resize(audio.samples, (1, count)), audio.rate)
        with tempfile.TemporaryDirectory() as folder:
            write_mp4(Path(folder) / "out.mp4", TalkingPortrait(image, face, long, None, fps=FPS))
        print(f"  {duration_s:3} s: resident {resident_mib():.0f} MiB, peak {peak_mib():.0f} MiB")


def gaps_of(frames: Iterable[np.ndarray], finder: FaceFinder, face: Face) -> np.ndarray:
    """Gap between the lips in inter-ocular distances, as the tracker sees it in each frame."""
    gaps = []
    for frame in frames:
        face = finder.track(frame, face) or face
        gaps.append(face.mouth_gap)
    return np.array(gaps)


def score(name: str, gaps: np.ndarray, spoken: Speech | Audio) -> None:
    """One row against `spoken`: r at lag 0, best lag, closures."""
    found = sync.measure(gaps, float(FPS), spoken)
    if not found.moves:
        print(f"  {name:<20}does not move")
        return
    closed = (
        ""
        if found.bilabials_closed is None
        else f"  bilabials closed {found.bilabials_closed:4.0%} of {found.bilabials}"
        f"  vowels closed {found.vowels_closed or 0:4.0%}"
    )
    print(
        f"  {name:<20}vs {found.reference:<9}r {found.correlation:5.2f} (best"
        f" {found.best_correlation:.2f} at {found.lag_ms:+4.0f} ms){closed}"
    )


def measure_sync(
    image: np.ndarray, face: Face, audio: Audio, speech: Speech, finder: FaceFinder
) -> None:
    """The phoneme and the sound driver against runs that must fail."""
    made = {
        name: gaps_of(TalkingPortrait(image, face, audio, said, fps=FPS).frames(), finder, face)
        for name, said in (("phonemes", speech), ("sound alone", None))
    }
    made["shifted by 400 ms"] = np.roll(made["phonemes"], 10)
    made["random"] = np.random.default_rng(0).permutation(made["phonemes"].copy())
    made["static"] = np.full(len(made["phonemes"]), face.mouth_gap)
    late_s = label_lag_s(speech, formants_db(audio))
    print(f"  labels are {1000 * late_s:+.0f} ms late; compared with labels put right")
    right = Speech(tuple(shift(s, -late_s) for s in speech.sentences), speech.duration_s)
    for name, gaps in made.items():
        score(name, gaps, right)
        score(name, gaps, audio)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portrait", type=Path, default=SAMPLES / "astronaut.png")
    parser.add_argument("--models", type=Path, default=BASE / "models" / "myspinbot")
    parser.add_argument("--voices", default="af_heart,am_michael")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    finder = FaceFinder.load(options.models)
    picture = cv2.imread(str(options.portrait))
    if picture is None:
        raise SystemExit(f"{options.portrait} is not a picture that OpenCV reads.")
    image = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    face = finder.require_face(image)
    engine = Kokoro.load(options.models)
    spoken = {voice: say(engine, voice) for voice in options.voices.split(",")}
    audio, speech = next(iter(spoken.values()))
    measure_speed(image, face, audio, speech)
    measure_memory(image, face, audio)
    for voice, (sound, said) in spoken.items():
        print(f"sync, {voice}, {sound.duration_s:.1f} s (phonemes: circular, labels drive them)")
        measure_sync(image, face, sound, said, finder)


if __name__ == "__main__":
    main()
