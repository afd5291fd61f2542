"""A picture of how a training goes, light enough to draw after every step."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from .training import Training

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 28, 24
_PAPER, _INK, _GRID = (18, 20, 24), (210, 214, 220), (52, 56, 64)
_STEP, _MEAN, _HELD_OUT = (70, 92, 122), (92, 172, 255), (255, 168, 76)
_SMOOTHING = 0.95


def plot(training: Training, note: str = "") -> Image.Image:
    """The loss of each step, its running mean, and the validation loss, 640x360 px RGB."""
    losses = [loss for loss in training.losses if math.isfinite(loss)]
    validation = training.validation.losses
    image = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    draw = ImageDraw.Draw(image)
    steps = max(training.recipe.steps, 1)
    mean = _running_mean(losses)
    # single steps jump: the frame is for what is read, and they may leave it
    values = [*mean, *(loss for _, loss in validation)] or [0.0, 1.0]
    low, high = min(values), max(values)
    margin = (high - low) * 0.15 or max(abs(high), 1e-6) * 0.1
    low, high = max(0.0, low - margin), high + margin

    def at(step: float, loss: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / steps
        share = min(max((loss - low) / (high - low), 0.0), 1.0)
        return x, _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share

    for part in range(5):
        loss = low + (high - low) * part / 4
        _, y = at(0, loss)
        draw.line([(_LEFT, y), (_WIDTH - _RIGHT, y)], fill=_GRID)
        draw.text((6, y - 6), f"{loss:.3g}", fill=_INK)
        x, _ = at(steps * part / 4, low)
        draw.text((min(x, _WIDTH - 40), _HEIGHT - _BOTTOM + 6), f"{steps * part // 4}", fill=_INK)
    _line(draw, [at(step, loss) for step, loss in enumerate(losses, 1)], _STEP, 1)
    _line(draw, [at(step, loss) for step, loss in enumerate(mean, 1)], _MEAN, 2)
    points = [at(step, loss) for step, loss in validation]
    _line(draw, points, _HELD_OUT, 2)
    for x, y in points:
        draw.ellipse([x - 3, y - 3, x + 3, y + 3], fill=_HELD_OUT)
    draw.text((_LEFT, 8), "loss", fill=_MEAN)
    draw.text((_LEFT + 40, 8), "validation", fill=_HELD_OUT)
    draw.text((_LEFT + 120, 8), f"step {training.step}/{training.recipe.steps} {note}", fill=_INK)
    return image


def _running_mean(losses: Sequence[float]) -> list[float]:
    """Exponential, free of the pull to its start."""
    mean, means = 0.0, []
    for count, loss in enumerate(losses, 1):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        means.append(mean / (1 - _SMOOTHING**count))
    return means


def _line(draw: ImageDraw.ImageDraw, points: list, colour: tuple, width: int) -> None:
    if len(points) > 1:
        draw.line(points, fill=colour, width=width)
