"""Where the seconds and the gigabytes of one prompt went, for the editor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from .outcome import Outcome
from .run import Run


def costs(run: Run, end: Outcome, artifacts: Sequence[str]) -> dict[str, Any]:
    """As JSON; `nodes` are the dearest first, `node` is the one in the user's graph.

    `unnamed_s` is the time between the nodes: what ComfyUI and other packs' hooks do there.
    """
    nodes = [
        {"node": node, "class_type": class_type, **asdict(stage)}
        for (node, class_type), stage in run.costs.items()
    ]
    own_s = sum(stage.own_s for stage in run.costs.values())
    return {
        "prompt_id": run.prompt_id,
        "outcome": end.outcome,
        "error_class": end.error_class,
        "ended_at_s": run.started_at_s + (end.duration_s or own_s),
        "duration_s": end.duration_s,
        "queue_wait_s": end.queue_wait_s,
        "unnamed_s": max(0.0, (end.duration_s or own_s) - own_s),
        "nodes": sorted(nodes, key=lambda node: -node["own_s"]),
        "figures": dict(run.figures),
        "quality": dict(run.quality),
        "artifacts": list(artifacts),
    }
