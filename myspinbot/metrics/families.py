"""The metric families: one row each, with the values that each label may take.

Label values come from closed lists or are capped, so that no workload makes series without end;
what does not fit is counted as "other". No label ever holds a user's text or a file's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PREFIX = "myspinbot"
OTHER = "other"

OUTCOMES = ("success", "error", "interrupted", "unknown")
"""How a prompt ends; unknown: its history entry was deleted before it was read."""
ERROR_KINDS = (
    "oom",
    "BadInputError",
    "MissingDependencyError",
    "MissingModelError",
    "EngineError",
    "ServerError",
    "AssertionError",
    "AttributeError",
    "ConnectionError",
    "FileNotFoundError",
    "ImportError",
    "IndexError",
    "KeyError",
    "NotImplementedError",
    "OSError",
    "PermissionError",
    "RuntimeError",
    "TimeoutError",
    "TypeError",
    "ValueError",
)
LLM_BACKENDS = ("embedded", "ollama", "openai-compatible", "clip")
LLM_OUTCOMES = ("ok", "repaired", "fallback", "error", "interrupted")
LORA_BASES = ("sd15", "sdxl", "flux", "wan")
HOOKS: tuple[str, ...] = (
    "nodes",
    "outcomes",
    "http",
    "queue",
    "models",
    "memory",
    "history",
    "delivery",
    "recording",
)
"""What can break when ComfyUI changes, or a database does; `recording` is the pack's own calls."""

_CLASSES, _MODELS, _ENGINES, _STAGES, _MEASURES = 300, 100, 30, 30, 30
"""How many different values are told apart."""

_LONG_S = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 3600, 7200)
_NODE_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_ASKED_S = (0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)
_RATIO = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 4, 8)
_SCORE = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1)


@dataclass(frozen=True)
class Family:
    """One metric: its name without prefix, and what its labels may say."""

    kind: str
    """counter, gauge or histogram"""
    name: str
    help: str
    labels: Mapping[str, tuple[str, ...] | int] = field(default_factory=dict)
    """For each label its closed list, or how many different values are told apart."""
    buckets: tuple[float, ...] = ()


