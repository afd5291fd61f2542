"""What the files of the machine's operator have in common: JSON objects of named parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import BadInputError

Wrong = Callable[[Path, str], BadInputError]
"""Makes the error that says which file is wrong, and why."""


def read_object(path: Path, needed: str, wrong: Wrong) -> dict[str, Any]:
    """The object in the file `path`, which may be absent: {}. `needed` says what it should be."""
    if not path.is_file():
        return {}
    try:
        written = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise wrong(path, f"it is no JSON ({error})") from error
    if not isinstance(written, dict):
        raise wrong(path, needed)
    return written


def part(path: Path, written: dict[str, Any], name: str, wrong: Wrong) -> dict[str, Any]:
    """The object `name` of what was read, {} if it is not there."""
    found = written.get(name, {})
    if not isinstance(found, dict):
        raise wrong(path, f"{name!r} must be an object")
    return found


def is_address(url: str) -> bool:
    """Whether `url` is one of http or https with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False
