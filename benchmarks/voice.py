"""How alike, how intelligible, how clean and how fast voices are: embedded, stock, and Piper.

Eight human references, ten texts that no fit has heard. DNSMOS needs the package speechmos and
Piper its own packages: run it with .comfyui/engines' Python to have both.

Run: OMP_NUM_THREADS=1 python -m benchmarks.voice [--steps N] [--only NAME] [--texts N]
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks._memory import peak_mib
from benchmarks._references import Reference, references
from myspinbot.audio import Audio
from myspinbot.errors import MySpinBotError
from myspinbot.quality.engines import ENGINES as RECOGNISERS
from myspinbot.quality.intelligibility import word_errors
from myspinbot.quality.similarity import HeldOutEncoder
from myspinbot.voice import clip
from myspinbot.voice.assemble import join
from myspinbot.voice.engines import ENGINES
from myspinbot.voice.engines.kokoro_fit import STYLE_ROW, read_table
from myspinbot.voice.enroll import enroll
from myspinbot.voice.profile import VoiceProfile
from myspinbot.voice.speak import Delivery, speak
from myspinbot.voice.speaker import SpeakerEncoder, embed
from scripts.environment import BASE

MODELS = BASE / "models" / "myspinbot"
TEXTS = (
    "Bread rises because tiny living cells eat sugar and breathe out gas.",
    "The last train to the coast leaves at a quarter past nine, so do not be late.",
    "My grandmother kept her buttons in a blue tin box under the stairs.",
    "Please switch off the lights, close both windows and lock the garden door.",
    "A good map is worth more than a fast car when you do not know the way.",
    "Why would anyone climb a mountain in the middle of winter?",
    "Scientists found that whales change their songs a little every year.",
    "He laughed, shook his head, and poured himself another cup of coffee.",
    "Under the old bridge, the river turns slow and green and very deep.",
    "It costs less than you think, and it will save you an hour every morning.",
)


@dataclass
class Cell:
    """All measures of one voice by one method, a value per text."""

    a: list[float] = field(default_factory=list)
    b: list[float] = field(default_factory=list)
    errors: int = 0
    words: int = 0
    quality: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    sound_s: float = 0.0


class Judges:
    """Every measure that the pack and the field have for a voice."""

    def __init__(self) -> None:
        self.listener = SpeakerEncoder.load(MODELS / "ge2e.safetensors")
        self.held_out = HeldOutEncoder.load(MODELS / "dvector.safetensors")
        self.recogniser = RECOGNISERS["whisper-base"].open(MODELS)
        self.dnsmos: Callable[..., dict[str, Any]] | None = None
        with contextlib.suppress(ImportError):
            from speechmos import dnsmos  # type: ignore[import-not-found]

            self.dnsmos = dnsmos.run

    def similarity(self, one: Audio, other: Audio) -> tuple[float, float]:
        """Cosine by the encoder that is optimised, and by the one that is not."""
        fitted = float(embed(self.listener, one) @ embed(self.listener, other))
        return fitted, self.held_out.cosine(one, other)

    def hear(self, cell: Cell, reference: Audio, sound: Audio, text: str) -> None:
        a, b = self.similarity(reference, sound)
        cell.a.append(a)
        cell.b.append(b)
        errors = word_errors(text, self.recogniser.transcribe(sound))
        cell.errors += errors.errors
        cell.words += errors.words
        if self.dnsmos:
            samples = sound.resampled(16_000).samples[0]
            cell.quality.append(
                float(self.dnsmos(samples / np.abs(samples).max(), 16_000)["ovrl_mos"])
            )


def halves(audio: Audio) -> tuple[Audio, Audio]:
    middle = audio.samples.shape[1] // 2
    return Audio(audio.samples[:, :middle], audio.rate), Audio(
        audio.samples[:, middle:], audio.rate
    )


def say(
    engine: Any, voice: VoiceProfile, reference: Audio, judges: Judges, texts: Iterable[str]
) -> Cell:
    """Speak every text and measure it."""
    cell = Cell()
    for text in texts:
        started = time.process_time()
        sound, _ = join(list(speak(engine, text, voice, Delivery())))
        cell.cpu_s += time.process_time() - started
        cell.sound_s += sound.duration_s
        judges.hear(cell, reference, sound, text)
    return cell


def nearest_stock(engine: Any, profile: VoiceProfile) -> VoiceProfile:
    """The stock voice that is most like the reference, untouched."""
    table = read_table()
    name = max(table, key=lambda n: float(table[n] @ profile.embedding))
    style = {"style": engine.voices[name][STYLE_ROW].float()}
    return replace(profile, style=style, method=f"stock {name}")


def row(name: str, method: str, cell: Cell, ceiling: tuple[float, float] | None) -> str:
    a, b = np.mean(cell.a), np.mean(cell.b)
    shares = f"{a / ceiling[0]:6.2f}{b / ceiling[1]:6.2f}" if ceiling else f"{'':12}"
    quality = f"{np.mean(cell.quality):6.2f}{min(cell.quality):6.2f}" if cell.quality else "   n/a"
    return (
        f"{name:<14}{method:<18}{a:6.3f}{b:6.3f}{shares}{min(cell.b):7.3f}"
        f"{cell.errors:4d}/{cell.words:<4d}{quality}{cell.cpu_s / cell.sound_s:7.2f}"
    )


def measure(
    reference: Reference, engine: Any, judges: Judges, steps: int, texts: Sequence[str]
) -> clip.ReferenceClip:
    """Print the rows of one reference; returns its prepared clip."""
    started = time.process_time()
    prepared = clip.prepare(reference.audio, reference.transcript, encoder=judges.listener)
    ready_s = time.process_time() - started
    ceiling = judges.similarity(*halves(prepared.audio))
    print(f"{reference.name:<14}{'two halves':<18}{ceiling[0]:6.3f}{ceiling[1]:6.3f}", flush=True)
    costs = {}
    for fit_steps in (0, steps):
        started = time.process_time()
        profile = enroll(engine, judges.listener, prepared, fit_steps=fit_steps)
        costs[fit_steps] = ready_s + time.process_time() - started
        if fit_steps == 0:
            stock = nearest_stock(engine, profile)
            cell = say(engine, stock, prepared.audio, judges, texts)
            print(row(reference.name, stock.method, cell, ceiling), flush=True)
        cell = say(engine, profile, prepared.audio, judges, texts)
        method = f"{profile.method} ({costs[fit_steps]:.0f} CPU-s)"
        print(row(reference.name, method, cell, ceiling), flush=True)
    if warnings := prepared.warnings:
        print(f"{'':14}{'; '.join(warnings)}")
    return prepared


def piper(clips: dict[str, Audio], prepared: Any, judges: Judges, texts: Sequence[str]) -> None:
    """The light fallback's own voice, against every reference."""
    try:
        engine = ENGINES["piper"].open(MODELS)
    except MySpinBotError as error:
        print(f"piper not measured: {error}")
        return
    voice = enroll(engine, judges.listener, prepared)
    for name, reference in clips.items():
        print(row(name, "piper", say(engine, voice, reference, judges, texts), None), flush=True)


