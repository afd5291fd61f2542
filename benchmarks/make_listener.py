"""Train the net that moves the mouth by sound alone, and write its weights (about 20 CPU-minutes).

Usage: OMP_NUM_THREADS=1 python -m benchmarks.make_listener MODELS [--speech CACHE]

It learns from made-up texts that the embedded voices read (`_babble.py`), whose sounds have known
times, and from thirteen human clips whose sounds forced alignment found: the answer is what
`lipsync.mouth` does with them. Loudness, rooms, noise, microphones, pace and the length of the
vocal tract are varied. Every seventh embedded voice only judges.
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from benchmarks._babble import babble
from benchmarks._references import further_references
from myspinbot.audio import Audio
from myspinbot.lipsync import listener
from myspinbot.lipsync.mouth import mouth_from_speech
from myspinbot.lipsync.visemes import CHANNELS, JAW
from myspinbot.speech import Speech
from myspinbot.voice.alignment.align import align
from myspinbot.voice.engines.kokoro import Kokoro

TEXTS_A_VOICE = 8
CHANNELS_INSIDE = 64
TAPS = 5
STEPS = 10_000
BATCH, LENGTH = 24, 256
RATE = 2e-3
CONTACT_WEIGHT = 0.35
"""Of the two contacts' cross-entropy beside the poses' squared error."""
CONTACT_RARITY = 2.0
"""A missed contact counts this much more than one too many."""
HUMAN_SHARE = 0.35
"""Of the excerpts: people are few, but what the net is for."""


class Listener(nn.Module):
    """The net as torch trains it; `listener._run` is the same in numpy."""

    def __init__(self) -> None:
        super().__init__()
        inside = CHANNELS_INSIDE
        self.first = nn.Conv1d(listener.BANDS, inside, TAPS, padding=TAPS // 2)
        self.blocks = nn.ModuleList(
            nn.Conv1d(inside, inside, TAPS, padding=d * (TAPS // 2), dilation=d)
            for d in listener.DILATIONS
        )
        self.last = nn.Conv1d(inside, len(CHANNELS) + 2, 1)

    def forward(self, heard: Tensor) -> Tensor:
        """Logits [B, out, T] of `heard` [B, BANDS, T]."""
        x = functional.relu(self.first(heard))
        for block in self.blocks:
            x = x + block(functional.relu(x))
        return self.last(functional.relu(x))


def examples(engine: Kokoro) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mel bands and answers of each voice."""
    found = []
    for voice, texts in groupby(babble(engine, TEXTS_A_VOICE), key=lambda item: item[0]):
        pairs = [pair(audio, speech) for _, audio, speech in texts]
        heard, wanted = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
        found.append((heard, wanted))
        print(f"{voice}: {len(heard) / listener.RATE_HZ:.0f} s", flush=True)
    return found


def human_examples() -> list[tuple[np.ndarray, np.ndarray]]:
    """Mel bands and answers of each human clip."""
    clips = list(further_references())
    return [pair(c.audio, align(c.audio, c.transcript, "en-us").speech) for c in clips]


def pair(audio: Audio, speech: Speech) -> tuple[np.ndarray, np.ndarray]:
    """What the net hears of `audio`, and what it should answer."""
    heard = listener.features(audio)
    track = mouth_from_speech(speech, len(heard), Fraction(listener.RATE_HZ))
    return heard, np.c_[track.poses, 1 - track.lips_apart, track.on_teeth].astype(np.float32)


