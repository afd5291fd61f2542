"""Where the time and the memory of one prompt went, as its nodes start and finish."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_MODEL_FILES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx")
_LISTED = 100
"""Of seeds, of models and of loads, so many are kept."""


@dataclass
class Stage:
    """Nodes of one class in one prompt: all of them, or those of one node of the graph."""

    runs: int = 0
    cached: int = 0
    own_s: float = 0.0
    """Time in which they ran, without nodes they waited for."""
    peak_ram_bytes: int = 0
    """Resident memory of ComfyUI, the most that was seen while they ran."""
    peak_vram_bytes: int = 0
    """Memory in use on ComfyUI's device, by whomever."""
    more_ram_bytes: int = 0
    """The most that any of them added to what was in use when it started."""
    more_vram_bytes: int = 0
    loaded: dict[str, int] = field(default_factory=dict)
    """Classes of models that came into memory meanwhile, and their bytes."""

    def add(self, other: Stage) -> None:
        """Take in more nodes of the class."""
        self.runs += other.runs
        self.cached += other.cached
        self.own_s += other.own_s
        for name in _PEAKS:
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.loaded |= other.loaded


_PEAKS = ("peak_ram_bytes", "peak_vram_bytes", "more_ram_bytes", "more_vram_bytes")


@dataclass
class Run:
    """One prompt from its first node on. Times of `now_s` are time.perf_counter()."""

    prompt_id: str
    prompt: Mapping[str, Any] = field(default_factory=dict)
    """In API format, as it was queued."""
    started_at_s: float = field(default_factory=time.time)
    """Seconds since 1970."""
    costs: dict[tuple[str, str], Stage] = field(default_factory=lambda: defaultdict(Stage))
    """By node of the graph that the user sees, and class: a node may expand into others."""
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
        self._running: tuple[str, str, float] | None = None
        """Node, class, since when."""
        self._before_bytes: tuple[int, int] | None = None
        """RAM and VRAM when it started."""

    @property
    def stages(self) -> dict[str, Stage]:
        """The costs by class alone."""
        found: dict[str, Stage] = defaultdict(Stage)
        for (_, class_type), stage in self.costs.items():
            found[class_type].add(stage)
        return found

    def start(self, node_id: str, class_type: str, now_s: float) -> None:
        """A node starts; one that still ran now waits, for inputs or for what it expanded into."""
        self._pause(now_s)
        # A lazy node starts once more when its inputs are there; the time until then is theirs.
        self._open[node_id] = now_s
        self._ran.add(node_id)
        self._running = (node_id, class_type, now_s)
        self._before_bytes = None

    def finish(self, node_id: str, class_type: str, now_s: float) -> float | None:
        """A node is done; returns the seconds since its start, None if it was in the cache."""
        started_s = self._open.pop(node_id, None)
        if started_s is None:
            self._hit(node_id, class_type)
            return None
        if self._running and self._running[0] == node_id:
            self._pause(now_s)
        self._stage(node_id, class_type).runs += 1
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
            ram_before, vram_before = self._before_bytes or (ram_bytes, vram_bytes)
            self._before_bytes = ram_before, vram_before
            self._stage(*self._running[:2]).add(
                Stage(
                    peak_ram_bytes=ram_bytes,
                    peak_vram_bytes=vram_bytes,
                    more_ram_bytes=ram_bytes - ram_before,
                    more_vram_bytes=vram_bytes - vram_before,
                )
            )

    def load(self, model_class: str, size_bytes: int) -> None:
        """A model came into memory, on account of the running node."""
        if self._running:
            loaded = self._stage(*self._running[:2]).loaded
            if model_class in loaded or len(loaded) < _LISTED:
                loaded[model_class] = loaded.get(model_class, 0) + size_bytes

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
            self._stage(node_id, class_type).cached += 1

    def _stage(self, node_id: str, class_type: str) -> Stage:
        return self.costs[node_id.split(".")[0], class_type]

    def _pause(self, now_s: float) -> None:
        if self._running:
            node_id, class_type, since_s = self._running
            self._stage(node_id, class_type).own_s += now_s - since_s
            self._running = None


def _inputs(prompt: Mapping[str, Any]) -> Iterable[tuple[str, str, Any]]:
    for node_id, node in prompt.items():
        for name, value in node.get("inputs", {}).items():
            yield node_id, name, value
