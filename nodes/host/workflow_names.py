"""What the workflow of a prompt is called: the editor sends its id, and its file has the name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import folder_paths

_SHIPPED = Path(__file__).parents[2] / "workflows"
_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*"([^"]{1,100})"')
"""The editor writes it first."""
_MOST = 2000
"""Files that are looked at."""
_LONGEST = 200

_seen: dict[Path, tuple[float, str]] = {}
"""Of each file: when it was changed, and its id."""


def workflow_name(extra_data: Mapping[str, Any]) -> str:
    """The name of a prompt's workflow from what was sent with it; empty if nothing tells.

    A script says `extra_data: {"workflow_name": "..."}`; of the editor's prompts it is the name of
    the saved or shipped workflow, and the id of one that was never saved.
    """
    name = extra_data.get("workflow_name")
    if not isinstance(name, str):
        workflow = (extra_data.get("extra_pnginfo") or {}).get("workflow") or {}
        name = str(workflow.get("id") or "")
        name = _names().get(name, name) if name else ""
    return name.replace("\0", "").encode("utf-8", "replace").decode()[:_LONGEST]


def _names() -> dict[str, str]:
    found: dict[str, str] = {}
    files = list(_files())
    for path in _seen.keys() - set(files):
        del _seen[path]
    for path in files:
        try:
            changed_s = path.stat().st_mtime
            if _seen.get(path, (None,))[0] != changed_s:
                with open(path, "rb") as file:
                    start = _ID.match(file.read(300))
                _seen[path] = changed_s, start[1].decode("utf-8", "replace") if start else ""
        except OSError:  # gone or locked meanwhile
            continue
        found[_seen[path][1]] = path.stem
    return found


def _files() -> Iterator[Path]:
    """The pack's, then the users', whose names count more."""
    yield from sorted(_SHIPPED.glob("*.json"))
    saved = Path(folder_paths.get_user_directory()).glob("*/workflows/**/*.json")
    yield from (path for path, _ in zip(saved, range(_MOST), strict=False))
