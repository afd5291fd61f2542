"""How well portraits keep to speech: several faces and voices, each against runs that must fail.

Run: OMP_NUM_THREADS=1 python -m benchmarks.lip_sync [--portraits N] [--voices N]
The lips are tracked in the frames; what they are compared with never drove them: synthetic speech
driven by its engine's timings is compared with forced alignment, and driven by sound alone with the
engine's timings. On human speech the reference is forced alignment: "alignment" is driven by just
that, and "sound alone" hears words with the same acoustic model. "No words" hears none, as in
languages other than English. The tracker is blind to
small, painted and bearded mouths: "drawn" rows judge the opening in the pixels (`_drawn.py`), and
"told" rows what the mouth was told.
With `dlib-bin` and `face_recognition_models` installed, identity is measured, too.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks._drawn import DrawnGap
from benchmarks._portraits import portraits
from benchmarks._references import references
from benchmarks.portrait import say
from myspinbot.audio import Audio
from myspinbot.face import Face, FaceFinder, landmarks, region_mask
from myspinbot.lipsync.fields import MOVES
from myspinbot.lipsync.portrait import TalkingPortrait
from myspinbot.quality import sync
from myspinbot.speech import Speech
from myspinbot.voice.alignment.align import align
from myspinbot.voice.alignment.dictation import hear_words
from myspinbot.voice.engines.kokoro import Kokoro
from scripts.environment import BASE

FPS = Fraction(25)
MODELS = BASE / "models" / "myspinbot"
PORTRAITS = "hopper,dark_skin,red_glasses,curls,group,laughing,grey,astronaut"
STOCK = ("af_heart", "am_michael", "bf_emma", "bm_george")
_OPENING = [MOVES.index(m) for m in ("jaw", "upper", "lower", "upper_round", "lower_round")]
Distance = Callable[[np.ndarray, Face], float]


@dataclass(frozen=True)
class Voice:
    """A sound, what drives the mouth, and what the result is compared with."""

    name: str
    audio: Audio
    known: Speech
    aligned: Speech


@dataclass(frozen=True)
class Run:
    """What was seen of one video."""

    gaps: np.ndarray
    """Gap between the lips over eye distance, as the tracker sees it, [F]."""
    drawn: np.ndarray
    """The same as it is in the pixels, [F]."""
    told: np.ndarray
    """The gap that the mouth was told to have, half mouth widths, [F]."""
    background_ssim: float
    """Least structural similarity of the picture outside the head to the portrait."""
    flicker: float
    """Mean change of a pixel outside the head from frame to frame, of 255."""
    identity: float
    """Mean distance to the portrait's face (dlib), NaN without that package."""


