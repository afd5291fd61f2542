"""Brings the metrics to where Prometheus finds them when it cannot scrape the server itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ..errors import ServerError, StorageError
from .destinations import Destination, Folder, Gateway
from .families import PREFIX

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PUSH_S = 5.0
"""How long a Pushgateway may take."""
_one_at_a_time = threading.Lock()
"""Figures never overtake later ones."""


class _Ours:
    """The part of a registry whose names begin with myspinbot_.

    The rest is about the process, and would collide with what the node exporter and the
    Pushgateway tell of their own. Nobody reads the times at which series were created.
    """

    def __init__(self, registry: CollectorRegistry):
        self._registry = registry

    def collect(self) -> Iterator[Any]:
        for family in self._registry.collect():
            if family.name.startswith(f"{PREFIX}_"):
                family.samples = [s for s in family.samples if not s.name.endswith("_created")]
                yield family


def deliver(registry: CollectorRegistry, destination: Destination, server: str) -> str:
    """Send the figures of `server` ("host:port"); returns what was done, for people.

    Raises StorageError or ServerError.
    """
    with _one_at_a_time:
        if isinstance(destination, Folder):
            return _write(registry, destination, server)
        return _push(registry, destination, server)


def _write(registry: CollectorRegistry, folder: Folder, server: str) -> str:
    from prometheus_client import write_to_textfile

    ours: Any = _Ours(registry)
    name = f"{PREFIX}_{server.rsplit(':', 1)[-1]}.prom"
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        # a name that does not end in .prom, then a rename: no collector reads half a file
        write_to_textfile(str(folder.path / name), ours)
    except OSError as error:
        raise StorageError(
            f"The metrics could not be written to {folder.path / name}: {error.strerror}. Make the "
            "folder, and let ComfyUI's user write into it."
        ) from error
    return f"written to {name}"


def _push(registry: CollectorRegistry, gateway: Gateway, server: str) -> str:
    import httpx
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    ours: Any = _Ours(registry)
    url = f"{gateway.url}/metrics/job/{PREFIX}/instance/{quote(server, safe='')}"
    try:
        answer = httpx.put(
            url,
            content=generate_latest(ours),
            headers={"Content-Type": CONTENT_TYPE_LATEST},
            auth=(gateway.user, gateway.password) if gateway.user else None,
            timeout=PUSH_S,
            # A proxy of the environment does not lead to this machine.
            trust_env=urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"),
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = str(error) or type(error).__name__
        raise ServerError(
            f"The Pushgateway {gateway.url} cannot be reached ({said}). Start it, or correct its "
            "address in the metrics settings."
        ) from error
    if answer.is_error or answer.is_redirect:
        raise ServerError(
            f"The Pushgateway {gateway.url} refused with {answer.status_code}: "
            f"{' '.join(answer.text.split())[:300]}"
        )
    return f"pushed as {server}"
