"""Where the operator of this machine has language models: a file, variables. Knows no protocol.

A workflow names a model or an entry and never an address, so that a workflow from elsewhere cannot
make this machine talk to hosts of its author's choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInputError
from ..settings_file import is_address, part, read_object

OLLAMA_HOST = "127.0.0.1:11434"
OLLAMA_VARIABLE = "OLLAMA_HOST"
"""Ollama's own."""
DEFAULT = "default"
DEFAULT_URL = "http://127.0.0.1:8080/v1"
"""Where llama.cpp's server listens unless told otherwise."""
URL_VARIABLE = "MYSPINBOT_OPENAI_URL"
KEY_VARIABLE = "MYSPINBOT_OPENAI_KEY"
SILENCE_S = 120.0
"""A large model on a CPU reads a prompt for a minute before its first word."""


@dataclass(frozen=True)
class OllamaSettings:
    """Which Ollama, and which of its models when a workflow names none."""

    host: str
    """As OLLAMA_HOST is written: name, name:port or a URL."""
    model: str = ""
    """"": the first that can chat."""


@dataclass(frozen=True)
class LlmServer:
    """One OpenAI-compatible server, as the operator described it."""

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


@dataclass(frozen=True)
class LlmSettings:
    """All of it."""

    ollama: OllamaSettings
    servers: Mapping[str, LlmServer]
    """OpenAI-compatible servers by name; "default" is the first."""


def read_settings(path: Path, environment: Mapping[str, str]) -> LlmSettings:
    """The settings in the JSON file `path`, which may be absent:

    {"ollama": {"host": "box:11434", "model": "qwen3:8b"},
     "servers": {"name": {"url": "http://box:8080/v1", "key_variable": "KEY", "silence_s": 60}}}

    Each part is optional, and so is all but the url. What the file says wins over the variables
    OLLAMA_HOST and MYSPINBOT_OPENAI_URL, and these over the usual ports of this machine. Raises
    BadInputError saying what is wrong in the file.
    """
    written = read_object(path, 'it must be an object with "ollama", "servers" or both', _wrong)
    _check_names(path, "the file", written, {"ollama", "servers"})
    ollama = part(path, written, "ollama", _wrong)
    _check_names(path, "'ollama'", ollama, {"host", "model"})
    if not all(isinstance(value, str) for value in ollama.values()):
        raise _wrong(path, f'"ollama" must look like {{"host": "{OLLAMA_HOST}", "model": "name"}}')
    url = environment.get(URL_VARIABLE) or DEFAULT_URL
    rows = {
        DEFAULT: {"url": url, "key_variable": KEY_VARIABLE},
        **part(path, written, "servers", _wrong),
    }
    return LlmSettings(
        OllamaSettings(
            host=ollama.get("host") or environment.get(OLLAMA_VARIABLE, "").strip() or OLLAMA_HOST,
            model=ollama.get("model", ""),
        ),
        {name: _server(name, row, path, environment) for name, row in rows.items()},
    )


def _check_names(path: Path, where: str, found: dict[str, Any], known: set[str]) -> None:
    if unknown := set(found) - known:
        raise _wrong(path, f"{where} has the unknown {', '.join(sorted(unknown))}")


def _server(name: str, row: object, path: Path, environment: Mapping[str, str]) -> LlmServer:
    if not isinstance(row, dict) or not isinstance(row.get("url"), str):
        raise _wrong(path, f'{name!r} must look like {{"url": "{DEFAULT_URL}"}}')
    _check_names(path, repr(name), row, {"url", "key_variable", "silence_s"})
    url, variable = row["url"].rstrip("/"), row.get("key_variable", "")
    silence_s = row.get("silence_s", SILENCE_S)
    if not is_address(url):
        raise _wrong(path, f"the url of {name!r} is {url!r}, which is no http address")
    if not isinstance(variable, str):
        raise _wrong(path, f"the key_variable of {name!r} must be the name of a variable")
    if not isinstance(silence_s, int | float) or not silence_s > 0:
        raise _wrong(path, f"the silence_s of {name!r} must be a number of seconds")
    return LlmServer(name, url, variable, environment.get(variable, ""), float(silence_s))


def _wrong(path: Path, reason: str) -> BadInputError:
    return BadInputError(f"The LLM settings {path} (or {URL_VARIABLE}): {reason}.")
