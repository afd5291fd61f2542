"""Hands torch modules to ComfyUI's model manager, which decides where they live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import comfy.model_management as mm
import comfy.model_patcher
import torch

ACTIVATION_BYTES = 2 << 30
"""What engines need beside their weights: a sentence of 20 s, the longest, took 1.7 GB."""


class WholePatcher(comfy.model_patcher.ModelPatcher):
    """Evicts a plain torch.nn module as a whole: half of one on each device would crash."""

    def partially_unload(self, device_to, memory_to_free=0, force_patch_weights=False):
        return 0  # the scheduler then detaches it completely


def has_gpu() -> bool:
    """Whether models run on something faster than the CPU."""
    return mm.get_torch_device().type != "cpu"


def free_cached() -> None:
    """Give VRAM back that torch holds, but that no tensor uses."""
    mm.soft_empty_cache()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run small nets on one core: several threads cost them many times the CPU."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def cancellable(load: Callable[[], Any]) -> Any:
    """Run `load` beside the worker thread, so that a cancel need not wait for a file or a server.

    The thread is outside the nodes' inference mode: weights born in that could never serve a
    gradient, and the voice fit takes one through them.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="myspinbot-load")
    try:
        future = pool.submit(load)
        while not future.done():
            mm.throw_exception_if_processing_interrupted()
            wait([future], timeout=0.1)
        return future.result()
    finally:
        pool.shutdown(wait=False)


def _modules(engine: Any) -> list[torch.nn.Module]:
    return [engine] if isinstance(engine, torch.nn.Module) else engine.modules()


class Managed:
    """An engine whose torch modules belong to ComfyUI's model manager."""

    def __init__(self, load: Callable[[], Any]):
        self.engine = cancellable(load)
        """Use it through `ready`: until then its modules may be anywhere."""
        self.patchers = [
            WholePatcher(
                module.eval(),
                load_device=mm.get_torch_device(),
                offload_device=mm.unet_offload_device(),
            )
            for module in _modules(self.engine)
        ]

    @property
    def patcher(self):
        return self.patchers[0] if self.patchers else None

    def get_models(self):
        return self.patchers

    def ready(self) -> Any:
        """Ask the manager to load every module of the engine, then return the engine."""
        return ready(self)[0]


def ready(*handles: Managed) -> list[Any]:
    """Load several engines in one request, since a second one might evict the first."""
    patchers = [patcher for handle in handles for patcher in handle.patchers]
    with torch.inference_mode(False):
        mm.load_models_gpu(patchers, memory_required=ACTIVATION_BYTES, force_full_load=True)
    return [handle.engine for handle in handles]
