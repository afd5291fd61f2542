"""What stages ask of a net that makes pictures of pictures, and how they feed it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor

from ..errors import EngineError
from .tiles import MIN_TILE_PX, in_tiles

log = logging.getLogger("myspinbot.video")

CPU_TILE_PX = 288
"""Cuts 512 px in two. Layers of larger tiles are given back to the system and fetched again."""


class ImageNet(Protocol):
    """A net whose weights belong to somebody who may send them away between two calls."""

    scale: int
    """How many times wider and higher its pictures become."""

    def ready(self, pixels: int) -> AbstractContextManager[torch.device]:
        """Weights, and room for `pixels` at once, on a device. Inside, a cancel ends a call."""
        ...

    def __call__(self, images: Tensor) -> Tensor:
        """float32 [N, 3, H, W] 0..1 -> [N, 3, H * scale, W * scale]; on the device."""
        ...

    def out_of_memory(self, error: Exception) -> bool:
        """Whether `error` says so; if it does, what was taken is given back."""
        ...


class Feeder:
    """Gives a net as many pictures at once, in tiles as large, as its device's memory takes.

    When memory does not suffice the batch halves, at one picture the tile, and both stay so.
    A `tile_px` of 0 is one tile; on a CPU others are `CPU_TILE_PX` at the most.
    """

    def __init__(self, net: ImageNet, *, batch: int, tile_px: int = 0):
        self.net, self.batch, self.tile_px = net, max(batch, 1), tile_px

    def __call__(self, pictures: np.ndarray) -> Iterator[np.ndarray]:
        """What the net makes of each of `pictures` (uint8 [N, H, W, 3]), uint8 [H, W, 3].

        Raises EngineError when not even one small tile finds room.
        """
        done = 0
        while done < len(pictures):
            part = pictures[done : done + self.batch]
            made, why = None, ""
            try:
                made = self._made(part)
            except Exception as error:
                if not self.net.out_of_memory(error):
                    raise
                why = str(error)  # the error itself would hold on to the memory
            if made is None:
                self._spare(pictures.shape[1:3], why)
                continue
            yield from made
            done += len(part)

    def _made(self, pictures: np.ndarray) -> list[np.ndarray]:
        tile = self.tile_px or max(pictures.shape[1:3])
        pixels = len(pictures) * min(pictures.shape[1], tile) * min(pictures.shape[2], tile)
        with torch.inference_mode(), self.net.ready(pixels) as device:
            if device.type == "cpu":
                keep_freed_memory()
            images = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2)
            images = images.float().div_(255).contiguous()
            tile = min(self.tile_px, CPU_TILE_PX) if device.type == "cpu" else self.tile_px
            return as_pictures(in_tiles(self.net, images, self.net.scale, tile))

    def _spare(self, size: tuple[int, ...], why: str) -> None:
        if self.batch > 1:
            self.batch //= 2
        else:
            tile = min(self.tile_px or max(size), max(size)) // 2
            if tile < MIN_TILE_PX:
                raise EngineError(
                    f"There is not even memory for a tile of {MIN_TILE_PX} px: {why}. Close "
                    "other programs that use the device, or take a smaller model."
                )
            self.tile_px = tile
        log.warning(
            "Memory is short: going on with %d pictures at once in tiles of %s px.",
            self.batch,
            self.tile_px or "any",
        )


@functools.cache
def keep_freed_memory() -> None:
    """Let glibc keep what layers free for the next one, instead of fetching it anew every time.

    It keeps as much as the largest block that was ever freed, up to 32 MB; without this, a sixth of
    the CPU time of a small net went into fetching. Elsewhere it does nothing.
    """
    np.empty(31 * 2**20, np.uint8)


def as_pictures(made: Tensor) -> list[np.ndarray]:
    """uint8 [H, W, 3] of each [3, H, W] 0..1, rounded; OpenCV takes a sixth of torch's time."""
    scale = 255.0
    if made.device.type != "cpu":  # a quarter of the bytes to fetch
        made, scale = made.clamp(0, 1).mul_(255).round_().to(torch.uint8), 1.0
    return [
        np.asarray(cv2.merge([cv2.addWeighted(c, scale, c, 0, 0, dtype=cv2.CV_8U) for c in planes]))
        for planes in made.cpu().numpy()
    ]
