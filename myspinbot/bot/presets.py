"""What `draft`, `balanced` and `best` mean, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Settings of the stages that trade time for quality."""

    engine: str
    """Of the voice; "auto" takes the best that is installed when there is a GPU."""
    fit_steps: int
    """Gradient steps of the voice fit."""
    max_side_px: int
    """Longer side of the video; 0 keeps the portrait's size."""
    fps: int


PRESETS = {
    "draft": Preset(engine="kokoro", fit_steps=0, max_side_px=512, fps=25),
    "balanced": Preset(engine="kokoro", fit_steps=12, max_side_px=768, fps=25),
    "best": Preset(engine="auto", fit_steps=24, max_side_px=0, fps=30),
}
