"""The figures in a few lines, for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .families import OUTCOMES, PREFIX
from .run import Run

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_SHOWN_NODES = 5


def summary(registry: CollectorRegistry, run: Run | None = None) -> list[str]:
    """What is worth saying; `run` is the prompt that is being executed, which no total has yet."""
    return [*_totals(_sums(registry)), *(_so_far(run) if run else ())]


def _sums(registry: CollectorRegistry) -> dict[str, dict[str, float]]:
    """Name of each sample to the values of its first label; a name without labels has ""."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for family in registry.collect():
        for sample in family.samples:
            first = next(iter(sample.labels.values()), "")
            sums[sample.name.removeprefix(f"{PREFIX}_")][first] += sample.value
    return sums


def _totals(sums: dict[str, dict[str, float]]) -> Iterator[str]:
    prompts = sums["prompts_total"]
    ends = [f"{prompts[end]:.0f} {end}" for end in OUTCOMES if prompts[end]]
    yield f"{sum(prompts.values()):.0f} prompts before this one" + _listed(ends)
    queue = sums["queue_prompts"]["pending"]
    if queue:
        yield f"{queue:.0f} prompts wait"
    for engine, audio_s in sums["tts_audio_seconds_total"].items():
        took_s = sums["tts_synthesis_seconds_total"][engine]
        if audio_s:
            yield f"{audio_s:.0f} s of speech by {engine}, real-time factor {took_s / audio_s:.2f}"
    for stage, frames in sums["frames_total"].items():
        took_s = sums["frame_seconds_total"][stage]
        if took_s:
            yield f"{frames:.0f} frames of {stage}, {frames / took_s:.1f} per second"
    for backend, took_s in sums["llm_generation_seconds_total"].items():
        count = sums["llm_requests_total"][backend]
        tokens = sums["llm_tokens_total"][backend]
        if took_s:
            yield (
                f"{count:.0f} texts by {backend}, {tokens:.0f} tokens, {tokens / took_s:.0f} a "
                "second"
            )
    for base, steps in sums["lora_steps_total"].items():
        if steps:
            yield f"{steps:.0f} training steps of {base}, loss {sums['lora_loss'][base]:.3f}"
    if resident := sums["process_resident_memory_bytes"][""]:
        loaded = sum(sums["models_loaded_bytes"].values())
        yield f"{_size(resident)} RAM" + (f", models {_size(loaded)}" if loaded else "")
    if errors := sum(sums["instrumentation_errors_total"].values()):
        yield f"{errors:.0f} errors inside the metrics: see the log"


def _so_far(run: Run) -> Iterator[str]:
    costly = sorted(run.stages.items(), key=lambda item: -item[1].own_s)[:_SHOWN_NODES]
    shown = [f"{name} {stage.own_s:.1f} s" for name, stage in costly if stage.own_s >= 0.05]
    if shown:
        yield "this prompt so far: " + ", ".join(shown)


def _listed(parts: list[str]) -> str:
    return f": {', '.join(parts)}" if parts else ""


def _size(size_bytes: float) -> str:
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{size_bytes / 1e6:.0f} MB"
