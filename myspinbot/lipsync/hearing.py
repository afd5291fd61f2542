"""What a video model hears of a long speech in one window, in the form that ComfyUI's nodes read.

ComfyUI encodes a whole sound at once, with attention over all of it: minutes take gigabytes. Here
each window is encoded by itself, with two seconds around it, so memory is flat and a change of the
last sentence leaves what the windows before it heard as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from ..audio import Audio

RATE = 16_000
"""What wav2vec 2.0 hears, Hz."""
FEATURE_SAMPLES = 320
"""Samples from one of its features to the next: 50 a second."""
CONTEXT_S = 2.0
"""Sound around a window that its features may depend on."""
MARGIN = 4
"""Frames of features on either side of a window: ComfyUI looks two further than the window, and
a partner who is silent in it needs two of his own."""

Encode = Callable[[np.ndarray], list[torch.Tensor]]
"""``encode(samples)``: float32 [1, T] at RATE to the layers of wav2vec, each [1, T50, C]."""


@dataclass(frozen=True)
class Excerpt:
    """The sound that one window hears."""

    samples: np.ndarray
    """float32 [1, T] at RATE; silence past the end of the speech."""
    lead: int
    """Features before the first frame."""


def excerpt(speech: Audio, first: int, end: int, fps: int) -> Excerpt:
    """Cut what frames `first` to `end` hear out of `speech`, mono at RATE, with its context."""
    context = round(CONTEXT_S * RATE)
    at = round(Fraction(first * RATE, fps) / FEATURE_SAMPLES) * FEATURE_SAMPLES
    start = max(0, at - context)
    stop = int(Fraction(end * RATE, fps)) + context
    heard = speech.samples[:, start:stop]
    heard = np.pad(heard, ((0, 0), (0, stop - start - heard.shape[1])))
    return Excerpt(heard, (at - start) // FEATURE_SAMPLES)


def frame_features(layers: list[torch.Tensor], lead: int, before: int, count: int) -> torch.Tensor:
    """Features [layers, count, C] of 25 frames a second, from `before` frames ahead of the first.

    A frame lasts two features; it gets their mean, which lies at the frame's middle.
    """
    stacked = torch.cat(layers)
    start = lead - 2 * before
    index = (torch.arange(2 * count) + start).clamp(0, stacked.shape[1] - 1)
    return stacked[:, index].unflatten(1, (count, 2)).mean(2)


def undisturbed(values: torch.Tensor) -> list[torch.Tensor]:
    """Layers that ComfyUI's resampling from 50 to 25 a second turns into just `values` [L, n, C].

    It is linear between its corners, so each value goes where its two neighbours will be looked up.
    """
    count = values.shape[1]
    length = 2 * count + 1  # odd: 2n / 50 * 25 may round down to n - 1
    index = torch.round(torch.arange(length) * ((count - 1) / (length - 1))).long()
    return [layer[None] for layer in values[:, index]]


def output(layers: list[torch.Tensor]) -> dict[str, object]:
    """ComfyUI's AUDIO_ENCODER_OUTPUT."""
    return {
        "encoded_audio": layers[-1],
        "encoded_audio_all_layers": layers,
        "audio_samples": layers[-1].shape[1] * FEATURE_SAMPLES,
    }


def take_turns(
    first: torch.Tensor, second: torch.Tensor, border: int
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Layers of two speakers whose turn changes at frame `border` of the window's features.

    ComfyUI lets the second speaker begin where the features of the first one end.
    """
    border = min(max(border, 1), first.shape[1] - 1)
    return undisturbed(first[:, :border]), undisturbed(second[:, border:])
