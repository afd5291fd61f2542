"""Whether a training still gains, measured with the same noise every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .adapters import Adapters
from .batches import Batch, Batches, Example, generator

_ENOUGH = 5
"""With fewer images none can be spared, and the training images themselves are measured."""
_STRATA = 4
"""Noise levels a measured image is seen at."""
_MEASURED = 4
"""Most images that are measured."""


class Validation:
    """Losses at fixed noise, and the weights that had the least."""

    def __init__(self, batches: Batches, images: int):
        self._batches, self._images = batches, min(images, _MEASURED)
        self.losses: list[tuple[int, float]] = []
        """Step and loss of each measurement."""
        self.best: dict[str, Tensor] = {}
        self._best_loss = float("inf")
        self._stale = 0

    @staticmethod
    def split(examples: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
        """What to learn from and what to measure on."""
        if len(examples) < _ENOUGH:
            return list(examples), list(examples)
        chosen = int(torch.randint(len(examples), (1,), generator=generator(seed, "held out")))
        rest = [example for number, example in enumerate(examples) if number != chosen]
        return rest, [examples[chosen]]

    def measure(self, loss_of: Callable[[Batch], float], step: int, adapters: Adapters) -> None:
        """Take note of the loss after `step` steps, and of the weights if they are the best."""
        rows = range(self._images)
        loss = sum(loss_of(self._batches.fixed(row, _STRATA)) for row in rows) / self._images
        self.losses.append((step, loss))
        if step == 0 or loss < self._best_loss:
            self._best_loss, self._stale = loss, 0
            self.best = adapters.weights() if step else {}
        else:
            self._stale += 1

    def without_gain(self, patience: int) -> bool:
        """Whether the last `patience` measurements brought nothing."""
        return 0 < patience <= self._stale

    def facts(self) -> dict[str, Any]:
        """What `restore` needs beside the best weights, as JSON."""
        return {"losses": self.losses, "best": self._best_loss, "stale": self._stale}

    def restore(self, facts: dict[str, Any], best: dict[str, Tensor]) -> None:
        """Go on from `facts`."""
        self.losses = [(int(step), float(loss)) for step, loss in facts["losses"]]
        self._best_loss, self._stale, self.best = facts["best"], facts["stale"], best
