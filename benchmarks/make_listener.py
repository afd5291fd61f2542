"""Train the net that moves the mouth by sound alone, and write its weights (some 30 CPU-minutes).

Usage: python -m benchmarks.make_listener MODELS [--speech CACHE] [--start WEIGHTS]

It learns from made-up texts that the embedded voices read (`_babble.py`), whose sounds have known
times, and from human speech whose sounds forced alignment found (`_people.py`): the answer is what
`lipsync.mouth` does with them. Loudness, rooms, noise, microphones, pace and the length of the
vocal tract are varied. Every sixth person and the voices that `lip_sync.py` measures with only
judge; the clips of `_references.py` are not seen at all.

The weights that are committed came in two goes: 10,000 steps on 8 texts of each embedded voice and
13 people, then this, with `--start`, whose result is the mean of both weights (Wortsman et al.
2022): alone, the second found fewer closures and the first followed people less.
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import swa_utils

from benchmarks._babble import babble
from benchmarks._people import people
from myspinbot.audio import Audio
from myspinbot.lipsync import listener
from myspinbot.lipsync.mouth import mouth_from_speech
from myspinbot.lipsync.visemes import CHANNELS, JAW, LOWER, UPPER
from myspinbot.speech import Speech
from myspinbot.voice.engines.kokoro import Kokoro

Example = tuple[np.ndarray, np.ndarray]
"""Mel bands float32 [T, BANDS] and answers float32 [T, len(CHANNELS) + 2]."""

JUDGES = ("af_heart", "am_michael", "bf_emma", "bm_george")
TEXTS_A_VOICE = 3
CHANNELS_INSIDE = 64
TAPS = 5
STEPS = 4_500
BATCH, LENGTH = 16, 256
RATE = 1.5e-3
KEEP = 0.998
"""Of the mean of the weights, at each step: the mean is what is written."""
CONTACT_WEIGHT = 0.35
"""Of the two contacts' cross-entropy beside the poses' squared error."""
CONTACT_RARITY = 2.0
"""A missed contact counts this much more than one too many."""
OPENING_WEIGHT = 1.0
"""Of the squared error of the gap that the lips end up with, which is what people look at."""
HUMAN_SHARE = 0.6
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


def examples(engine: Kokoro) -> dict[str, Example]:
    """What each voice of `engine` gives."""
    found = {}
    for voice, texts in groupby(babble(engine, TEXTS_A_VOICE), key=lambda item: item[0]):
        pairs = [pair(audio, speech) for _, audio, speech in texts]
        heard, wanted = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
        found[voice] = heard, wanted
        print(f"{voice}: {len(heard) / listener.RATE_HZ:.0f} s", flush=True)
    return found


def human_examples() -> list[Example]:
    """What each person gives, without what was said but not recognised."""
    found = []
    for person in people():
        heard, wanted = pair(person.audio, person.speech)
        at_s = (np.arange(len(heard)) + 0.5) / listener.RATE_HZ
        known = np.ones(len(heard), bool)
        for start_s, end_s in person.gaps_s:
            known &= (at_s < start_s) | (at_s > end_s)
        found.append((heard[known], wanted[known]))
    return found


def pair(audio: Audio, speech: Speech) -> Example:
    """What the net hears of `audio`, and what it should answer."""
    heard = listener.features(audio)
    track = mouth_from_speech(speech, len(heard), Fraction(listener.RATE_HZ))
    return heard, np.c_[track.poses, 1 - track.lips_apart, track.on_teeth].astype(np.float32)


def varied(heard: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """`heard` [T, BANDS] as another throat, microphone and room would have it."""
    bands = np.arange(listener.BANDS)
    at = np.clip(bands * draw.uniform(0.86, 1.16), 0, bands[-1])
    low, share = at.astype(int), at - at.astype(int)
    heard = (1 - share) * heard[:, low] + share * heard[:, np.minimum(low + 1, bands[-1])]
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


def excerpt(source: Example, draw: np.random.Generator) -> Example:
    """`LENGTH` frames of one voice, at another pace."""
    heard, wanted = source
    pace = draw.uniform(0.85, 1.2)
    start = draw.uniform(0, len(heard) - LENGTH * pace - 1)
    at = np.rint(start + pace * np.arange(LENGTH)).astype(int)
    return varied(heard[at], draw).astype(np.float32), wanted[at]


def opening(poses: Tensor, closed: Tensor) -> Tensor:
    """About how far the lips are apart, [B, T]."""
    wide = 0.6 * poses[:, JAW] + 0.2 * poses[:, UPPER] + 0.2 * poses[:, LOWER]
    return wide * (1 - closed)


def loss_of(logits: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """`logits`, `wanted` [B, out, T]; `weight` [1, len(CHANNELS), 1] evens the channels out."""
    poses, contacts = logits[:, :-2].sigmoid(), logits[:, -2:]
    error = ((poses - wanted[:, :-2]) ** 2 * weight).mean()
    told = opening(poses, contacts[:, 0].sigmoid())
    gap = ((told - opening(wanted[:, :-2], wanted[:, -2])) ** 2).mean()
    return (
        error
        + OPENING_WEIGHT * gap
        + CONTACT_WEIGHT
        * functional.binary_cross_entropy_with_logits(
            contacts, wanted[:, -2:], pos_weight=torch.tensor(CONTACT_RARITY)
        )
    )


def judge(net: nn.Module, held_out: list[Example]) -> str:
    """How the jaw, the gap and closures of unheard voices are told."""
    found = []
    with torch.inference_mode():
        for heard, wanted in held_out:
            told = net(torch.from_numpy(heard.T.copy())[None]).sigmoid()
            truth = torch.from_numpy(wanted.T.copy())[None]
            pairs = [
                (told[:, JAW], truth[:, JAW]),
                *((opening(x[:, :-2], x[:, -2]) for x in (told, truth)),),
                (told[:, -2], truth[:, -2]),
            ]
            found.append([np.corrcoef(a.numpy(), b.numpy())[0, 1] for a, b in pairs])
    jaw, gap, closed = np.mean(found, 0)
    return f"r of jaw {jaw:.3f}, gap {gap:.3f}, closed lips {closed:.3f}"


def train(voices: dict[str, Example], persons: list[Example], start: Path | None) -> nn.Module:
    """The mean of the weights over the last steps; `start` has those to begin with."""
    torch.manual_seed(0)
    draw = np.random.default_rng(0)
    known = [example for name, example in voices.items() if name not in JUDGES]
    met = [example for n, example in enumerate(persons) if n % 6]
    strangers = {
        "voices": [voices[name] for name in JUDGES],
        "people": persons[::6],
    }
    net = Listener()
    if start:
        net.load_state_dict(load_file(start))
    mean = swa_utils.AveragedModel(net, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(KEEP))
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS)
    spread = np.concatenate([wanted for _, wanted in known]).std(0)[: len(CHANNELS)]
    weight = torch.from_numpy(0.04 / np.maximum(spread, 0.05) ** 2)[None, :, None].float()
    for step in range(STEPS):
        batch = []
        for _ in range(BATCH):
            speakers = met if draw.random() < HUMAN_SHARE else known
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
        mean.update_parameters(net)
        if step % 250 == 249:
            found = "; ".join(f"{kind}: {judge(mean, who)}" for kind, who in strangers.items())
            print(f"{step + 1}: loss {loss.item():.4f}, {found}", flush=True)
    if start:
        return blended(mean.module, load_file(start))
    return mean.module


def blended(net: nn.Module, former: dict[str, Tensor]) -> nn.Module:
    """`net` with the mean of its weights and the `former` ones."""
    net.load_state_dict({k: (v + former[k].float()) / 2 for k, v in net.state_dict().items()})
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("--speech", type=Path, help="keep what the net hears in this .npz file")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    options = parser.parse_args()
    torch.set_num_threads(1)
    started = time.process_time()
    if options.speech and options.speech.exists():
        kept = np.load(options.speech)
        names = sorted({key.split(".")[0] for key in kept.files})
        data = {name: (kept[f"{name}.heard"], kept[f"{name}.wanted"]) for name in names}
    else:
        data = examples(Kokoro.load(options.models))
        if options.speech:
            arrays: dict[str, Any] = {}
            for name, (heard, wanted) in data.items():
                arrays |= {f"{name}.heard": heard, f"{name}.wanted": wanted}
            np.savez(options.speech, **arrays)
    net = train(data, human_examples(), options.start)
    listener.WEIGHTS.parent.mkdir(exist_ok=True)
    save_file({k: v.half().contiguous() for k, v in net.state_dict().items()}, listener.WEIGHTS)
    count = sum(p.numel() for p in net.parameters())
    print(f"{count} parameters, {time.process_time() - started:.0f} CPU-s -> {listener.WEIGHTS}")


if __name__ == "__main__":
    main()
