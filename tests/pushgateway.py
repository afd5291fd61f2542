"""A real Pushgateway on loopback."""

from __future__ import annotations

import re
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

_LISTENING = re.compile(r'"Listening on" address=(\S+)')


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
    """Run one; it looks for a free port itself, so no other test can have taken that."""
    command = ["prometheus-pushgateway", "--web.listen-address=127.0.0.1:0", *options]
    command.append("--persistence.file=")  # by default Debian's keeps what it got
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    try:
        address = next(found[1] for line in child.stderr if (found := _LISTENING.search(line)))
        reader = threading.Thread(target=child.stderr.read, daemon=True)  # or it would block
        reader.start()
        yield Pushgateway(f"http://{address}")
    finally:
        child.terminate()
        child.wait(30)
