"""Connects the metrics to ComfyUI: node and queue hooks, HTTP answers, and what becomes of a run.

Everything here is a guest in somebody else's server. It starts from on_load, and if any part of it
fails, the pack works without that part and `myspinbot_instrumentation_up` says so.
"""

from __future__ import annotations

import functools
import logging
import os
import platform
import queue
import threading
import time
from pathlib import Path
from typing import Any

import comfyui_version
import folder_paths
import torch
from aiohttp import web
from server import PromptServer

from ...myspinbot import __version__
from ...myspinbot.metrics import FrameClock, Metrics, Run
from ...myspinbot.metrics.outcome import read_outcome
from .archive import Archive
from .observer import Observer

PROMPT_PATHS = ("/prompt", "/api/prompt")
_HISTORY_S = 10.0
"""How long after a prompt's end its history entry is waited for: it is written right after."""
_WAITING_RUNS = 1000
_KINDS = {
    "video": (".mp4", ".webm", ".mkv", ".mov", ".gif"),
    "audio": (".flac", ".mp3", ".opus", ".wav", ".ogg", ".m4a"),
    "image": (".png", ".jpg", ".jpeg", ".webp", ".exr", ".avif"),
    "lora": (".safetensors",),
}

logger = logging.getLogger("myspinbot.metrics")


@functools.cache
def metrics() -> Metrics:
    """The metrics of this server, for hooks and nodes; made by the first who asks."""
    try:
        from prometheus_client import CollectorRegistry
    except ImportError:
        logger.warning("There are no metrics without prometheus-client: see requirements.txt")
        return Metrics(None)
    return Metrics(CollectorRegistry())


@functools.cache
def frame_clock() -> FrameClock:
    """Counts the frames of this server's videos, and the time of each stage."""
    return FrameClock(metrics().frames)


@functools.cache
def archive() -> Archive:
    """The job history of this server."""
    return Archive(metrics())


def start() -> None:
    """Hook into the running server; called once, from on_load. Never raises."""
    if getattr(PromptServer, "instance", None) is None:  # imported by a tool that runs no server
        return
    found, history = metrics(), archive()
    settler = Settler(found, history)
    observer = Observer(found, began=history.began, ended=settler.put)
    found.guard("nodes", observer.arm)
    found.guard("http", _watch_submissions, found, observer)
    found.guard("recording", _describe, found, observer)
    threading.Thread(target=settler.work, name="myspinbot-metrics", daemon=True).start()
    threading.Thread(target=history.work, name="myspinbot-history", daemon=True).start()


def _describe(found: Metrics, observer: Observer) -> None:
    """Add what does not come from events: versions, process, gauges."""
    if found.registry is None:
        return
    from prometheus_client import Info, ProcessCollector

    from .gauges import Gauges

    info = Info("build", "Versions.", namespace="myspinbot", registry=found.registry)
    info.info(
        {
            "version": __version__,
            "comfyui": comfyui_version.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        }
    )
    ProcessCollector(registry=found.registry)
    found.registry.register(Gauges(found, lambda: observer.armed))


def _watch_submissions(found: Metrics, observer: Observer) -> None:
    async def answered(request: web.Request, response: web.StreamResponse) -> None:
        if request.method == "POST" and request.path in PROMPT_PATHS:
            found.submitted(response.status == 200)
            found.guard("nodes", observer.arm)  # in case that it fell out

    PromptServer.instance.app.on_response_prepare.append(answered)


class Settler:
    """Finds out how runs ended, in a thread of its own: the worker never waits for it."""

    def __init__(self, found: Metrics, history: Archive):
        self._metrics, self._archive = found, history
        self._runs: queue.Queue[Run] = queue.Queue(_WAITING_RUNS)

    def put(self, run: Run) -> None:
        """Take over a run whose prompt is over; raises queue.Full when it cannot keep up."""
        self._runs.put_nowait(run)

    def work(self) -> None:
        while True:
            run = self._runs.get()
            self._metrics.guard("outcomes", self._settle, run)

    def _settle(self, run: Run) -> None:
        entry = _history(run.prompt_id) or {}
        extra_data = entry.get("extra_data", {})
        messages = (entry.get("status") or {}).get("messages", ())
        end = read_outcome(messages, extra_data.get("create_time"))
        saved = _saved(entry.get("outputs", {}), run.started_at_s)
        for path in saved:
            self._metrics.artifact(_kind(path), path.stat().st_size)
        root = _output_folder()
        artifacts = [path.relative_to(root).as_posix() for path in saved]
        self._archive.ended(run, end, extra_data, artifacts)
        self._metrics.prompt(run, end)
        for work in run.afterwards:
            threading.Thread(
                target=self._metrics.guard, args=("delivery", work), daemon=True
            ).start()


def _history(prompt_id: str) -> dict[str, Any] | None:
    """Status, outputs and arrival of a prompt that is over; None if nobody kept it."""
    pause_s, until_s = 0.002, time.monotonic() + _HISTORY_S
    while time.monotonic() < until_s:
        found = PromptServer.instance.prompt_queue.get_history(
            prompt_id=prompt_id, map_function=_needed
        )
        if prompt_id in found:
            return found[prompt_id]
        time.sleep(pause_s)
        pause_s = min(0.25, 2 * pause_s)
    return None


def _needed(entry: dict[str, Any]) -> dict[str, Any]:
    """Of a history entry, without a copy: ComfyUI does not change it any more."""
    return {
        "status": entry["status"],
        "outputs": entry["outputs"],
        "extra_data": entry["prompt"][3],
    }


def _saved(outputs: dict[str, dict], since_s: float) -> list[Path]:
    """Files in the output folder that this run wrote: a cached node lists its old ones again."""
    root = _output_folder()
    items = [
        item
        for output in outputs.values()
        for listed in output.values()
        if isinstance(listed, list | tuple)
        for item in listed
        if isinstance(item, dict) and item.get("type") == "output" and item.get("filename")
    ]
    named = {(root / item.get("subfolder", "") / item["filename"]).resolve() for item in items}
    there = [path for path in sorted(named) if root in path.parents and path.is_file()]
    return [path for path in there if path.stat().st_mtime >= since_s - 1]


def _output_folder() -> Path:
    return Path(folder_paths.get_output_directory()).resolve()


def _kind(path: Path) -> str:
    return next((kind for kind, ends in _KINDS.items() if path.suffix.lower() in ends), "other")


def scrape(headers: Any, query: Any) -> tuple[bytes, str]:
    """The answer to GET /myspinbot/metrics."""
    from ...myspinbot.metrics.exposition import expose

    registry = metrics().registry
    if registry is None:
        return b"", "text/plain"
    return expose(registry, headers.get("Accept", ""))


TOKEN_VARIABLE = "MYSPINBOT_METRICS_TOKEN"
"""If set, metrics and history answer only those who send it as a bearer token."""


def token() -> str:
    return os.environ.get(TOKEN_VARIABLE, "").strip()