def first_sound(engine: Any, prepared: Any, judges: Judges) -> None:
    """Wall time from the text to the first piece, warm."""
    profile = enroll(engine, judges.listener, prepared)
    text = " ".join(TEXTS)
    next(speak(engine, text, profile))
    wall, cpu = time.perf_counter(), time.process_time()
    piece = next(speak(engine, text, profile, Delivery(seed=1)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert piece.chunk is not None
    print(
        f"first sound of a long text, warm: {cpu:.2f} CPU-s, {wall:.2f} s "
        f"({piece.chunk.samples.shape[1] / piece.chunk.rate:.1f} s of speech)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--only", help="one reference")
    parser.add_argument("--texts", type=int, default=len(TEXTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    engine, judges = ENGINES["kokoro"].open(Path(MODELS)), Judges()
    texts = list(TEXTS[: options.texts])
    chosen = [r for r in references() if options.only in (None, r.name)]
    print(
        f"{'reference':<14}{'method':<18}{'A':>6}{'B':>6}{'A/top':>6}{'B/top':>6}{'B min':>7}"
        f"{'errors':>9}{'OVRL':>6}{'min':>6}{'RTF':>7}"
    )
    ready = {r.name: measure(r, engine, judges, options.steps, texts) for r in chosen}
    clips = {name: prepared.audio for name, prepared in ready.items()}
    if len(clips) > 1:
        others = [judges.similarity(clips[x], clips[y]) for x, y in combinations(clips, 2)]
        a, b = np.array(others).T
        print(
            f"different people: A {a.mean():.3f} (p95 {np.quantile(a, 0.95):.3f}), "
            f"B {b.mean():.3f} (p95 {np.quantile(b, 0.95):.3f})"
        )
    piper(clips, next(iter(ready.values())), judges, texts)
    first_sound(engine, next(iter(ready.values())), judges)
    print(f"peak {peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
