"""What shows on a node after it ran: a player, and lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from comfy_api.latest import io, ui

TEXT_KEY = "myspinbot_text"
"""js/preview.js shows what is stored under it."""


def preview(audio: dict, lines: Sequence[str], node: type[io.ComfyNode]) -> dict:
    """The `ui` of a node that shows `lines` and plays ComfyUI's AUDIO `audio`."""
    return {**ui.PreviewAudio(audio, cls=node).as_dict(), TEXT_KEY: list(lines)}
