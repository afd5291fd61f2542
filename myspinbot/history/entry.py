"""One row of the job history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

RUNNING, LOST = "running", "lost"
"""Outcomes beside those of the metrics: not over yet; its server ended before it did."""
KEEP_ENTRIES, KEEP_DAYS = 100_000, 365
"""Unless the operator says otherwise."""


@dataclass(frozen=True)
class Entry:
    """What is kept of a prompt. Times are seconds since 1970; no text of the user by default."""

    prompt_id: str
    started_at_s: float
    server: str = ""
    """Which ComfyUI ran it: several may share one database."""
    workflow: str = ""
    """Its name, if one is known."""
    outcome: str = RUNNING
    """running, success, error, interrupted, lost, or unknown (ComfyUI's entry was deleted)."""
    error_class: str = ""
    """Class of the node that failed."""
    error_kind: str = ""
    """One of a closed list, never the message."""
    queued_at_s: float | None = None
    ended_at_s: float | None = None
    stages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """For each node class what metrics.run.Stage has: runs, cached, own_s, peaks of memory."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """What the pack's nodes counted, for instance speech_s and frames."""
    seeds: Mapping[str, int] = field(default_factory=dict)
    """By node id and input."""
    models: Sequence[str] = ()
    quality: Mapping[str, float] = field(default_factory=dict)
    """Scores 0 to 1 by measure."""
    artifacts: Sequence[str] = ()
    """Files that it saved, below ComfyUI's output folder, with forward slashes."""
    prompt: Mapping[str, Any] | None = None
    """In API format with all its text; only where the operator switched that on."""
    id: int | None = None
    """Given by the ledger, in the order of starts."""
