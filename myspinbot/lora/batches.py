"""Which images, noises and noise levels each step sees: a function of the seed and the step alone.

So a training that goes on after a stop sees what it would have seen, with no state to keep, and
nobody else's random numbers change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from .families import Prediction
from .losses import draw_positions, sigmas_at
from .recipe import Recipe


@dataclass(frozen=True, eq=False)
class Example:
    """An image as the net sees it."""

    latent: Tensor
    """float32 [C, ..., h, w] as the net is fed, on the CPU."""
    caption: Any
    """The host's conditioning."""
    places: Tensor | None = None
    """float32 [h, w]: how much each place counts (losses.places); None counts all the same."""
    plain: Any = None
    """The caption without the word that is learned, what the net makes of which is held on to."""


class Denoiser(Protocol):
    """The net as the host runs it."""

    prediction: Prediction
    sigmas: Tensor
    """The model's own noise levels, ascending: [N]."""
    noise_scale: float
    """What the model's noise deviates by; 1 for nearly all."""
    device: torch.device

    def predict(self, noisy: Tensor, sigmas: Tensor, captions: Sequence[Any]) -> Tensor:
        """The clean latents [B, C, ...] that the net sees in `noisy`, each with its caption."""
        ...


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step learns from; all tensors on the CPU."""

    latents: Tensor
    noise: Tensor
    sigmas: Tensor
    captions: list[Any]
    plain: list[Any]
    places: Tensor | None
    """[B, 1, ..., h, w], or None"""


def generator(seed: int, *purpose: object) -> torch.Generator:
    """A source of random numbers of its own for a purpose."""
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


class Batches:
    """The batches of a training: each of one size of image, each image as often as any other.

    An epoch shows each image as often as there are images in a batch, so that all batches are full
    even where a size has a single image.
    """

    def __init__(self, examples: Sequence[Example], denoiser: Denoiser, recipe: Recipe, empty: Any):
        self._examples, self._recipe, self._empty = examples, recipe, empty
        self._prediction, self._table = denoiser.prediction, denoiser.sigmas
        self._sizes: dict[tuple[int, ...], list[int]] = {}
        for number, example in enumerate(examples):
            self._sizes.setdefault(tuple(example.latent.shape), []).append(number)
        self._per_epoch = len(examples)
        self._epoch, self._plan = -1, [[0]]

    def at(self, step: int) -> Batch:
        """The batch of a step, counted from 0."""
        epoch, place = divmod(step, self._per_epoch)
        if epoch != self._epoch:
            self._epoch, self._plan = epoch, self._planned(epoch)
        rows = self._plan[place]
        random = generator(self._recipe.seed, "step", step)
        keep = torch.rand(len(rows), generator=random) >= self._recipe.caption_dropout
        captions = [
            self._examples[row].caption if kept else self._empty
            for row, kept in zip(rows, keep.tolist(), strict=True)
        ]
        positions = draw_positions(self._prediction, len(rows), random)
        return self._batch(rows, captions, positions, random)

    def fixed(self, row: int, strata: int) -> Batch:
        """The same image at `strata` noise levels from low to high, always with the same noise."""
        positions = (torch.arange(strata) + 0.5) / strata
        random = generator(self._recipe.seed, "validation", row)
        return self._batch(
            [row] * strata, [self._examples[row].caption] * strata, positions, random
        )

    def _batch(self, rows: list[int], captions: list[Any], positions: Tensor, random) -> Batch:
        chosen = [self._examples[row] for row in rows]
        latents = torch.stack([example.latent for example in chosen])
        places = None
        if any(example.places is not None for example in chosen):
            shape = (1,) * (latents.ndim - 3) + tuple(latents.shape[-2:])
            full = torch.ones(latents.shape[-2:])
            places = torch.stack(
                [(full if e.places is None else e.places).reshape(shape) for e in chosen]
            )
        return Batch(
            latents,
            torch.randn(latents.shape, generator=random),
            sigmas_at(self._table, positions),
            captions,
            [example.plain for example in chosen],
            places,
        )

    def _planned(self, epoch: int) -> list[list[int]]:
        random, size, batches = generator(self._recipe.seed, "epoch", epoch), self._recipe.batch, []
        for group in self._sizes.values():
            rounds = [torch.randperm(len(group), generator=random) for _ in range(size)]
            order = [group[i] for i in torch.cat(rounds).tolist()]
            batches += [order[start : start + size] for start in range(0, len(order), size)]
        return [batches[i] for i in torch.randperm(len(batches), generator=random).tolist()]
