"""The metrics as text: for a scrape, a textfile collector or a Pushgateway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ServerError
from ..files import replacing

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The format that every reader knows."""


class _Lean:
    """A registry without `_created` series: they double the counters, and nobody reads them.

    prometheus_client can only switch them off for the whole process, other packs included.
    """

    def __init__(self, registry: CollectorRegistry):
        self._registry = registry

    def collect(self) -> Iterator[Any]:
        for family in self._registry.collect():
            family.samples = [s for s in family.samples if not s.name.endswith("_created")]
            yield family


def expose(registry: CollectorRegistry, accept: str = TEXT) -> tuple[bytes, str]:
    """Everything in `registry` in the best format that `accept` names, and that format."""
    from prometheus_client.exposition import choose_encoder

    encode, content_type = choose_encoder(accept)
    return encode(_Lean(registry)), content_type  # type: ignore[arg-type]


def write_textfile(registry: CollectorRegistry, path: Path) -> None:
    """Write `path` for node_exporter's textfile collector, which never sees half of it."""
    with replacing(path) as partial:
        partial.write_bytes(expose(registry)[0])
        partial.chmod(0o644)  # the exporter runs as somebody else


def push(
    registry: CollectorRegistry,
    address: str,
    job: str,
    grouping: Mapping[str, str],
    timeout_s: float,
) -> None:
    """Replace this server's group at a Pushgateway; raises ServerError if that does not take it."""
    from prometheus_client import push_to_gateway

    try:
        push_to_gateway(address, job, _Lean(registry), dict(grouping), timeout_s)  # type: ignore[arg-type]
    except (OSError, ValueError) as error:
        raise ServerError(
            f"The Pushgateway at {address} did not take the metrics: {error}"
        ) from error
