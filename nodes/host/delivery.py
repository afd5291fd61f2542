"""Sends the metrics of this server where its operator wants them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths

from ...myspinbot.errors import MissingDependencyError
from ...myspinbot.metrics.delivery import deliver
from ...myspinbot.metrics.destinations import Destination, Folder
from ...myspinbot.metrics.summary import summary
from .archive import server_name
from .instrumentation import metrics
from .models import cancellable

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

OWN_FOLDER = "metrics"
"""Below ComfyUI's output folder."""


def output_destination() -> Folder:
    """A folder that every ComfyUI has."""
    return Folder(Path(folder_paths.get_output_directory()) / OWN_FOLDER)


def figures() -> list[str]:
    """What the metrics say now, for people. Raises MissingDependencyError."""
    return summary(_registry(), metrics().run)


def send(destination: Destination) -> str:
    """Send all figures now, and again when the running prompt has been counted, too.

    Returns what was done. Raises StorageError, ServerError, MissingDependencyError, and ComfyUI's
    interrupt.
    """
    registry = _registry()

    def work() -> str:
        return deliver(registry, destination, server_name())

    if run := metrics().run:
        run.afterwards.append(work)
    return cancellable(work)


def _registry() -> CollectorRegistry:
    registry = metrics().registry
    if registry is None:
        raise MissingDependencyError(
            "There are no metrics without prometheus-client: see requirements.txt."
        )
    return registry
