"""What is only true at this moment, read when somebody asks: queue, models, memory, hooks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, cast

import comfy.model_management as mm
import torch
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from server import PromptServer

from ...myspinbot.metrics import Metrics
from ...myspinbot.metrics.families import PREFIX

_MODEL_CLASSES = 100


class Gauges(Collector):
    """Adds them to every collection of the registry it is registered with."""

    def __init__(self, metrics: Metrics, armed: Callable[[], bool]):
        self._metrics, self._armed = metrics, armed

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for hook, read in (("queue", _queue), ("models", _models), ("memory", _memory)):
            yield from self._metrics.guard(hook, read) or ()
        yield _family(
            "instrumentation_up",
            "Whether each hook into ComfyUI works.",
            ("hook",),
            {(hook,): up for hook, up in self._state().items()},
        )

    def _state(self) -> dict[str, bool]:
        up = self._metrics.up()
        return {**up, "nodes": up["nodes"] and self._armed()}


def _family(name: str, text: str, labels: tuple[str, ...], values: dict) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def _queue() -> list[GaugeMetricFamily]:
    server = PromptServer.instance
    running, pending = server.prompt_queue.get_current_queue_volatile()
    created_ms = [item[3].get("create_time") for item in pending]
    now_ms = time.time() * 1000
    oldest_s = max((now_ms - ms for ms in created_ms if ms), default=0) / 1000
    return [
        _family(
            "queue_prompts",
            "Prompts in the queue.",
            ("state",),
            {("running",): len(running), ("pending",): len(pending)},
        ),
        _family(
            "queue_oldest_pending_seconds",
            "How long the oldest waiting prompt has waited.",
            (),
            {(): max(0.0, oldest_s)},
        ),
        _family(
            "websocket_clients", "Connected editors and clients.", (), {(): len(server.sockets)}
        ),
    ]


def _models() -> list[GaugeMetricFamily]:
    count: Counter[tuple[str]] = Counter()
    size_bytes: Counter[tuple[str]] = Counter()
    for loaded in list(mm.current_loaded_models):
        if (patcher := loaded.model) is not None:  # a weak reference
            key = (type(patcher.model).__name__,)
            if key not in count and len(count) >= _MODEL_CLASSES:
                key = ("other",)
            count[key] += 1
            size_bytes[key] += loaded.model_loaded_memory()
    labels = ("model_class",)
    return [
        _family("models_loaded", "Models in ComfyUI's model manager.", labels, count),
        _family("models_loaded_bytes", "Their memory on the device.", labels, size_bytes),
    ]


def _memory() -> list[GaugeMetricFamily]:
    values: dict[tuple[str, str], float] = {}
    for device in {torch.device("cpu"), mm.get_torch_device()}:
        name = str(device)
        values[name, "total"] = cast(int, mm.get_total_memory(device))
        values[name, "free"] = cast(int, mm.get_free_memory(device))
        if device.type == "cuda":
            values[name, "torch_reserved"] = torch.cuda.memory_reserved(device)
            values[name, "torch_active"] = torch.cuda.memory_allocated(device)
    return [_family("device_memory_bytes", "Memory of a device.", ("device", "kind"), values)]
