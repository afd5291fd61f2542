"""Optimisers, how fast they go, and the running mean of what they reach."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import MissingDependencyError
from .recipe import COSINE, PRODIGY, Recipe

_END = 0.1
"""Share of the learning rate that the cosine ends at."""


def optimiser(parameters: Sequence[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """Make the optimiser of a recipe; raises MissingDependencyError."""
    if recipe.optimiser == PRODIGY:
        try:
            from prodigyopt import Prodigy
        except ImportError as error:
            raise MissingDependencyError(
                "The optimiser prodigy needs the package prodigyopt: install it with the Python of "
                "your ComfyUI (python -m pip install prodigyopt), or choose adamw."
            ) from error
        return Prodigy(
            parameters,
            lr=1.0,  # it finds its own; the schedule multiplies
            weight_decay=recipe.weight_decay,  # pyright: ignore[reportArgumentType]
            safeguard_warmup=True,
            use_bias_correction=True,
        )
    return torch.optim.AdamW(
        parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=False
    )


def rate(recipe: Recipe, step: int) -> float:
    """Learning rate of a step, counted from 0: a linear start, then level or half a cosine."""
    base = 1.0 if recipe.optimiser == PRODIGY else recipe.learning_rate
    warmup = min(recipe.warmup_steps, recipe.steps // 2)
    if step < warmup:
        return base * (step + 1) / (warmup + 1)
    if recipe.schedule != COSINE:
        return base
    done = (step - warmup) / max(1, recipe.steps - warmup)
    return base * (_END + (1 - _END) * (1 + math.cos(math.pi * min(done, 1.0))) / 2)


class Averaging:
    """Exponential running mean of parameters, which starts fast.

    The decay of step n is min(decay, (1 + n) / (10 + n)): else the mean of a short training would
    be mostly the start.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float):
        self._parameters, self._decay = list(parameters), decay
        self.means: list[Tensor] = [p.detach().clone() for p in parameters] if decay else []

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the parameters after `step` steps into the mean."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for mean, parameter in zip(self.means, self._parameters, strict=False):
            mean.lerp_(parameter.detach().to(mean.device), 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The means in place of the parameters, for the duration of the block."""
        if not self.means:
            yield
            return
        last = [p.data for p in self._parameters]
        try:
            for parameter, mean in zip(self._parameters, self.means, strict=True):
                parameter.data = mean.to(parameter.device)
            yield
        finally:
            for parameter, data in zip(self._parameters, last, strict=True):
                parameter.data = data


def state_of(optimiser: torch.optim.Optimizer) -> tuple[dict[str, Tensor], Any]:
    """An optimiser's state as tensors by name and as JSON."""
    state = optimiser.state_dict()
    tensors: dict[str, Tensor] = {}
    plain: dict[str, dict[str, Any]] = {}
    for number, values in state["state"].items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"{number}.{name}"] = value.detach().cpu()
            else:
                plain.setdefault(str(number), {})[name] = value
    groups = [{k: v for k, v in g.items() if k != "params"} for g in state["param_groups"]]
    return tensors, {"state": plain, "groups": groups}


def restore(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor], plain: Any) -> None:
    """Give an optimiser the state that `state_of` took of one over the same parameters."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        number, _, key = name.partition(".")
        state.setdefault(int(number), {})[key] = value
    for number, values in plain["state"].items():
        state.setdefault(int(number), {}).update(values)
    now = optimiser.state_dict()["param_groups"]
    groups = [{**g, "params": o["params"]} for g, o in zip(plain["groups"], now, strict=True)]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
