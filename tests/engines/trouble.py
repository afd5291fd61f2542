"""Trouble on purpose: a user who cancels, and files that are damaged or not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Cancelled(BaseException):
    """As ComfyUI's own is: no Exception."""


def cancel_after(calls: int) -> Callable[[int, int], None]:
    """A tick that raises Cancelled after so many calls."""

    def tick(done: int, total: int) -> None:
        nonlocal calls
        calls -= 1
        if calls < 0:
            raise Cancelled

    return tick


@contextmanager
def spoilt(path: Path, content: bytes | None) -> Iterator[None]:
    """Let a file hold `content`, or not be there, for a while."""
    aside = path.rename(path.with_name("aside"))
    try:
        if content is not None:
            path.write_bytes(content)
        yield
    finally:
        aside.replace(path)
