"""Layers that pass gradients on but learn nothing, and blocks that are computed twice.

A frozen layer keeps no weight in the graph: it asks for it again when the gradient comes back. So
weights may be 8-bit, in the CPU's memory or born in inference mode, and no copy of them in the
computing type outlives its layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .families import Family, blocks, layers

WeightOf = Callable[[nn.Module, Tensor], Tensor]
"""``weight_of(layer, like)``: the layer's weight as it computes with, in the type and place of
`like`. It may raise, and that cancels the work."""


class _Frozen(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, layer, forward, weight_of):
        ctx.layer, ctx.weight_of, ctx.shape, ctx.dtype = layer, weight_of, x.shape, x.dtype
        return forward(x)

    @staticmethod
    def backward(ctx, *gradients):
        (gradient,) = gradients
        layer = ctx.layer
        weight = ctx.weight_of(layer, gradient)
        if isinstance(layer, nn.Linear):
            back = gradient @ weight
        else:
            rank = weight.ndim - 2
            back = torch.ops.aten.convolution_backward(
                gradient,
                gradient.new_empty(1).expand(ctx.shape),  # only its shape is read
                weight,
                None,
                layer.stride,
                layer.padding,
                layer.dilation,
                False,
                [0] * rank,
                layer.groups,
                (True, False, False),
            )[0]
        return back.to(ctx.dtype), None, None, None


class Freezing:
    """Replaces the forwards of a net's layers and blocks, and puts them back."""

    def __init__(self, net: nn.Module, family: Family, *, recompute: bool, weight_of: WeightOf):
        self._net, self._family, self._weight_of = net, family, weight_of
        self._recompute = recompute
        self._replaced: list[nn.Module] = []

    def insert(self) -> None:
        for _, layer in layers(self._net):
            if isinstance(layer, nn.Linear) or _plain(layer):
                self._replace(layer, self._frozen(layer))
        self._thaw(set(self._replaced))
        for block in blocks(self._net, self._family):
            if self._family.in_place:
                for norm in block.modules():
                    if isinstance(norm, nn.LayerNorm):
                        self._replace(norm, _on_copies(norm.forward))
                self._replace(block, _on_copies(block.forward))
            if self._recompute:
                self._replace(block, _twice(block.forward))

    def _thaw(self, frozen: set[nn.Module]) -> None:
        """Copy what is left out of inference mode: the graph will keep it."""
        for module in self._net.modules():
            for name, value in () if module in frozen else list(module._parameters.items()):
                if value is not None and value.is_inference():
                    module._parameters[name] = nn.Parameter(value.clone(), requires_grad=False)

    def remove(self) -> None:
        for module in self._replaced:
            module.__dict__.pop("forward", None)
        self._replaced.clear()

    def _replace(self, module: nn.Module, forward: Callable) -> None:
        if "forward" not in module.__dict__:
            self._replaced.append(module)
        module.forward = forward

    def _frozen(self, layer: nn.Module) -> Callable:
        original, weight_of, flat = layer.forward, self._weight_of, isinstance(layer, nn.Linear)

        def forward(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if args or kwargs or not (x.requires_grad and torch.is_grad_enabled()):
                return original(x, *args, **kwargs)
            if not flat:
                return _Frozen.apply(x, layer, original, weight_of)  # type: ignore[return-value]
            # autograd forbids changing views that a function made in place, and blocks do that
            rows: Any = _Frozen.apply(x.reshape(-1, x.shape[-1]), layer, original, weight_of)
            return rows.reshape(*x.shape[:-1], -1)

        return forward


def _plain(layer: Any) -> bool:
    """Whether a convolution is one that the way back above is right for."""
    return not isinstance(layer.padding, str) and layer.padding_mode == "zeros"


def _on_copies(forward: Callable) -> Callable:
    def copied(value: Any) -> Any:
        return value.clone() if isinstance(value, Tensor) and value.is_floating_point() else value

    def on_copies(*args: Any, **kwargs: Any) -> Any:
        if torch.is_grad_enabled():
            args = tuple(copied(value) for value in args)
            kwargs = {name: copied(value) for name, value in kwargs.items()}
        return forward(*args, **kwargs)

    return on_copies


def _twice(forward: Callable) -> Callable:
    def twice(*args: Any, **kwargs: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*args, **kwargs)
        return checkpoint(
            forward, *args, use_reentrant=False, preserve_rng_state=False, **kwargs
        )  # nothing random happens inside

    return twice
