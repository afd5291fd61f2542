"""The one callback long work reports through."""

from collections.abc import Callable

Tick = Callable[[int, int], None]
"""``tick(done, total)``: report progress. It may raise, and that cancels the work: call it at least
twice a second and never catch what it raises."""


def no_tick(done: int, total: int) -> None:
    """Report to nobody."""
