"""Where results go, what is written into them, and the font for words on pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folder_paths
from comfy.cli_args import args

from .folders import document, private, weights

if TYPE_CHECKING:
    from ...myspinbot.video.credentials import Credentials


def output_file(prefix: str, width: int, height: int, suffix: str) -> tuple[Path, str]:
    """A new name in ComfyUI's output folder, and the folder below it that the editor asks for.

    `prefix` is a user's, with core's placeholders such as %date:yyyy-MM-dd%.
    """
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(
        prefix, folder_paths.get_output_directory(), width, height
    )
    return Path(folder) / f"{name}_{counter:05}_{suffix}", subfolder


def metadata(prompt: Any, extra: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What core writes into its files, so that dropping one into the editor opens the graph.

    None when ComfyUI runs with --disable-metadata.
    """
    if args.disable_metadata:
        return None
    return dict(extra or {}) | ({"prompt": prompt} if prompt is not None else {})


def credentials() -> Credentials | None:
    """What signs saved videos on this machine; None unless its operator put it there."""
    from ...myspinbot.video.credentials import Credentials, find_credentials

    found = find_credentials(private(""), os.environ)
    return Credentials(*found) if found else None


def font(name: str = "") -> Path | None:
    """A font file of the user's in ComfyUI's input folder, or the embedded one; None without."""
    from ...myspinbot.video.lettering import FONT_FILE

    if name:
        return document(name)
    embedded = weights([FONT_FILE]) / FONT_FILE
    return embedded if embedded.is_file() else None
