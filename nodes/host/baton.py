"""Hands the GPU over to a program beside ComfyUI, and lends what an SPINBOT_LLM carries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import comfy.model_management as mm
import torch

from ...myspinbot.narrative.metering import Usage, metered
from .instrumentation import metrics
from .models import Managed, one_thread


def make_room(size_bytes: int) -> int:
    """Send ComfyUI's models away until `size_bytes` of VRAM are free; returns the bytes freed."""
    device = mm.get_torch_device()
    before = _free_bytes(device)
    mm.free_memory(size_bytes, device)
    mm.soft_empty_cache()  # what torch keeps for itself is of no use to another program
    freed = max(0, _free_bytes(device) - before)
    metrics().vram_freed("comfyui", freed)
    return freed


def _free_bytes(device: torch.device) -> int:
    """Counts what torch has cached but does not use as free."""
    return cast(int, mm.get_free_memory(device))


@dataclass
class Lent:
    """What comes of lending a model."""

    outcome: str = "ok"
    """Set it to "repaired" or "fallback" where that is how the text came about."""
    freed: dict[str, Any] = field(default_factory=dict)
    """For a report: the VRAM that changed hands, known when the model has been given back."""


@contextmanager
def lend(model: Any) -> Iterator[tuple[Any, Lent]]:
    """The engine of an SPINBOT_LLM, and what is to be told and learned about lending it.

    A model of ours runs on one thread, for it is small. A model beside ComfyUI gives its VRAM back
    when the block ends: waited for after success, not after an error or a cancel. What was asked
    of the model goes to the metrics.
    """
    lent, usage, outcome, started_s = Lent(), Usage(), "interrupted", time.perf_counter()
    try:
        engine = metered(model.ready(), usage)
        with one_thread() if isinstance(model, Managed) else nullcontext():
            yield engine, lent
        outcome = lent.outcome
    except Exception:
        outcome = "error"
        raise
    finally:
        took_s = time.perf_counter() - started_s
        if usage.calls or outcome == "error":
            metrics().llm(
                _backend(model),
                outcome,
                took_s,
                busy_s=usage.busy_s,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
            )
        if release := getattr(model, "release", None):
            lent.freed |= release(outcome == lent.outcome)


def _backend(model: Any) -> str:
    """The kind of engine, without the model's name, which is the user's."""
    return getattr(model, "backend", "") or str(getattr(model.engine, "name", "")).split(" ")[0]
