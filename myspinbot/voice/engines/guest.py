"""Lets a foreign speech library run inside ComfyUI's process without leaving anything behind."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

from ...progress import Tick

_TICK_S = 0.1


@contextmanager
def unnoticed() -> Iterator[None]:
    """Let a library be imported or loaded; then everything global is as it was before.

    Restores the environment, warning filters, handlers and level of the root logger, and torch's
    threads, default dtype and random numbers.
    """
    environment, root = dict(os.environ), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    with warnings.catch_warnings(), torch.random.fork_rng([]):
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_num_threads(threads)
            root.handlers[:] = handlers
            root.setLevel(level)
            for name in set(os.environ) - set(environment):
                del os.environ[name]
            os.environ.update(environment)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's own random numbers on the CPU and `device`; afterwards they go on as before."""
    cards = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(cards):
        torch.default_generator.manual_seed(seed)
        for card in cards:
            torch.cuda.default_generators[card].manual_seed(seed)
        if device.type not in ("cpu", "cuda"):
            torch.manual_seed(seed)
        yield


@contextmanager
def pulsing(modules: Iterable[nn.Module], pulse: Callable[[], None]) -> Iterator[None]:
    """Call `pulse` before each forward of `modules`; what it raises ends the library's work."""

    def before(module: nn.Module, arguments: object) -> None:
        pulse()

    with ExitStack() as hooks:
        for module in modules:
            hooks.callback(module.register_forward_pre_hook(before).remove)
        yield


def paced(tick: Tick, total: int) -> Callable[[], None]:
    """A pulse that may come thousands of times a second: `tick` hears of it ten times a second."""
    done, heard_s = 0, float("-inf")

    def pulse() -> None:
        nonlocal done, heard_s
        if time.monotonic() - heard_s >= _TICK_S:
            tick(min(done, total), total)
            heard_s = time.monotonic()
        done += 1

    return pulse
