"""What the metrics cost: CPU time per observation, and per scrape.

Run: python -m benchmarks.metrics
"""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry

from myspinbot.metrics import Metrics
from myspinbot.metrics.exposition import expose

OBSERVATIONS, SCRAPES = 100_000, 20


def filled(classes: int) -> Metrics:
    metrics = Metrics(CollectorRegistry())
    for number in range(classes):
        metrics.node(f"Class{number}", 1.0)
    return metrics


def main() -> None:
    metrics = filled(60)
    started_s = time.process_time()
    for _ in range(OBSERVATIONS):
        metrics.node("Class7", 0.3)
    each_us = (time.process_time() - started_s) / OBSERVATIONS * 1e6
    print(f"an observation: {each_us:.1f} us CPU (limit 5)")
    for classes in (60, 300):
        metrics = filled(classes)
        started_s = time.process_time()
        for _ in range(SCRAPES):
            text, _ = expose(metrics.registry)  # type: ignore[arg-type]
        each_ms = (time.process_time() - started_s) / SCRAPES * 1e3
        print(f"a scrape with {classes} node classes: {each_ms:.1f} ms CPU, {len(text)} bytes")


if __name__ == "__main__":
    main()
