"""Hands the GPU over to a program beside ComfyUI, and lends what an SPINBOT_LLM carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import comfy.model_management as mm
import torch

from .models import Managed, one_thread


def make_room(size_bytes: int) -> int:
    """Send ComfyUI's models away until `size_bytes` of VRAM are free; returns the bytes freed."""
    device = mm.get_torch_device()
    before = _free_bytes(device)
    mm.free_memory(size_bytes, device)
    mm.soft_empty_cache()  # what torch keeps for itself is of no use to another program
    return max(0, _free_bytes(device) - before)


def _free_bytes(device: torch.device) -> int:
    """Counts what torch has cached but does not use as free."""
    return cast(int, mm.get_free_memory(device))


@contextmanager
def lend(model: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The engine of an SPINBOT_LLM, and a report that is filled when it has been given back.

    A model of ours runs on one thread, for it is small. A model beside ComfyUI gives its VRAM back
    when the block ends: waited for after success, not after an error or a cancel.
    """
    engine, report, whole = model.ready(), {}, False
    try:
        with one_thread() if isinstance(model, Managed) else nullcontext():
            yield engine, report
        whole = True
    finally:
        if release := getattr(model, "release", None):
            report |= release(whole)
