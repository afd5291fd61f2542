"""Where the operator of this machine lets metrics be sent: a file, variables.

A workflow chooses one by its name and never says a path or an address itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BadInputError
from ..settings_file import is_address, part, read_object

FOLDER_VARIABLE = "MYSPINBOT_TEXTFILE_FOLDER"
"""A folder that Prometheus' node exporter reads as a textfile collector."""
GATEWAY_VARIABLE = "MYSPINBOT_PUSHGATEWAY"
"""Address of a Prometheus Pushgateway."""


@dataclass(frozen=True)
class Folder:
    """A textfile collector's."""

    path: Path


@dataclass(frozen=True)
class Gateway:
    """A Pushgateway."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)


Destination = Folder | Gateway


def read_destinations(path: Path, environment: Mapping[str, str]) -> dict[str, Destination]:
    """Destinations by name, from the JSON file `path`, which may be absent, and from variables:

    {"folders": {"name": "/var/lib/prometheus/node-exporter"},
     "pushgateways": {"name": {"url": "http://box:9091", "user": "me", "password_variable": "PW"}}}

    Each part is optional, and so is all but the url; names are "file: name" and "push: name".
    Raises BadInputError saying what is wrong in the file.
    """
    written = read_object(
        path, 'it must be an object with "folders", "pushgateways" or both', _wrong
    )
    if unknown := set(written) - {"folders", "pushgateways"}:
        raise _wrong(path, f"it has the unknown {', '.join(sorted(unknown))}")
    folders = part(path, written, "folders", _wrong)
    gateways = part(path, written, "pushgateways", _wrong)
    if folder := environment.get(FOLDER_VARIABLE, "").strip():
        folders = {"textfile": folder, **folders}
    if url := environment.get(GATEWAY_VARIABLE, "").strip():
        gateways = {"default": {"url": url}, **gateways}
    return {
        **{f"file: {name}": _folder(path, name, row) for name, row in folders.items()},
        **{
            f"push: {name}": _gateway(path, name, row, environment)
            for name, row in gateways.items()
        },
    }


def _folder(path: Path, name: str, row: object) -> Folder:
    if not isinstance(row, str) or not Path(row).is_absolute():
        raise _wrong(path, f"the folder {name!r} must be a whole path, not {row!r}")
    return Folder(Path(row))


def _gateway(path: Path, name: str, row: object, environment: Mapping[str, str]) -> Gateway:
    known = {"url", "user", "password_variable"}
    if (
        not isinstance(row, dict)
        or not set(row) <= known
        or not all(isinstance(value, str) for value in row.values())
    ):
        raise _wrong(path, f'{name!r} must look like {{"url": "http://127.0.0.1:9091"}}')
    url = row.get("url", "").rstrip("/")
    if not is_address(url):
        raise _wrong(path, f"the url of {name!r} is {url!r}, which is no http address")
    password = environment.get(row.get("password_variable", ""), "")
    return Gateway(url, row.get("user", ""), password)


def _wrong(path: Path, reason: str) -> BadInputError:
    return BadInputError(
        f"The metrics settings {path} (or {FOLDER_VARIABLE}, {GATEWAY_VARIABLE}): {reason}."
    )
