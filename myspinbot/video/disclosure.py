"""What tells viewers, and programs, that a video is synthetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from .lettering import Look, draw
from .source import FrameSource, Stage

LABEL = "AI-generated"
DIGITAL_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term, which platforms look for."""
_SIZE, _MARGIN, _SMALLEST_PX = 0.035, 0.025, 11
"""Of the picture's shorter side."""
_TOLD = ("engine", "preset", "model", "seed", "consent", "persona", "language")
"""Inputs that say how a video came to be, besides every `*_name`."""


class Disclosed(Stage):
    """A source with "AI-generated" in the upper left corner of every frame."""

    def __init__(self, source: FrameSource, font: Path | None, text: str = LABEL):
        super().__init__(source)
        side = min(source.width, source.height)
        self._drawn = draw(
            (text,),
            max(_SMALLEST_PX, round(_SIZE * side)),
            Look(font, box=True, opacity=0.85),
            (source.width, source.height),
            (0.0, 0.0),
            round(_MARGIN * side),
        )

    def frames(self) -> Iterator[np.ndarray]:
        return map(self._drawn.over, self.source.frames())


def is_disclosed(source: Any) -> bool:
    """Whether some stage under `source` already shows the label."""
    while source is not None:
        if isinstance(source, Disclosed):
            return True
        source = getattr(source, "source", None)
    return False


def provenance(prompt: Mapping[str, Any] | None) -> dict[str, Any]:
    """The record that goes into a file: that it is synthetic, by which nodes, models and seeds.

    `prompt` is ComfyUI's, in API format.
    """
    nodes = []
    for node in (prompt or {}).values():
        told = {
            name: value
            for name, value in node.get("inputs", {}).items()
            if (name in _TOLD or name.endswith("_name"))
            and isinstance(value, str | int | float)
            and value != ""
        }
        if told or str(node.get("class_type", "")).startswith("MySpinBot_"):
            nodes.append({"node": node.get("class_type"), **told})
    return {
        "ai_generated": True,
        "digital_source_type": DIGITAL_SOURCE,
        "software": f"MySpinBot {__version__}",
        "made_by": nodes,
    }
