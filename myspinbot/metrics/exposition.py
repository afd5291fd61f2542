"""The metrics as text, for a scrape."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The format that every reader knows."""


def expose(registry: CollectorRegistry, accept: str = TEXT) -> tuple[bytes, str]:
    """Everything in `registry` in the better format that `accept` names, and that format.

    Without `_created` series: they double the counters, and nobody reads them; prometheus_client
    can only switch them off for the whole process, other packs included.
    """
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

    from .instrument import Reading

    newer = choose_encoder(accept)[1].startswith("application/openmetrics-text")
    parts = []
    for family in registry.collect():
        if isinstance(family, Reading):
            parts += _head(newer, family.name, family.documentation, family.type), family.text()
        else:
            family.samples = [s for s in family.samples if not s.name.endswith("_created")]
            parts.append(_encode(newer, family))
    if newer:
        parts.append("# EOF\n")
    return "".join(parts).encode(), CONTENT_TYPE_LATEST if newer else TEXT


def starts(samples: Iterable[Any]) -> list[str]:
    """The lines of `samples` up to their values, the same in both formats."""
    from prometheus_client import Metric

    family = Metric("starts", "", "gauge")
    family.samples = [sample._replace(value=0) for sample in samples]
    lines = _encode(False, family).splitlines()
    return [line.removesuffix("0.0") for line in lines if not line.startswith("#")]


@functools.cache
def _head(newer: bool, name: str, documentation: str, kind: str) -> str:
    """The comment lines of a family."""
    from prometheus_client import Metric

    return _encode(newer, Metric(name, documentation, kind))


def _encode(newer: bool, family: Metric) -> str:
    from prometheus_client import exposition
    from prometheus_client.openmetrics import exposition as open_metrics

    encode = open_metrics.generate_latest if newer else exposition.generate_latest
    return encode(_Only(family)).decode().removesuffix("# EOF\n")  # type: ignore[arg-type]


class _Only:
    """A registry of one family."""

    def __init__(self, family: Metric):
        self._family = family

    def collect(self) -> Iterator[Metric]:
        yield self._family
