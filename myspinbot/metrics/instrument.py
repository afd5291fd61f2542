"""Counts and observes into one metric family, and reads it back fast.

prometheus_client makes four objects of each line whenever it is asked, and 300 node classes have
six thousand lines. Here a line's text up to its value is made once, by prometheus_client, and a
scrape adds the value.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate, product

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import Sample
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from .exposition import starts
from .families import OTHER, PREFIX, Family


class Instrument(Collector):
    """One family in a registry: call it with a value and one string per label."""

    def __init__(self, family: Family, registry: CollectorRegistry):
        self.family = family
        self.name = f"{PREFIX}_{family.name}".removesuffix("_total")
        self._bounds = tuple(_bound(values) for values in family.labels.values())
        self._record = {"counter": _add, "gauge": _set, "histogram": self._observe}[family.kind]
        self._size = len(family.buckets) + 2 if family.buckets else 1
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], list[float]] = {}
        """By labels as they are given; what became "other" is not kept: there is no end to it."""
        self._series: dict[tuple[str, ...], list[float]] = {}
        """By labels as they are told. A histogram has a number for each bucket, and the sum."""
        self._starts: dict[tuple[str, ...], list[str]] = {}
        closed = [values for values in family.labels.values() if not isinstance(values, int)]
        if len(closed) == len(family.labels) and (family.kind == "counter" or not closed):
            for labels in product(*closed):  # PromQL's increase() does not see a line's first value
                self._bind(labels)
        registry.register(self)

    def __call__(self, value: float, *labels: str) -> None:
        """Add to a counter, set a gauge, observe in a histogram; raises on what cannot be."""
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be recorded")
        with self._lock:
            self._record(self._known.get(labels) or self._bind(labels), value)

    def _bind(self, labels: tuple[str, ...]) -> list[float]:
        told = tuple(bound(value) for bound, value in zip(self._bounds, labels, strict=True))
        numbers = self._series.setdefault(told, [0.0] * self._size)
        if told == labels:
            self._known[labels] = numbers
        return numbers

    def _observe(self, numbers: list[float], value: float) -> None:
        numbers[bisect_left(self.family.buckets, value)] += 1
        numbers[-1] += value

    def describe(self) -> list[Metric]:
        return [Metric(self.name, self.family.help, self.family.kind)]

    def collect(self) -> list[Metric]:
        with self._lock:
            series = {told: numbers.copy() for told, numbers in self._series.items()}
        return [Reading(self, series)]

    def values(self, numbers: list[float]) -> list[float]:
        """Those of a series' lines."""
        if not self.family.buckets:
            return numbers
        counts = list(accumulate(numbers[:-1]))
        return [*counts, counts[-1], numbers[-1]]

    def samples(self, told: tuple[str, ...], numbers: list[float]) -> list[Sample]:
        """The same as prometheus_client has them."""
        labels = dict(zip(self.family.labels, told, strict=True))
        if self.family.buckets:
            bounds = [floatToGoString(bound) for bound in (*self.family.buckets, math.inf)]
            names = [("_bucket", {**labels, "le": bound}) for bound in bounds]
            names += [("_count", labels), ("_sum", labels)]
        else:
            names = [("_total" if self.family.kind == "counter" else "", labels)]
        return [
            Sample(self.name + suffix, facts, value)
            for (suffix, facts), value in zip(names, self.values(numbers), strict=True)
        ]

    def starts(self, told: tuple[str, ...], numbers: list[float]) -> list[str]:
        """A series' lines up to the values."""
        if told not in self._starts:
            self._starts[told] = starts(self.samples(told, numbers))
        return self._starts[told]


class Reading(Metric):
    """What an instrument said at one moment: as text, and as what prometheus_client expects."""

    def __init__(self, instrument: Instrument, series: dict[tuple[str, ...], list[float]]):
        super().__init__(instrument.name, instrument.family.help, instrument.family.kind)
        self._instrument, self._series = instrument, series
        self._samples: list[Sample] | None = None

    @property
    def samples(self) -> list[Sample]:
        """Made only for those who ask: an exposition takes the text."""
        if self._samples is None:
            found = [self._instrument.samples(*series) for series in self._series.items()]
            self._samples = [sample for samples in found for sample in samples]
        return self._samples

    @samples.setter
    def samples(self, samples: list[Sample]) -> None:  # type: ignore[override]
        self._samples = samples

    def text(self) -> str:
        """The lines of samples."""
        lines = []
        for told, numbers in self._series.items():
            values = self._instrument.values(numbers)
            for start, value in zip(self._instrument.starts(told, numbers), values, strict=True):
                lines += start, floatToGoString(value), "\n"
        return "".join(lines)


def _add(numbers: list[float], value: float) -> None:
    if value < 0:
        raise ValueError(f"a counter cannot lose {-value}")
    numbers[0] += value


def _set(numbers: list[float], value: float) -> None:
    numbers[0] = value


def _bound(values: tuple[str, ...] | int) -> Callable[[str], str]:
    if not isinstance(values, int):
        closed = frozenset(values)
        return lambda value: value if value in closed else OTHER
    seen: set[str] = set()

    def capped(value: str) -> str:
        if value not in seen:
            if len(seen) >= values:
                return OTHER
            seen.add(value)
        return value

    return capped
