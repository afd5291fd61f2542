"""Which LLM servers the operator of this machine allows, and how to reach them. Knows no protocol.

A workflow names an entry and never an address, so that a workflow from elsewhere cannot make this
machine talk to hosts of its author's choice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import BadInputError

DEFAULT = "default"
DEFAULT_URL = "http://127.0.0.1:8080/v1"
"""Where llama.cpp's server listens unless told otherwise."""
URL_VARIABLE = "MYSPINBOT_OPENAI_URL"
KEY_VARIABLE = "MYSPINBOT_OPENAI_KEY"
SILENCE_S = 120.0
"""A large model on a CPU reads a prompt for a minute before its first word."""


@dataclass(frozen=True)
class LlmServer:
    """One server, as the operator described it."""

    name: str
    url: str
    """Where the API begins, e.g. http://127.0.0.1:8080/v1"""
    key_variable: str = ""
    """Environment variable that holds the API key: files hold none."""
    key: str = ""
    silence_s: float = SILENCE_S
    """How long it may send nothing."""

    def __str__(self) -> str:
        return f"The LLM server {self.name!r} ({self.url})"

    def __repr__(self) -> str:
        return f"LlmServer({self.name!r}, {self.url!r})"  # a key must not reach a log


def read_servers(path: Path, environment: Mapping[str, str]) -> dict[str, LlmServer]:
    """The servers of the JSON file `path`, which may be absent, by name; "default" is the first.

    The file maps a name to {"url": ..., "key_variable": ..., "silence_s": ...}, the last two
    optional. Its "default" wins over the variable MYSPINBOT_OPENAI_URL, which wins over port 8080
    of this machine. Raises BadInputError saying what is wrong in the file.
    """
    url = environment.get(URL_VARIABLE) or DEFAULT_URL
    rows: dict[str, object] = {DEFAULT: {"url": url, "key_variable": KEY_VARIABLE}}
    if path.is_file():
        try:
            listed = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise _wrong(path, f"it is no JSON ({error})") from error
        if not isinstance(listed, dict):
            raise _wrong(path, "it must map names to servers")
        rows |= listed
    return {name: _server(name, row, path, environment) for name, row in rows.items()}


def _server(name: str, row: object, path: Path, environment: Mapping[str, str]) -> LlmServer:
    if not isinstance(row, dict) or not isinstance(row.get("url"), str):
        raise _wrong(path, f'{name!r} must look like {{"url": "{DEFAULT_URL}"}}')
    if unknown := set(row) - {"url", "key_variable", "silence_s"}:
        raise _wrong(path, f"{name!r} has the unknown {', '.join(sorted(unknown))}")
    url, variable = row["url"].rstrip("/"), row.get("key_variable", "")
    silence_s = row.get("silence_s", SILENCE_S)
    if not _is_address(url):
        raise _wrong(path, f"the url of {name!r} is {url!r}, which is no http address")
    if not isinstance(variable, str):
        raise _wrong(path, f"the key_variable of {name!r} must be the name of a variable")
    if not isinstance(silence_s, int | float) or not silence_s > 0:
        raise _wrong(path, f"the silence_s of {name!r} must be a number of seconds")
    return LlmServer(name, url, variable, environment.get(variable, ""), float(silence_s))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


def _wrong(path: Path, reason: str) -> BadInputError:
    return BadInputError(f"The list of LLM servers {path} (or {URL_VARIABLE}): {reason}.")
