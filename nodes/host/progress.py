"""Progress of the running node, and the moment at which a cancel takes effect."""

from __future__ import annotations

import time

import comfy.model_management as mm
import comfy.utils
import numpy as np
from PIL import Image

from ...myspinbot.progress import Tick

_PREVIEW_EVERY_S = 1.0
_PREVIEW_PX = 512


def ticker() -> Tick:
    """Report to the bar of the running node; raises ComfyUI's interrupt when the user cancels."""
    bar = comfy.utils.ProgressBar(1)

    def tick(done: int, total: int) -> None:
        mm.throw_exception_if_processing_interrupted()
        bar.update_absolute(done, total)

    return tick


class VideoTicker:
    """A `ticker` that also shows the frame it saw last on the running node, once a second."""

    def __init__(self) -> None:
        self._bar = comfy.utils.ProgressBar(1)
        self._frame: np.ndarray | None = None
        self._shown_s = time.monotonic()

    def watch(self, frame: np.ndarray) -> None:
        """Take note of `frame`, uint8 [H, W, 3] RGB, valid until the next one."""
        self._frame = frame

    def __call__(self, done: int, total: int) -> None:
        mm.throw_exception_if_processing_interrupted()
        preview = None
        if self._frame is not None and time.monotonic() - self._shown_s >= _PREVIEW_EVERY_S:
            preview = ("JPEG", Image.fromarray(self._frame), _PREVIEW_PX)
            self._shown_s = time.monotonic()
        self._bar.update_absolute(done, total, preview)
