"""Where the operator of this machine has Ollama. A workflow never names an address."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ...errors import BadInputError

DEFAULT_HOST = "127.0.0.1:11434"


def read_settings(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The operator's `host` and `model` (may be "") from the JSON file `path`, which may be absent.

    Its host wins over OLLAMA_HOST, which wins over port 11434 of this machine. Raises
    BadInputError saying what is wrong in the file.
    """
    settings = {"host": environment.get("OLLAMA_HOST", "").strip() or DEFAULT_HOST, "model": ""}
    if not path.is_file():
        return settings
    try:
        chosen = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadInputError(f"{path} is no JSON: {error}.") from error
    if not isinstance(chosen, dict) or not all(
        key in settings and isinstance(value, str) for key, value in chosen.items()
    ):
        raise BadInputError(f'{path} must look like {{"host": "{DEFAULT_HOST}", "model": "name"}}.')
    return settings | chosen


def reachable(host: str) -> str:
    """`host` as a client can use it: what a server listens on is often what OLLAMA_HOST holds."""
    return re.sub(r"(^|//)(0\.0\.0\.0|\[::\])(?=[:/]|$)", r"\g<1>127.0.0.1", host)


def host_name(host: str) -> str:
    """The machine in name, name:port or a URL; raises BadInputError for what is no address."""
    try:
        parts = urlsplit(host if "://" in host else f"http://{host}")
        if parts.scheme in ("http", "https") and parts.port != 0:
            return parts.hostname or "127.0.0.1"
    except ValueError:  # a port that is no number
        pass
    raise BadInputError(f"{host!r} is no address of an Ollama server: write {DEFAULT_HOST!r}.")


def is_this_machine(name: str) -> bool:
    """Whether `name` leads here, as far as it tells; a container counts as its host."""
    if name in ("localhost", "host.docker.internal", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:  # a name
        return False
