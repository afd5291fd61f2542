"""What nodes and hooks call: one method per event, none of which ever raises."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .families import FAMILIES, HOOKS
from .outcome import Outcome

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from .run import Run

logger = logging.getLogger("myspinbot.metrics")
_Event = TypeVar("_Event", bound=Callable[..., None])


def _never_raises(event: _Event) -> _Event:
    @functools.wraps(event)
    def guarded(self: Metrics, *values: Any, **named: Any) -> None:
        try:
            event(self, *values, **named)
        except Exception:  # noqa: BLE001 - a metric is worth no generation
            self.failed("recording", event.__name__)

    return guarded  # type: ignore[return-value]


class Metrics:
    """Records into `registry`; without one it only keeps the account of the current run."""

    def __init__(self, registry: CollectorRegistry | None):
        self.registry = registry
        self.run: Run | None = None
        """The prompt that is being executed."""
        self._ill: set[tuple[str, str]] = set()
        self._told: set[str] = set()
        self._record: dict[str, Callable[..., None]] = {}
        if registry:
            from .instrument import Instrument

            self._record = {row.name: Instrument(row, registry) for row in FAMILIES}

    def up(self) -> dict[str, bool]:
        """For each hook, whether everything in it worked when it was last used."""
        ill = {hook for hook, _ in self._ill.copy()}
        return {hook: hook not in ill for hook in HOOKS}

    def failed(self, hook: str, work: str) -> None:
        """An exception was caught in `work` of `hook`: count it, and log the first of the hook."""
        self._ill.add((hook, work))
        if self._record:
            self._record["instrumentation_errors_total"](1, hook)
        if hook not in self._told:
            self._told.add(hook)
            logger.exception("metrics: %s failed; this is logged once, and counted", hook)

    def guard(self, hook: str, work: Callable[..., Any], *values: Any) -> Any:
        """Call `work` on behalf of `hook`; returns its result, None if it failed.

        BaseException passes: ComfyUI's interrupt is one.
        """
        try:
            result = work(*values)
            if self._ill:
                self._ill.discard((hook, work.__name__))
            return result
        except Exception:  # noqa: BLE001 - it would end ComfyUI's worker
            self.failed(hook, work.__name__)
            return None

    def _put(self, name: str, value: float, *labels: str) -> None:
        if self._record:
            self._record[name](value, *labels)

    def _tally(self, figure: str, value: float) -> None:
        if run := self.run:
            run.figures[figure] += value

    # what the hooks see

    @_never_raises
    def submitted(self, accepted: bool) -> None:
        self._put("prompts_submitted_total", 1, "queued" if accepted else "rejected")

    @_never_raises
    def node(self, class_type: str, duration_s: float) -> None:
        """A node ran to its end."""
        self._put("node_duration_seconds", duration_s, class_type)

    @_never_raises
    def model(self, model_class: str, loaded: bool) -> None:
        self._put(f"model_{'loads' if loaded else 'unloads'}_total", 1, model_class)

    @_never_raises
    def prompt(self, run: Run, end: Outcome) -> None:
        """A prompt is over, and its outcome known."""
        self._put("prompts_total", 1, end.outcome)
        if end.duration_s is not None:
            self._put("prompt_duration_seconds", end.duration_s, end.outcome)
        if end.queue_wait_s is not None:
            self._put("prompt_queue_wait_seconds", end.queue_wait_s)
        if end.error_kind:
            self._put("errors_total", 1, end.error_class, end.error_kind)
        for class_type, hits in run.count_cached(end.cached).items():
            self._put("node_cache_hits_total", hits, class_type)
        for class_type, stage in run.stages.items():
            self._put("node_own_seconds_total", stage.own_s, class_type)

    @_never_raises
    def spent(self, seconds: float) -> None:
        """What the hooks took of the worker's CPU time."""
        self._put("instrumentation_seconds_total", seconds)

    @_never_raises
    def artifact(self, kind: str, size_bytes: int) -> None:
        """A file was saved."""
        self._put("artifacts_total", 1, kind)
        self._put("artifact_bytes_total", size_bytes, kind)

    # what the pack's nodes report

    @_never_raises
    def llm(
        self,
        backend: str,
        outcome: str,
        duration_s: float,
        *,
        busy_s: float,
        prompt_tokens: int,
        completion_tokens: int,
    ) -> None:
        """A model was asked for a text, of which it read and wrote for `busy_s`."""
        self._put("llm_requests_total", 1, backend, outcome)
        self._put("llm_request_duration_seconds", duration_s, backend)
        self._put("llm_generation_seconds_total", busy_s, backend)
        self._put("llm_tokens_total", prompt_tokens, backend, "prompt")
        self._put("llm_tokens_total", completion_tokens, backend, "completion")
        self._tally("llm_tokens", prompt_tokens + completion_tokens)

    @_never_raises
    def vram_freed(self, owner: str, size_bytes: int) -> None:
        """`owner`, "comfyui" or "llm", left so much to the other."""
        self._put("vram_freed_bytes_total", size_bytes, owner)
        self._tally("vram_freed_bytes", size_bytes)

    @_never_raises
    def speech(self, engine: str, audio_s: float, synthesis_s: float) -> None:
        """`audio_s` of speech took `synthesis_s` to make."""
        self._put("tts_audio_seconds_total", audio_s, engine)
        self._put("tts_synthesis_seconds_total", synthesis_s, engine)
        if audio_s > 0:
            self._put("tts_real_time_factor", synthesis_s / audio_s, engine)
        self._tally("speech_s", audio_s)

    @_never_raises
    def frames(self, stage: str, count: int, seconds: float) -> None:
        """`count` frames took `stage` so long."""
        self._put("frames_total", count, stage)
        self._put("frame_seconds_total", seconds, stage)

    @_never_raises
    def encoded(self, count: int, seconds: float, video_s: float) -> None:
        """`count` frames, `video_s` of video, took `seconds` to encode."""
        self.frames("encode", count, seconds)
        self._put("video_seconds_total", video_s)
        self._tally("frames", count)
        self._tally("video_s", video_s)

    @_never_raises
    def training_step(self, base: str, loss: float, seconds: float) -> None:
        """A LoRA for a `base` of families.LORA_BASES learned one step."""
        self._put("lora_steps_total", 1, base)
        self._put("lora_seconds_total", seconds, base)
        self._put("lora_loss", loss, base)
        self._tally("lora_steps", 1)

    @_never_raises
    def quality(self, measure: str, score: float) -> None:
        """A result was measured: `score` 0 to 1."""
        self._put("quality_score", score, measure)
        if run := self.run:
            run.quality[measure] = score
