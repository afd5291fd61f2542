"""Where the time and the memory of one prompt went, as its nodes start and finish."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_MODEL_FILES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx")
_LISTED = 100
"""Of seeds and of models, so many are kept."""


@dataclass
class Stage:
    """All nodes of one class in one prompt."""

    runs: int = 0
    cached: int = 0
    own_s: float = 0.0
    """Time in which they ran, without nodes they waited for."""
    peak_ram_bytes: int = 0
    """Resident memory of ComfyUI, the most that was seen while they ran."""
    peak_vram_bytes: int = 0
    """Memory in use on ComfyUI's device, by whomever."""


@dataclass
class Run:
    """One prompt from its first node on. Times of `now_s` are time.perf_counter()."""

    prompt_id: str
    prompt: Mapping[str, Any] = field(default_factory=dict)
    """In API format, as it was queued."""
    started_at_s: float = field(default_factory=time.time)
    """Seconds since 1970."""
    stages: dict[str, Stage] = field(default_factory=lambda: defaultdict(Stage))
    figures: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """What the pack's nodes counted meanwhile: tokens, frames, seconds of speech."""
    quality: dict[str, float] = field(default_factory=dict)
    """Scores by measure; the latest of each."""
    afterwards: list[Callable[[], object]] = field(default_factory=list)
    """What is to be done when it has been counted."""

    def __post_init__(self) -> None:
        self._open: dict[str, float] = {}
        self._ran: set[str] = set()
        self._cached: set[str] = set()
        self._running: tuple[str, float] | None = None

    def start(self, node_id: str, class_type: str, now_s: float) -> None:
        """A node starts; one that still ran now waits, for inputs or for what it expanded into."""
        self._pause(now_s)
        # A lazy node starts once more when its inputs are there; the time until then is theirs.
        self._open[node_id] = now_s
        self._ran.add(node_id)
        self._running = (class_type, now_s)

    def finish(self, node_id: str, class_type: str, now_s: float) -> float | None:
        """A node is done; returns the seconds since its start, None if it was in the cache."""
        started_s = self._open.pop(node_id, None)
        if started_s is None:
            self._hit(node_id, class_type)
            return None
        if self._running and self._running[0] == class_type:
            self._pause(now_s)
        self.stages[class_type].runs += 1
        return now_s - started_s

    def end(self, now_s: float) -> None:
        """The prompt is over; a node that failed has no finish."""
        self._pause(now_s)

    def count_cached(self, node_ids: Iterable[str]) -> dict[str, int]:
        """Cache hits by class: those seen, and those that ComfyUI found at the prompt's start."""
        for node_id in node_ids:
            if node_id in self.prompt:
                self._hit(node_id, self.prompt[node_id]["class_type"])
        return {name: stage.cached for name, stage in self.stages.items() if stage.cached}

    def sample(self, ram_bytes: int, vram_bytes: int) -> None:
        """Memory as it is now, on account of the running node."""
        if self._running:
            stage = self.stages[self._running[0]]
            stage.peak_ram_bytes = max(stage.peak_ram_bytes, ram_bytes)
            stage.peak_vram_bytes = max(stage.peak_vram_bytes, vram_bytes)

    def seeds(self) -> dict[str, int]:
        """Seeds by node id and input, as queued."""
        found = {
            f"{node_id}.{name}": value
            for node_id, name, value in _inputs(self.prompt)
            if name.endswith("seed") and isinstance(value, int)
        }
        return dict(list(found.items())[:_LISTED])

    def models(self) -> list[str]:
        """Names of the weights files that the prompt chose."""
        names = {
            value
            for _, _, value in _inputs(self.prompt)
            if isinstance(value, str) and value.lower().endswith(_MODEL_FILES)
        }
        return sorted(names)[:_LISTED]

    def _hit(self, node_id: str, class_type: str) -> None:
        if node_id not in self._ran and node_id not in self._cached:
            self._cached.add(node_id)
            self.stages[class_type].cached += 1

    def _pause(self, now_s: float) -> None:
        if self._running:
            class_type, since_s = self._running
            self.stages[class_type].own_s += now_s - since_s
            self._running = None


def _inputs(prompt: Mapping[str, Any]) -> Iterable[tuple[str, str, Any]]:
    for node_id, node in prompt.items():
        for name, value in node.get("inputs", {}).items():
            yield node_id, name, value
