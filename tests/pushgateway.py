"""A real Pushgateway on loopback."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from scripts.serving import free_port


@dataclass(frozen=True)
class Pushgateway:
    """One that runs."""

    url: str

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """The samples called `name`, by the values of their labels: job, instance, its own."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        first = ("job", "instance")
        return {
            (
                *(sample.labels[label] for label in first),
                *(value for label, value in sample.labels.items() if label not in first),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        }


@contextmanager
def pushgateway(*options: str) -> Iterator[Pushgateway]:
    """Run one on a free port."""
    address = f"127.0.0.1:{free_port()}"
    command = ["prometheus-pushgateway", f"--web.listen-address={address}", "--log.level=error"]
    child = subprocess.Popen([*command, *options])
    try:
        _wait(f"http://{address}/-/ready")
        yield Pushgateway(f"http://{address}")
    finally:
        child.terminate()
        child.wait(30)


def _wait(url: str) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:  # it wants a password
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
