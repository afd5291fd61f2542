"""What a long talking video will need, said before its first window is rendered."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import StorageError

_VIDEO_BYTES = 0.1
"""A kept frame on disk, per pixel: a talking head takes a quarter of it, grain all."""
_FRAME_COPIES = 3
"""Windows of frames in memory at once, float32: as decoded, as handed over, as padded portrait."""


@dataclass(frozen=True)
class Forecast:
    """Windows, memory, disk and, once a window has been timed, time."""

    windows: int
    missing: int
    """Windows that are not in the store."""
    frames: int
    fps: int
    width: int
    height: int
    length: int
    """Frames of a window."""
    state_bytes: int
    """What a window keeps for the next one."""

    @property
    def window_ram_bytes(self) -> int:
        """What the frames of one window take at the peak, whatever the video's length."""
        return self.length * self.width * self.height * 3 * 4 * _FRAME_COPIES

    @property
    def store_bytes(self) -> int:
        """Disk that the missing windows will take."""
        pictures = self.length * self.width * self.height * _VIDEO_BYTES
        return self.missing * (round(pictures) + self.state_bytes)

    @property
    def film_bytes(self) -> int:
        """Disk for the whole video: once to look at on the way, once at the end."""
        return round(2 * self.frames * self.width * self.height * _VIDEO_BYTES)

    def remaining_s(self, window_s: float, finished: int) -> float:
        """Seconds that the windows still missing will take, after `finished` of them."""
        return (self.missing - finished) * window_s

    def check_disk(self, folders: Mapping[Path, int]) -> None:
        """Raise StorageError if a disk has less free than the bytes its folders will take."""
        needs: dict[int, tuple[Path, int]] = {}
        for folder, size in folders.items():
            place = next(path for path in (folder, *folder.parents) if path.exists())
            disk = os.stat(place).st_dev
            needs[disk] = place, needs.get(disk, (place, 0))[1] + size
        for place, size in needs.values():
            free = shutil.disk_usage(place).free
            if size > free:
                raise StorageError(
                    f"{self.missing} windows of {self.width}x{self.height} need about "
                    f"{size / 1e9:.2f} GB of disk, and {place} has {free / 1e9:.2f} GB free. Free "
                    "some, choose a smaller width and height, or a shorter speech."
                )

    def text(self, ram_bytes: int) -> str:
        """One line for a person; `ram_bytes` is what the process takes without the frames."""
        there = self.windows - self.missing
        known = f", {there} of them already there" if there else ""
        return (
            f"{self.frames / self.fps:.1f} s: {self.windows} windows{known}; peak memory about "
            f"{(ram_bytes + self.window_ram_bytes) / 1e9:.1f} GB at any length; disk "
            f"{(self.store_bytes + self.film_bytes) / 1e9:.2f} GB"
        )


def clock(seconds: float) -> str:
    """A duration as people read it: 40 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
