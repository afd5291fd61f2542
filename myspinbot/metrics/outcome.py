"""How a prompt ended, read from what ComfyUI keeps of it in its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .families import ERROR_KINDS, OTHER

_ENDS = {
    "execution_success": "success",
    "execution_error": "error",
    "execution_interrupted": "interrupted",
}
_OUT_OF_MEMORY = ("out of memory", "allocation on device")


@dataclass(frozen=True)
class Outcome:
    """The end of one prompt; durations in seconds, None where ComfyUI did not say."""

    outcome: str = "unknown"
    duration_s: float | None = None
    queue_wait_s: float | None = None
    cached: tuple[str, ...] = ()
    """Ids of the nodes whose results were in the cache when it started."""
    error_class: str = ""
    """Class of the node that failed."""
    error_kind: str = ""
    """One of families.ERROR_KINDS, or "other"."""


def read_outcome(
    messages: Sequence[tuple[str, Mapping[str, Any]]], created_ms: float | None
) -> Outcome:
    """Read `status.messages` of a history entry, (event, data) with timestamps in ms."""
    events = dict(messages)
    end = next((name for name in _ENDS if name in events), None)
    started_ms = events.get("execution_start", {}).get("timestamp")
    ended_ms = events[end].get("timestamp") if end else None
    error = events.get("execution_error", {})
    return Outcome(
        outcome=_ENDS[end] if end else "unknown",
        duration_s=_between(started_ms, ended_ms),
        queue_wait_s=_between(created_ms, started_ms),
        cached=tuple(events.get("execution_cached", {}).get("nodes", ())),
        error_class=error.get("node_type", ""),
        error_kind=_kind(error) if error else "",
    )


def _between(first_ms: float | None, last_ms: float | None) -> float | None:
    if first_ms is None or last_ms is None:
        return None
    return max(0.0, (last_ms - first_ms) / 1000)


def _kind(error: Mapping[str, Any]) -> str:
    """The kind of an error: a closed list, since exceptions may have any name."""
    name = str(error.get("exception_type", "")).rsplit(".", 1)[-1]
    text = str(error.get("exception_message", "")).lower()
    if name in ("OutOfMemoryError", "MemoryError") or any(sign in text for sign in _OUT_OF_MEMORY):
        return "oom"
    if name == "ServerUnreachableError":
        return "ServerError"
    return name if name in ERROR_KINDS else OTHER
