"""LoRA layers beside a net's own, put in and taken out without touching its weights.

Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, arXiv:2106.09685; the layers are
those of peft (Apache-2.0).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import BadInputError

_NAME = "default"
"""What peft calls an adapter."""


class Adapters:
    """The LoRA of a net: parameters in float32, on the net's device once inserted.

    `insert` and `remove` may be called again and again: the host takes the LoRA out when it moves
    the net. What has been learned stays here.
    """

    def __init__(self, net: nn.Module, targets: Sequence[str], *, rank: int, alpha: float):
        self.rank, self.alpha, self.targets = rank, alpha, list(targets)
        self._net = net
        self._wrapped: dict[str, nn.Module] = {}
        self._own: dict[str, nn.Module] = {}
        self._inside = False

    @torch.inference_mode(False)
    def initialise(self, seed: int) -> None:
        """Make the layers: up to zero, so that the net starts as it is. The seed decides all."""
        import peft

        generator = torch.Generator().manual_seed(seed)
        config = peft.LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,  # pyright: ignore[reportArgumentType]  # it may be a fraction
            target_modules=self.targets,
            lora_dropout=0.0,
        )
        before = set(vars(self._net))
        self._own = {name: self._net.get_submodule(name) for name in self.targets}
        flags = [(p, p.requires_grad) for p in self._net.parameters()]
        try:
            # on the meta device peft draws no numbers: those would be the server's
            peft.inject_adapter_in_model(config, self._net, _NAME, low_cpu_mem_usage=True)
            self._wrapped = {name: self._net.get_submodule(name) for name in self.targets}
        finally:
            for name, layer in self._own.items():
                _put(self._net, name, layer)
            for name in set(vars(self._net)) - before:
                delattr(self._net, name)
            for parameter, flag in flags:
                parameter.requires_grad_(flag)
        for layer in self._wrapped.values():
            for part, bound in (("lora_A", 1.0), ("lora_B", 0.0)):
                inner = getattr(layer, part)[_NAME]
                shape = inner.weight.shape
                reach = bound / math.sqrt(math.prod(shape[1:]))
                values = (torch.rand(shape, generator=generator) * 2 - 1) * reach
                inner.weight = nn.Parameter(values)

    def insert(self) -> None:
        """Put the LoRA into the net, on whatever device each layer is."""
        for name, layer in self._wrapped.items():
            device = next(self._own[name].parameters()).device
            for parameter in _inner(layer):
                # the parameter must stay the same object: the optimiser knows it
                parameter.data = parameter.data.to(device)
            _put(self._net, name, layer)
        self._inside = True

    def remove(self) -> None:
        """Leave the net as it was."""
        for name, layer in self._own.items():
            _put(self._net, name, layer)
        self._inside = False

    @contextmanager
    def removed(self) -> Iterator[None]:
        """The net as it was, for the duration of the block."""
        inside = self._inside
        self.remove()
        try:
            yield
        finally:
            if inside:
                self.insert()

    def parameters(self) -> list[nn.Parameter]:
        return [p for layer in self._wrapped.values() for p in _inner(layer)]

    def weights(self) -> dict[str, Tensor]:
        """Copies by name: <layer>.lora_A.weight and <layer>.lora_B.weight, on the CPU."""
        named = self._named()
        return {name: p.detach().to("cpu", copy=True) for name, p in named.items()}

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take over what `weights()` gives; raises BadInputError if it does not fit."""
        named = self._named()
        for name, parameter in named.items():
            value = weights.get(name)
            if value is None or value.shape != parameter.shape:
                found = "is missing" if value is None else f"has the shape {list(value.shape)}"
                raise BadInputError(
                    f"The LoRA to start from does not fit: {name} {found}, wanted is "
                    f"{list(parameter.shape)}. Use the rank and the targets it was trained with, "
                    "and the same model, or disconnect start_from."
                )
            parameter.data.copy_(value)

    def _named(self) -> dict[str, nn.Parameter]:
        return {
            f"{name}.{part}.weight": getattr(layer, part)[_NAME].weight
            for name, layer in self._wrapped.items()
            for part in ("lora_A", "lora_B")
        }


def _inner(layer: Any) -> list[nn.Parameter]:
    return [layer.lora_A[_NAME].weight, layer.lora_B[_NAME].weight]


def _put(net: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, layer)
