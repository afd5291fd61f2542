"""What text encoders and VAEs have made, so that a second training on the same loads neither."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from torch import Tensor

from ...myspinbot.progress import Tick

logger = logging.getLogger(__name__)
_MAX_BYTES = 512 << 20
"""Of one maker's results; more are made again."""
_made: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()
"""By the maker itself: ComfyUI hands over the same object as long as nothing about it changes."""


def encoded_once(
    maker: Any, wanted: Mapping[Any, Callable[[], Any]], tick: Tick, what: str
) -> tuple[dict[Any, Any], int]:
    """What `maker` makes for each key of `wanted`, and how many of them were not there from its
    last call. What it made then and is not wanted now is let go; `what` is for the log."""
    known = _made.setdefault(maker, {})
    new: list[Hashable] = [key for key in wanted if key not in known]
    for number, key in enumerate(new):
        tick(number, len(new))
        known[key] = wanted[key]()
    found = {key: known[key] for key in wanted}
    _made[maker] = found if _bytes(list(found.values())) <= _MAX_BYTES else {}
    logger.info("%d %s encoded, %d known from before.", len(new), what, len(wanted) - len(new))
    return found, len(new)


def _bytes(value: Any) -> int:
    """Of the tensors in nested lists; the rest of a conditioning is small."""
    if isinstance(value, Tensor):
        return value.nbytes
    return sum(map(_bytes, value)) if isinstance(value, list) else 0
