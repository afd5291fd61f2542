"""How long each stage of a chain works on its frames, without the stages that it reads them from.

Frames are made while they are read, one by one through all stages, so a stage's time is spread over
the whole run and inside the time of those that read it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

Frame = TypeVar("Frame")


@dataclass
class Own:
    """Known when the block is over."""

    seconds: float = 0.0


class FrameClock:
    """`record(stage, frames, seconds)` hears of every frame, so that a long video shows at once."""

    def __init__(self, record: Callable[[str, int, float], None]):
        self._record = record
        self._thread = threading.local()

    @contextmanager
    def own(self) -> Iterator[Own]:
        """Measure a block without what is measured inside it, on the same thread."""
        outside_s = getattr(self._thread, "inside_s", 0.0)
        self._thread.inside_s = 0.0
        own, started_s = Own(), time.perf_counter()
        try:
            yield own
        finally:
            took_s = time.perf_counter() - started_s
            own.seconds = max(0.0, took_s - self._thread.inside_s)
            self._thread.inside_s = outside_s + took_s

    def timed(self, stage: str, frames: Iterator[Frame]) -> Generator[Frame, None, None]:
        """The same frames, each recorded for `stage`; closes `frames` when it is closed."""
        try:
            while True:
                with self.own() as own:
                    frame = next(frames, None)
                if frame is None:
                    return
                self._record(stage, 1, own.seconds)
                yield frame
        finally:
            if close := getattr(frames, "close", None):  # it may hold files
                close()
