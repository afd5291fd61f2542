"""Runs a net over pictures in tiles that overlap, and blends them without seams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

import torch
from torch import Tensor

MIN_TILE_PX = 64
"""Smaller ones are more overlap than picture."""
OVERLAP_PX = 32


def spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Start and end of the tiles that cover `length`, all equally long and at most `tile`.

    Neighbours share `overlap`, or one more where it does not come out even. A `tile` of 0, or one
    that is long enough, is one tile.
    """
    if not tile or tile >= length:
        return [(0, length)]
    overlap = min(overlap, tile // 4)  # else three would meet
    count = ceil((length - overlap) / (tile - overlap))
    size = ceil((length + (count - 1) * overlap) / count)
    last = length - size
    return [(start, start + size) for n in range(count) for start in (last * n // (count - 1),)]


def weights(parts: list[tuple[int, int]], scale: int) -> Iterator[Tensor]:
    """How much of each span counts along it, float32 [its length x scale]; they add up to 1."""
    for n, (start, end) in enumerate(parts):
        weight = torch.ones((end - start) * scale)
        if n:
            shared = (parts[n - 1][1] - start) * scale
            weight[:shared] = _ramp(shared)
        if n + 1 < len(parts):
            shared = (end - parts[n + 1][0]) * scale
            weight[-shared:] = _ramp(shared).flip(0)
        yield weight


def _ramp(count: int) -> Tensor:
    return (torch.arange(count) + 0.5) / count


def in_tiles(net: Callable[[Tensor], Tensor], images: Tensor, scale: int, tile_px: int) -> Tensor:
    """What `net`, which enlarges `scale` times, makes of `images` [N, C, H, W]; 0: in one piece."""
    height, width = images.shape[2:]
    rows, columns = (spans(length, tile_px, OVERLAP_PX) for length in (height, width))
    if len(rows) == len(columns) == 1:
        return net(images)
    downs, acrosses = list(weights(rows, scale)), list(weights(columns, scale))
    made: Tensor | None = None
    for (top, bottom), down in zip(rows, downs, strict=True):
        for (left, right), across in zip(columns, acrosses, strict=True):
            tile = net(images[:, :, top:bottom, left:right])
            if made is None:
                made = tile.new_zeros((*tile.shape[:2], height * scale, width * scale))
            place = made[..., top * scale : bottom * scale, left * scale : right * scale]
            place.addcmul_(tile, (down[:, None] * across).to(tile))
    assert made is not None
    return made
