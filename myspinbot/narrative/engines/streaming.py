"""Waits for what an asynchronous client receives, without going deaf to a cancel meanwhile."""

from __future__ import annotations

import queue
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from anyio.from_thread import start_blocking_portal

T = TypeVar("T")
POLL_S = 0.25


def listen(
    source: Callable[[], AsyncIterator[T]],
    take: Callable[[T], Any],
    idle: Callable[[], Any],
) -> None:
    """Call `take` with each item of `source()`, and `idle` every 0.25 s while none comes.

    `source` runs in an event loop on a thread of its own; both callbacks run on this one. What
    either raises ends `source` at the point where it waits, so that it can close its connection:
    that is how a server hears of a cancel. What `source` raises comes out here.
    """
    inbox: queue.Queue[T | Future[None]] = queue.Queue()

    async def forward() -> None:
        async for item in source():
            inbox.put(item)

    with start_blocking_portal() as portal:  # an error in here cancels what runs in there
        portal.start_task_soon(forward).add_done_callback(inbox.put)
        while True:
            try:
                item = inbox.get(timeout=POLL_S)
            except queue.Empty:
                idle()
                continue
            if isinstance(item, Future):
                return item.result()
            take(item)
