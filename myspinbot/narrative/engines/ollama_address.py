"""Reads the address of an Ollama server as Ollama itself writes it."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from ...errors import BadInputError
from ..settings import OLLAMA_HOST


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
    raise BadInputError(f"{host!r} is no address of an Ollama server: write {OLLAMA_HOST!r}.")


def is_this_machine(name: str) -> bool:
    """Whether `name` leads here, as far as it tells; a container counts as its host."""
    if name in ("localhost", "host.docker.internal", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:  # a name
        return False
