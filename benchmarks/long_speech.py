"""Five minutes of speech from one text: memory, lost or repeated sentences, joints, drift.

Run: OMP_NUM_THREADS=1 python -m benchmarks.long_speech [--minutes N]
"""

from __future__ import annotations

import argparse
import random
import time

import numpy as np
import torch

from benchmarks._memory import resident_mib
from benchmarks._references import references
from myspinbot.audio import Audio
from myspinbot.quality.engines import ENGINES as RECOGNISERS
from myspinbot.quality.intelligibility import word_errors
from myspinbot.voice import clip
from myspinbot.voice.assemble import join
from myspinbot.voice.engines import ENGINES
from myspinbot.voice.enroll import enroll
from myspinbot.voice.speak import speak
from myspinbot.voice.speaker import SpeakerEncoder, embed
from myspinbot.voice.text.plan import split_merged
from scripts.environment import BASE

MODELS = BASE / "models" / "myspinbot"
WHO = ("The baker", "My neighbour", "A young doctor", "The old sailor", "Our teacher", "The judge")
DID = ("found", "painted", "carried", "forgot", "repaired", "borrowed", "described", "sold")
WHAT = ("a wooden chair", "the yellow lamp", "seven letters", "a broken clock", "the gate")
WHERE = (
    "near the harbour",
    "before breakfast",
    "in the snow",
    "after the concert",
    "at the market",
)


def story(minutes: float) -> list[str]:
    """Sentences of which no two are the same, about 3.3 s each."""
    everything = [f"{a} {b} {c} {d}." for a in WHO for b in DID for c in WHAT for d in WHERE]
    random.Random(0).shuffle(everything)
    return everything[: round(minutes * 60 / 3.3)]


def click_db(audio: Audio, at_s: list[float]) -> float:
    """What the 2 ms around a joint have more of than the 30 ms on either side, in dB of the speech.

    High-passed power (a quarter of the second difference: gain 1 at the highest frequency), which a
    click is full of; the loudest joint counts.
    """
    high = np.diff(audio.samples[0], 2) / 4
    energy = np.convolve(np.square(high), np.full(48, 1 / 48), "same")
    reach, side = round(0.002 * audio.rate), round(0.03 * audio.rate)
    worst = 1e-12
    for place in (round(t * audio.rate) for t in at_s):
        before = energy[max(0, place - side) : max(1, place - reach)].max(initial=0)
        after = energy[place + reach : place + side].max(initial=0)
        joint = energy[max(0, place - reach) : place + reach].max(initial=0)
        worst = max(worst, joint - max(before, after))
    return 10 * np.log10(worst) - audio.rms_dbfs()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    minutes = parser.parse_args().minutes
    torch.set_num_threads(1)
    engine = ENGINES["kokoro"].open(MODELS)
    listener = SpeakerEncoder.load(MODELS / "ge2e.safetensors")
    reference = next(iter(references()))
    voice = enroll(engine, listener, clip.prepare(reference.audio, reference.transcript))
    sentences = story(minutes)
    started, pieces, memory = time.process_time(), [], []
    for piece in speak(engine, " ".join(sentences), voice):
        pieces.append(piece)
        memory.append(resident_mib())
    audio, speech = join(pieces)
    cpu_s = time.process_time() - started
    held_mib = audio.samples.nbytes / 2**20
    print(
        f"{audio.duration_s:.0f} s of speech, {len(pieces)} pieces, "
        f"{cpu_s / audio.duration_s:.2f} CPU-s per second"
    )
    fifths = " ".join(f"{np.median(part):.0f}" for part in np.array_split(memory, 5))
    print(
        f"resident, each fifth: {fifths} MiB, of which {held_mib:.0f} MiB is the sound at the end"
    )
    edges, sentence = [], iter(speech.sentences)
    for piece in pieces:
        if piece.chunk:
            inside = [next(sentence) for _ in split_merged(piece.chunk.sentence)]
            edges += [inside[0].start_s, inside[-1].end_s]
    pauses = [sum(pair) / 2 for pair in zip(edges[1:-1:2], edges[2::2], strict=True)]
    print(
        f"loudest click at {len(edges)} joints: {click_db(audio, edges):.1f} dB of the speech; "
        f"in the middle of the pauses, where no joint is: {click_db(audio, pauses):.1f} dB"
    )
    heard = RECOGNISERS["whisper-base"].open(MODELS)
    bad = []
    for said in speech.sentences:
        first, last = round(said.start_s * audio.rate), round(said.end_s * audio.rate)
        part = Audio(audio.samples[:, first:last], audio.rate)
        errors = word_errors(said.text, heard.transcribe(part))
        if errors.rate > 0.5:
            bad.append((said.text, errors.heard))
    texts = [said.text for said in speech.sentences]
    print(
        f"{len(texts)} of {len(sentences)} sentences, in order: {texts == sentences}; "
        f"not recognised in their place: {len(bad)} {bad[:3]}"
    )
    fifth = audio.samples.shape[1] // 5
    parts = [Audio(audio.samples[:, i * fifth : (i + 1) * fifth], audio.rate) for i in range(5)]
    first = embed(listener, parts[0])
    print(
        "likeness of each fifth to the first (GE2E):",
        " ".join(f"{float(first @ embed(listener, part)):.3f}" for part in parts[1:]),
        "; loudness:",
        " ".join(f"{part.loudness_lufs():.1f}" for part in parts),
    )


if __name__ == "__main__":
    main()