def voices(count: int) -> Iterator[Voice]:
    """Stock voices with their own timings, then human clips."""
    engine = Kokoro.load(MODELS)
    for name in STOCK[: count // 2]:
        audio, speech = say(engine, name)
        text = " ".join(sentence.text for sentence in speech.sentences)
        yield Voice(name, audio, speech, align(audio, text, "en-us").speech)
    people = list(references())
    for clip in people[:: len(people) // (count - count // 2)][: count - count // 2]:
        found = align(clip.audio, clip.transcript, "en-us").speech
        yield Voice(f"{clip.name} (human)", clip.audio, found, found)


def watch(talking: TalkingPortrait, image: np.ndarray, face: Face, finder: FaceFinder) -> Run:
    """Render all frames and look at them."""
    height, width = talking.height, talking.width
    reach = int(0.9 * face.size_px)
    head = cv2.dilate(
        region_mask(face, "face", height, width), np.ones((2 * reach + 1,) * 2, np.uint8)
    )
    outside = head < 0.5
    distance = _identity(image, face)
    still = cv2.cvtColor(image[:height, :width], cv2.COLOR_RGB2GRAY).astype(np.float32)
    drawn = DrawnGap(talking, face)
    gaps, apart, told, alike, changes, distances = [], [], [], [], [], []
    before, seen = still, face
    for number, frame in enumerate(talking.frames()):
        apart.append(drawn.take())
        told.append(float(talking.pose(number).moves[_OPENING].sum()))
        seen = finder.track(frame, seen) or seen
        gaps.append(seen.mouth_gap)
        gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
        if outside.any():
            alike.append(float(_ssim(gray, still)[outside].mean()))
            changes.append(float(np.abs(gray - before)[outside].mean()))
        before = gray
        if distance and number % 10 == 0:
            distances.append(distance(frame, seen))
    return Run(
        np.array(gaps),
        np.array(apart),
        np.array(told),
        min(alike, default=float("nan")),
        float(np.mean(changes or [np.nan])),
        float(np.mean(distances or [np.nan])),
    )


def _ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Structural similarity (Wang et al. 2004) of two grey pictures, per pixel."""

    def mean(x: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(x, (0, 0), 1.5)

    mean_a, mean_b = mean(a), mean(b)
    both = mean(a * b) - mean_a * mean_b
    spread = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    light = (2 * mean_a * mean_b + 6.5) / (mean_a**2 + mean_b**2 + 6.5)
    return light * (2 * both + 58.5) / (spread + 58.5)


def _identity(image: np.ndarray, face: Face) -> Distance | None:
    """Distance to the face of `image` by dlib's recogniser; None if that is not installed."""
    package = importlib.util.find_spec("face_recognition_models")
    if package is None or package.origin is None or not importlib.util.find_spec("dlib"):
        return None
    import dlib  # pyright: ignore[reportMissingImports]  # optional, see above

    weights = Path(package.origin).parent / "models" / "dlib_face_recognition_resnet_model_v1.dat"
    net = dlib.face_recognition_model_v1(str(weights))
    eyes = *landmarks.RIGHT_EYE_CORNERS[::-1], *landmarks.LEFT_EYE_CORNERS
    points = *eyes, landmarks.NOSE_BASE

    def describe(picture: np.ndarray, seen: Face) -> np.ndarray:
        at = dlib.points([dlib.point(*(round(float(v)) for v in p)) for p in seen.at(points)])
        box = dlib.rectangle(*(round(float(v)) for v in seen.box))
        shape = dlib.full_object_detection(box, at)
        return np.array(net.compute_face_descriptor(np.ascontiguousarray(picture), shape))

    own = describe(image, face)
    return lambda frame, seen: float(np.linalg.norm(describe(frame, seen) - own))


def closed_in_silence(gaps: np.ndarray, speech: Speech) -> float:
    """Share of frames in pauses of over .3 s, but for their first and last .1 s, with lips shut."""
    low, high = np.percentile(gaps, (2, 95))
    times_s = (np.arange(len(gaps)) + 0.5) / float(FPS)
    words = sorted((word.start_s, word.end_s) for word in speech.words)
    edges = [0.0, *(t for word in words for t in word), speech.duration_s]
    quiet = np.zeros(len(gaps), bool)
    for start_s, end_s in zip(edges[::2], edges[1::2], strict=True):
        if end_s - start_s > 0.3:
            quiet |= (times_s > start_s + 0.1) & (times_s < end_s - 0.1)
    return float((gaps[quiet] <= low + 0.2 * (high - low)).mean()) if quiet.any() else float("nan")


def rows(name: str, gaps: np.ndarray, reference: Speech) -> tuple[str, list[float]]:
    """What one run is worth: r at lag 0, lag in ms, closures, vowels, silence."""
    found = sync.measure(gaps, float(FPS), reference)
    if not found.moves:
        return name, []
    nan = float("nan")
    closed = nan if found.bilabials_closed is None else found.bilabials_closed
    vowels = nan if found.vowels_closed is None else found.vowels_closed
    quiet = closed_in_silence(gaps, reference)
    return name, [found.correlation, found.lag_ms, closed, vowels, quiet]


def table(results: dict[str, list[list[float]]]) -> None:
    """Means over all runs of a kind, and the worst r."""
    for name, runs in results.items():
        moving = np.array([run for run in runs if run])
        if not len(moving):
            print(f"  {name:<42} does not move ({len(runs)} runs)")
            continue
        r, lag, closed, vowels, quiet = np.nanmean(moving, 0)
        print(
            f"  {name:<42} r {r:5.2f} (worst {moving[:, 0].min():5.2f})  lag {lag:+5.0f} ms  "
            f"bilabials closed {closed:4.0%}  vowels closed {vowels:4.0%}  "
            f"shut in pauses {quiet:4.0%}  of {len(moving)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portraits", default=PORTRAITS, help="names of the set")
    parser.add_argument("--voices", type=int, default=6)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    finder = FaceFinder.load(MODELS)
    spoken = list(voices(options.voices))
    draw = np.random.default_rng(0)
    everything: dict[str, list[list[float]]] = {}
    for picture in portraits():
        if picture.name not in options.portraits.split(","):
            continue
        face = finder.require_face(picture.image)
        here: dict[str, list[list[float]]] = {}
        looks = []
        for voice in spoken:
            human = voice.known is voice.aligned
            drivers = (
                ("alignment, circular" if human else "engine's timings", voice.known, None),
                ("sound alone", None, hear_words(voice.audio)),
                ("no words", None, None),
            )
            for kind, known, heard in drivers:
                talking = TalkingPortrait(
                    picture.image, face, voice.audio, known, fps=FPS, heard=heard
                )
                run = watch(talking, picture.image, face, finder)
                looks.append(run)
                label = f"{kind}, {'human' if human else 'synthetic'}"
                reference = voice.aligned if known else voice.known
                made = [
                    rows(label, run.gaps, reference),
                    rows(f"drawn: {label}", run.drawn, reference),
                    rows(f"told: {label}", run.told, reference),
                ]
                if known:
                    made += [
                        rows("shifted by 400 ms", np.roll(run.gaps, 10), reference),
                        rows("random order", draw.permutation(run.gaps), reference),
                        rows("static", np.full(len(run.gaps), face.mouth_gap), reference),
                    ]
                for name, row in made:
                    here.setdefault(name, []).append(row)
                    everything.setdefault(name, []).append(row)
        print(
            f"{picture.name}: face {face.size_px:.0f} px, background SSIM at least "
            f"{np.nanmin([run.background_ssim for run in looks]):.3f}, flicker "
            f"{np.nanmean([run.flicker for run in looks]):.2f} of 255, identity distance "
            f"{np.nanmean([run.identity for run in looks]):.2f}; the tracker sees "
            f"r {np.mean([np.corrcoef(run.drawn, run.gaps)[0, 1] for run in looks]):.2f} of what "
            "was drawn, which is "
            f"r {np.mean([np.corrcoef(run.told, run.drawn)[0, 1] for run in looks]):.3f} of what "
            "the mouth was told"
        )
        table(here)
    print(f"all portraits, {', '.join(voice.name for voice in spoken)}")
    table(everything)


if __name__ == "__main__":
    main()
