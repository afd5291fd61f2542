"""The metrics as text, for a scrape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

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