def varied(heard: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """`heard` [T, BANDS] as another throat, microphone and room would have it."""
    bands = np.arange(listener.BANDS)
    heard = heard[:, np.clip(np.rint(bands * draw.uniform(0.88, 1.12)), 0, bands[-1]).astype(int)]
    power = 10 ** (5 * (heard - 1))
    if draw.random() < 0.5:
        decay = np.exp(-6.9 * 0.01 / draw.uniform(0.1, 0.7))
        echo = np.zeros_like(power[0])
        share = draw.uniform(0.02, 0.3)
        for t, now in enumerate(power):
            power[t], echo = now + share * echo, decay * (echo + (1 - decay) * now)
    knots = draw.normal(0, 0.4, 6)
    tilt = np.interp(bands, np.linspace(0, bands[-1], 6), knots)
    noise = 10 ** (np.interp(bands, np.linspace(0, bands[-1], 4), draw.normal(0, 0.5, 4)))
    level = 10 ** draw.uniform(-5, -1)
    power = power * 10**tilt + level * noise * draw.gamma(3, 1 / 3, power.shape)
    loud = np.quantile(power.sum(1), 0.95)
    return np.clip(1 + np.log10(power / loud * listener.BANDS + 1e-5) / 5, 0, 1.5)


def excerpt(
    source: tuple[np.ndarray, np.ndarray], draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """`LENGTH` frames of one voice, at another pace."""
    heard, wanted = source
    pace = draw.uniform(0.85, 1.2)
    start = draw.uniform(0, len(heard) - LENGTH * pace - 1)
    at = np.rint(start + pace * np.arange(LENGTH)).astype(int)
    return varied(heard[at], draw).astype(np.float32), wanted[at]


def loss_of(logits: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    poses, contacts = logits[:, :-2].sigmoid(), logits[:, -2:]
    error = ((poses - wanted[:, :-2]) ** 2 * weight).mean()
    return error + CONTACT_WEIGHT * functional.binary_cross_entropy_with_logits(
        contacts, wanted[:, -2:], pos_weight=torch.tensor(CONTACT_RARITY)
    )


def judge(net: Listener, held_out: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """How the unheard voices' jaw and closures are told."""
    jaw, closed = [], []
    with torch.inference_mode():
        for heard, wanted in held_out:
            told = net(torch.from_numpy(heard.T.copy())[None])[0].sigmoid().numpy().T
            jaw.append(np.corrcoef(told[:, JAW], wanted[:, JAW])[0, 1])
            closed.append(np.corrcoef(told[:, -2], wanted[:, -2])[0, 1])
    return f"r of the jaw {np.mean(jaw):.3f}, of closed lips {np.mean(closed):.3f}"


def train(
    data: list[tuple[np.ndarray, np.ndarray]], people: list[tuple[np.ndarray, np.ndarray]]
) -> Listener:
    torch.manual_seed(0)
    draw = np.random.default_rng(0)
    held_out, known = data[::7], [d for n, d in enumerate(data) if n % 7]
    net = Listener()
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS)
    spread = np.concatenate([wanted for _, wanted in known]).std(0)[: len(CHANNELS)]
    weight = torch.from_numpy(0.04 / np.maximum(spread, 0.05) ** 2)[None, :, None].float()
    for step in range(STEPS):
        batch = []
        for _ in range(BATCH):
            speakers = people if draw.random() < HUMAN_SHARE else known
            batch.append(excerpt(speakers[draw.integers(len(speakers))], draw))
        heard, wanted = (
            torch.from_numpy(np.stack([columns.T for columns in arrays]))
            for arrays in zip(*batch, strict=True)
        )
        loss = loss_of(net(heard), wanted, weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 499:
            print(f"{step + 1}: loss {loss.item():.4f}, {judge(net, held_out)}", flush=True)
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("--speech", type=Path, help="keep what the net hears in this .npz file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    started = time.process_time()
    if options.speech and options.speech.exists():
        kept = np.load(options.speech)
        arrays = [kept[name] for name in kept.files]
        data = list(zip(arrays[::2], arrays[1::2], strict=True))
    else:
        data = examples(Kokoro.load(options.models))
        if options.speech:
            np.savez(options.speech, *(array for pair in data for array in pair))
    net = train(data, human_examples())
    listener.WEIGHTS.parent.mkdir(exist_ok=True)
    save_file({k: v.half().contiguous() for k, v in net.state_dict().items()}, listener.WEIGHTS)
    count = sum(p.numel() for p in net.parameters())
    print(f"{count} parameters, {time.process_time() - started:.0f} CPU-s -> {listener.WEIGHTS}")


if __name__ == "__main__":
    main()
