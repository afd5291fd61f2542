"""What the metrics and the job history cost in CPU time: an event, a scrape, a whole bot.

Run: python -m benchmarks.metrics
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.bot import NARRATION
from myspinbot.history.entry import Entry
from myspinbot.history.ledger import Ledger, sqlite_url
from myspinbot.metrics import Metrics, Run
from myspinbot.metrics.exposition import TEXT, expose
from myspinbot.metrics.outcome import Outcome
from scripts.demo import Request, render
from scripts.environment import BASE
from scripts.serving import ComfyProcess

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
"""What Prometheus asks for."""
HOOKS = "myspinbot_instrumentation_seconds_total"


def used(metrics: Metrics, classes: int) -> None:
    """A prompt in which nodes of so many classes ran, and others were in the cache."""
    run = Run("id", {str(n): {"class_type": f"Class{n}"} for n in range(classes)})
    for number in range(classes):
        run.start(f"{number}.1", f"Class{number}", number)
        metrics.node(f"Class{number}", 0.3 + number)
    run.end(classes)
    metrics.prompt(run, Outcome("success", 90.0, 1.0, tuple(run.prompt)))


def each_s(work: Callable[[], object], times: int) -> float:
    """CPU time of one call, the first left out."""
    work()
    started_s = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started_s) / times


def events() -> None:
    metrics = Metrics(CollectorRegistry())
    node_s = each_s(lambda: metrics.node("Class7", 0.3), 100_000)
    print(f"an observation: {node_s * 1e6:.1f} us CPU (limit 5)")
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(sqlite_url(Path(folder) / "history.db"))
        entry = Entry("id", time.time())
        over = Entry("id", time.time(), outcome="success", stages={"A": {"own_s": 1.0}})
        entry_s = each_s(lambda: (ledger.save(entry), ledger.save(over)), 500)
        ledger.close()
    print(f"start and end of a prompt in the history: {entry_s * 1e3:.1f} ms CPU")


def scrapes() -> None:
    for classes in (60, 300):
        metrics = Metrics(CollectorRegistry())
        for accept in (TEXT, OPEN_METRICS):

            def scrape(metrics=metrics, classes=classes, accept=accept) -> int:
                used(metrics, classes)  # every line changes
                return len(expose(metrics.registry, accept)[0])  # type: ignore[arg-type]

            prompt_s = each_s(lambda metrics=metrics, classes=classes: used(metrics, classes), 20)
            scrape_s = each_s(scrape, 20) - prompt_s
            print(
                f"a scrape with {classes} node classes: {scrape_s * 1e3:.1f} ms CPU, {scrape()} "
                f"bytes of {accept} (limit at 60: 10)"
            )


def figures(server: ComfyProcess) -> dict[str, float]:
    """Counters of the server, summed over their labels."""
    request = urllib.request.Request(f"{server.url}/myspinbot/metrics")
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def bots() -> None:
    """The second finds the voice in the cache, and runs for less than half the time."""
    with ComfyProcess(BASE) as server:
        before = figures(server)
        for number in range(2):
            started_s = server.cpu_seconds()
            words = f"{NARRATION} I baked loaf number {time.time_ns() % 10**6}."  # never cached
            request = Request.from_environment({"TOPIC": "bread", "NARRATION": words})
            asyncio.run(render(server, request))
            time.sleep(1)  # until it is counted
            after = figures(server)
            hooks_s = after[HOOKS] - before[HOOKS]
            whole_s = server.cpu_seconds() - started_s
            before = after
            print(
                f"draft bot {number + 1}: {hooks_s * 1e3:.1f} ms CPU in the hooks, "
                f"{hooks_s / whole_s:.3%} of {whole_s:.1f} s (limit 0.1 %)",
                flush=True,
            )
        started_s = server.cpu_seconds()
        for _ in range(100):
            figures(server)
        scrape_s = (server.cpu_seconds() - started_s) / 100
    print(f"a scrape of that server over HTTP: {scrape_s * 1e3:.1f} ms CPU of the server")


if __name__ == "__main__":
    events()
    scrapes()
    bots()
