"""Watches every prompt and node from a progress handler, without touching ComfyUI's own code.

ComfyUI makes a new registry of progress handlers for each prompt, and first resets the handlers of
the old one, on the worker's thread and inside its event loop. There the observer asks the loop to
call it back, and joins the new registry before its first node starts. A task that it leaves in the
loop is cancelled when the prompt is over: that is how it learns of the end.

An exception that escapes from any of this would end ComfyUI's only worker, so none does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import comfy.model_management as mm
import psutil
from comfy_execution.progress import ProgressHandler, get_progress_state

from ...myspinbot.metrics import Metrics, Run

NAME = "myspinbot_metrics"
_SAMPLE_EVERY_S = 0.5


class Observer(ProgressHandler):
    """Fills a Run per prompt, and hands it to `ended` when the prompt is over."""

    def __init__(
        self, metrics: Metrics, began: Callable[[Run], None], ended: Callable[[Run], None]
    ):
        super().__init__(NAME)
        self._metrics, self._began, self._ended = metrics, began, ended
        self._graph: Any = None
        self._watch: asyncio.Task | None = None
        self._process = psutil.Process()
        self._sampled_s = 0.0
        self._loaded: dict[int, str] = {}

    @property
    def armed(self) -> bool:
        """Whether ComfyUI will call."""
        return get_progress_state().handlers.get(NAME) is self

    # called by ComfyUI

    def reset(self) -> None:
        self._call("nodes", self._between_prompts)

    def start_handler(self, node_id, state, prompt_id) -> None:
        self._call("nodes", self._start, node_id, prompt_id)
        self._call("memory", self._sample)

    def update_handler(self, node_id, value, max_value, state, prompt_id, image=None) -> None:
        if time.perf_counter() - self._sampled_s > _SAMPLE_EVERY_S:
            self._call("memory", self._sample)

    def finish_handler(self, node_id, state, prompt_id) -> None:
        self._call("memory", self._sample)
        self._call("models", self._compare_models)
        self._call("nodes", self._finish, node_id, prompt_id)

    def _call(self, hook: str, work: Callable[..., Any], *values: Any) -> None:
        started_s = time.perf_counter()
        self._metrics.guard(hook, work, *values)
        self._metrics.spent(time.perf_counter() - started_s)

    # what it does then

    def arm(self) -> None:
        """Join the present registry: by rebinding, since ComfyUI may be iterating over the dict."""
        registry = get_progress_state()
        if not self.armed:
            registry.handlers = {**registry.handlers, NAME: self}

    def _between_prompts(self) -> None:
        asyncio.get_running_loop().call_soon(self._call, "nodes", self._new_prompt)

    def _new_prompt(self) -> None:
        self.arm()
        self._begin()

    def _begin(self) -> Run:
        """A new run; one that nobody ended is handed over first."""
        if self._metrics.run:
            self._end(self._metrics.run)
        registry = get_progress_state()
        self._graph = registry.dynprompt
        run = Run(registry.prompt_id, self._graph.get_original_prompt())
        self._metrics.run = run
        self._watch = asyncio.get_running_loop().create_task(self._until_the_end(run))
        self._began(run)
        return run

    async def _until_the_end(self, run: Run) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._call("nodes", self._end, run)

    def _end(self, run: Run) -> None:
        if self._metrics.run is not run:
            return
        self._metrics.run = self._graph = self._watch = None
        run.end(time.perf_counter())
        self._ended(run)

    def _current(self, prompt_id: str) -> Run:
        run = self._metrics.run
        return run if run and run.prompt_id == prompt_id else self._begin()

    def _start(self, node_id: str, prompt_id: str) -> None:
        run = self._current(prompt_id)
        run.start(node_id, self._class(node_id), time.perf_counter())

    def _finish(self, node_id: str, prompt_id: str) -> None:
        run, class_type = self._current(prompt_id), self._class(node_id)
        duration_s = run.finish(node_id, class_type, time.perf_counter())
        if duration_s is not None:
            self._metrics.node(class_type, duration_s)

    def _class(self, node_id: str) -> str:
        return self._graph.get_node(node_id)["class_type"]

    def _sample(self) -> None:
        self._sampled_s = time.perf_counter()
        if run := self._metrics.run:
            run.sample(self._process.memory_info().rss, vram_in_use())

    def _compare_models(self) -> None:
        """ComfyUI does not tell when a model comes or goes: compare with the last node's end."""
        patchers = loaded_models()
        now = {key: type(patcher.model).__name__ for key, patcher in patchers.items()}
        for key in now.keys() - self._loaded.keys():
            self._metrics.model(now[key], True)
            if run := self._metrics.run:
                run.load(now[key], patchers[key].loaded_size())
        for key in self._loaded.keys() - now.keys():
            self._metrics.model(self._loaded[key], False)
        self._loaded = now


def loaded_models() -> dict[int, Any]:
    """Identity and patcher of each model in ComfyUI's model manager."""
    patchers = [(id(loaded), loaded.model) for loaded in list(mm.current_loaded_models)]
    return {key: patcher for key, patcher in patchers if patcher is not None}


def vram_in_use() -> int:
    """Bytes of the device's memory that anybody uses; 0 where there is none but the CPU's."""
    device = mm.get_torch_device()
    if device.type == "cpu":
        return 0
    total, free = (cast(int, ask(device)) for ask in (mm.get_total_memory, mm.get_free_memory))
    return max(0, total - free)
