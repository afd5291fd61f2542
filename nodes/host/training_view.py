"""What a training shows while it runs, on the node: bar, time left, curve and latest sample."""

from __future__ import annotations

import time
from typing import Any

import comfy.model_management as mm
import comfy.utils
from PIL import Image

from ...myspinbot.lora.loss_curve import plot
from ...myspinbot.lora.training import Training
from .expansion import say
from .instrumentation import metrics
from .lora import Sampler

_EVERY_S = 1.0
_HEIGHT_PX = 360


class TrainingView:
    """Call it after each step; raises ComfyUI's interrupt when the user cancels.

    `base` is the kind of model, for the metrics.
    """

    def __init__(self, node_id: str, sampler: Sampler, base: str):
        self._node_id, self._sampler, self._base = node_id, sampler, base
        self._stepped_s = time.monotonic()
        self._bar = comfy.utils.ProgressBar(1)
        self._shown_s = 0.0
        self._began: tuple[float, int] | None = None

    def __call__(self, training: Training) -> None:
        now = time.monotonic()
        metrics().training_step(self._base, training.losses[-1], now - self._stepped_s)
        self._stepped_s = now
        mm.throw_exception_if_processing_interrupted()
        if self._began is None:
            self._began = now, training.step
        preview = None
        last = training.step == training.recipe.steps
        if now - self._shown_s >= _EVERY_S or last:
            self._shown_s = now
            left = self._left(training, now)
            say(
                self._node_id,
                f"step {training.step}/{training.recipe.steps}, loss {training.losses[-1]:.4f}"
                f"{left}",
            )
            preview = ("JPEG", self._picture(plot(training, left)), None)
        self._bar.update_absolute(training.step, training.recipe.steps, preview)

    def _left(self, training: Training, now: float) -> str:
        began_s, first = self._began or (now, training.step)
        done = training.step - first
        if not done:
            return ""
        left_s = (now - began_s) / done * (training.recipe.steps - training.step)
        minutes, seconds = divmod(round(left_s), 60)
        return f", {minutes}:{seconds:02} left"

    def _picture(self, curve: Image.Image) -> Image.Image:
        sample: Any = self._sampler.quick_look()
        if sample is None:
            return curve
        width = round(sample.width * _HEIGHT_PX / sample.height)
        both = Image.new("RGB", (curve.width + width, _HEIGHT_PX))
        both.paste(sample.resize((width, _HEIGHT_PX)), (0, 0))
        both.paste(curve, (width, 0))
        return both
