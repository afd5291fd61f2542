"""What the nodes of one Talking Video hand to each other while it is rendered."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from comfy_api.latest import io

from ..myspinbot.lipsync.forecast import Forecast, clock
from . import host

if TYPE_CHECKING:
    from ..myspinbot.lipsync.long_video import LongVideo

log = logging.getLogger("myspinbot.lipsync")

Job = io.Custom("SPINBOT_TALKING_JOB")
"""Travels inside an expansion only; no node of the menu has it."""
PREVIEW_GROWTH = 1.5
"""A longer preview is made when there is that much more to show: its cost stays a share."""


@dataclass
class TalkingJob:
    """One video on its way, and the graph's links to what renders its windows."""

    video: LongVideo
    links: dict[str, Any]
    node_id: str
    """The Talking Video in the user's graph, where progress shows."""
    forecast: Forecast
    encoded: dict[str, torch.Tensor] = field(default_factory=dict)
    """Latents of the portrait."""
    shown: int = 0
    """Windows in the newest preview."""
    finished: int = 0
    """Windows rendered in this run."""
    began_s: float = 0.0

    def begin(self, index: int) -> None:
        """Note the time, and say which window comes and how long the rest will take."""
        video = self.video
        line = f"Window {index + 1} of {len(video.windows)}"
        if video.window_s:
            left_s = self.forecast.remaining_s(video.window_s[-1], self.finished)
            line += f", about {clock(left_s)} left"
        self.say(line)
        self.began_s = time.monotonic()

    def finish(self) -> None:
        """Count the window that was begun as done."""
        self.video.window_s.append(time.monotonic() - self.began_s)
        self.finished += 1

    def say(self, line: str) -> None:
        log.info("Talking Video: %s", line)
        host.say(self.node_id, line)

    def preview_is_due(self, windows: int) -> bool:
        """Whether a preview of the first `windows` shows enough more than the last one."""
        due = windows >= max(1, self.shown * PREVIEW_GROWTH)
        if due:
            self.shown = windows
        return due