FAMILIES = (
    Family("counter", "prompts_total", "Prompts that ended.", {"outcome": OUTCOMES}),
    Family(
        "counter",
        "prompts_submitted_total",
        "Prompts sent to the server; rejected: answered with an error.",
        {"outcome": ("queued", "rejected")},
    ),
    Family(
        "histogram",
        "prompt_duration_seconds",
        "From a prompt's start to its end.",
        {"outcome": OUTCOMES},
        _LONG_S,
    ),
    Family(
        "histogram",
        "prompt_queue_wait_seconds",
        "From a prompt's arrival to its start.",
        {},
        _LONG_S,
    ),
    Family(
        "histogram",
        "node_duration_seconds",
        "From a node's start to its end, nodes that it expanded into included.",
        {"class_type": _CLASSES},
        _NODE_S,
    ),
    Family(
        "counter",
        "node_own_seconds_total",
        "Time in which a node ran, without those it waited for: sums up to the prompts' time.",
        {"class_type": _CLASSES},
    ),
    Family(
        "counter",
        "node_cache_hits_total",
        "Nodes whose result was in the cache.",
        {"class_type": _CLASSES},
    ),
    Family(
        "counter",
        "errors_total",
        "Nodes that failed.",
        {"class_type": _CLASSES, "kind": ERROR_KINDS},
    ),
    Family(
        "counter",
        "model_loads_total",
        "Models that came into memory, seen between nodes.",
        {"model_class": _MODELS},
    ),
    Family(
        "counter",
        "model_unloads_total",
        "Models that left memory, seen between nodes.",
        {"model_class": _MODELS},
    ),
    Family(
        "counter",
        "llm_requests_total",
        "Texts that a language model was asked for; repaired: it had to be helped, fallback: "
        "nothing of it was used.",
        {"backend": LLM_BACKENDS, "outcome": LLM_OUTCOMES},
    ),
    Family(
        "counter",
        "llm_tokens_total",
        "Tokens that language models read and wrote.",
        {"backend": LLM_BACKENDS, "kind": ("prompt", "completion")},
    ),
    Family(
        "histogram",
        "llm_request_duration_seconds",
        "From asking for a text to having it, with loading the model.",
        {"backend": LLM_BACKENDS},
        _ASKED_S,
    ),
    Family(
        "counter",
        "llm_generation_seconds_total",
        "Time in which they read and wrote.",
        {"backend": LLM_BACKENDS},
    ),
    Family(
        "counter",
        "vram_freed_bytes_total",
        "Memory that ComfyUI's models and a language model beside it left to each other.",
        {"owner": ("comfyui", "llm")},
    ),
    Family("counter", "tts_audio_seconds_total", "Speech that was made.", {"engine": _ENGINES}),
    Family(
        "counter",
        "tts_synthesis_seconds_total",
        "Time that making it took.",
        {"engine": _ENGINES},
    ),
    Family(
        "histogram",
        "tts_real_time_factor",
        "Time to make speech by its length.",
        {"engine": _ENGINES},
        _RATIO,
    ),
    Family(
        "counter",
        "frames_total",
        "Video frames that a stage made, changed or encoded.",
        {"stage": _STAGES},
    ),
    Family(
        "counter",
        "frame_seconds_total",
        "Time that it took, without the stages that it read them from.",
        {"stage": _STAGES},
    ),
    Family("counter", "video_seconds_total", "Video that was encoded, in seconds of its length."),
    Family("counter", "lora_steps_total", "Steps of training.", {"base": LORA_BASES}),
    Family(
        "counter",
        "lora_seconds_total",
        "Time that they took, with validation and samples between them.",
        {"base": LORA_BASES},
    ),
    Family("gauge", "lora_loss", "Loss of the last step.", {"base": LORA_BASES}),
    Family(
        "counter",
        "artifacts_total",
        "Files that prompts saved to the output folder.",
        {"kind": ("video", "audio", "image", "lora")},
    ),
    Family(
        "counter",
        "artifact_bytes_total",
        "Their size.",
        {"kind": ("video", "audio", "image", "lora")},
    ),
    Family(
        "histogram",
        "quality_score",
        "What results were measured to be worth, 0 to 1.",
        {"measure": _MEASURES},
        _SCORE,
    ),
    Family(
        "counter",
        "instrumentation_errors_total",
        "Errors inside the metrics themselves.",
        {"hook": HOOKS},
    ),
    Family(
        "counter",
        "instrumentation_seconds_total",
        "Time that the metrics themselves took from the work of prompts.",
    ),
)


class Instrument:
    """One family in a registry: call it with a value and one string per label."""

    def __init__(self, family: Family, registry: CollectorRegistry):
        import prometheus_client

        self._bounds = tuple(_bound(values) for values in family.labels.values())
        kinds = {
            "counter": (prometheus_client.Counter, "inc"),
            "gauge": (prometheus_client.Gauge, "set"),
            "histogram": (prometheus_client.Histogram, "observe"),
        }
        kind, self._action = kinds[family.kind]
        options = {"buckets": family.buckets} if family.buckets else {}
        self._metric = kind(
            family.name,
            family.help,
            tuple(family.labels),
            namespace=PREFIX,
            registry=registry,
            **options,
        )
        self._records: dict[tuple[str, ...], Callable[[float], None]] = {}

    def __call__(self, value: float, *labels: str) -> None:
        """Add to a counter, set a gauge, observe in a histogram; raises on what is no number."""
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be recorded")
        record = self._records.get(labels)
        (record or self._bind(labels))(value)

    def _bind(self, labels: tuple[str, ...]) -> Callable[[float], None]:
        told = tuple(bound(value) for bound, value in zip(self._bounds, labels, strict=True))
        child = self._metric.labels(*told) if told else self._metric
        record = getattr(child, self._action)
        if told == labels:  # what became "other" is not kept: there is no end to it
            self._records[labels] = record
        return record


def _bound(values: tuple[str, ...] | int) -> Callable[[str], str]:
    if not isinstance(values, int):
        closed = frozenset(values)
        return lambda value: value if value in closed else OTHER
    seen: set[str] = set()

    def capped(value: str) -> str:
        if value not in seen:
            if len(seen) >= values:
                return OTHER
            seen.add(value)
        return value

    return capped
