"""Progress of the running node, and the moment at which a cancel takes effect."""

from __future__ import annotations

import comfy.model_management as mm
import comfy.utils

from ...myspinbot.progress import Tick


def ticker() -> Tick:
    """Report to the bar of the running node; raises ComfyUI's interrupt when the user cancels."""
    bar = comfy.utils.ProgressBar(1)

    def tick(done: int, total: int) -> None:
        mm.throw_exception_if_processing_interrupted()
        bar.update_absolute(done, total)

    return tick
