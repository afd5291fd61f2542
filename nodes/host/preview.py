"""What shows on a node after it ran: a player, and lines of text."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from comfy_api.latest import io, ui

from .folders import temporary

if TYPE_CHECKING:
    from ...myspinbot.video import FrameSource

TEXT_KEY = "myspinbot_text"
"""js/preview.js shows what is stored under it."""


def preview(audio: dict, lines: Sequence[str], node: type[io.ComfyNode]) -> dict:
    """The `ui` of a node that shows `lines` and plays ComfyUI's AUDIO `audio`."""
    return {**ui.PreviewAudio(audio, cls=node).as_dict(), **preview_text(lines)}


def preview_text(lines: Sequence[str]) -> dict:
    """The `ui` of a node that shows `lines`."""
    return {TEXT_KEY: list(lines)}


def preview_video(source: FrameSource) -> dict:
    """The `ui` of a node that plays `source`, from a file in ComfyUI's temp folder."""
    from ...myspinbot.video import write_mp4

    name = f"myspinbot_preview_{uuid.uuid4().hex[:12]}.mp4"
    write_mp4(temporary() / name, source)
    return ui.PreviewVideo([ui.SavedResult(name, "", io.FolderType.temp)]).as_dict()
