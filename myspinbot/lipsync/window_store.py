"""Finished windows of a talking video on disk, under a hash of all that they depend on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..errors import StorageError
from ..files import not_written, replacing


def content_hash(*parts: Any) -> str:
    """Hex digest of arrays and of anything JSON can write, in order."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(json.dumps(part, sort_keys=True).encode())
        digest.update(b"\0")
    return digest.hexdigest()


@dataclass(frozen=True)
class WindowStore:
    """Two files a window: the pictures as MP4, and what the next window starts from.

    The second is written last and by renaming, so a window whose second file exists is whole.
    """

    folder: Path
    cap_bytes: int

    def video(self, key: str) -> Path:
        """The new frames of a window, H.264."""
        return self.folder / f"{key}.mp4"

    def _state(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def check(self) -> None:
        """Raise StorageError where nothing can be written, before hours are spent on it."""
        try:
            with replacing(self.folder / "writable") as probe:
                probe.touch()
            (self.folder / "writable").unlink()
        except OSError as error:
            raise StorageError(
                f"Finished windows cannot be kept in {self.folder}: {error}. Make it a folder that "
                "ComfyUI may write to."
            ) from error

    def use(self, key: str) -> bool:
        """Whether a window is there; it then counts as just used, and the oldest go first."""
        try:
            for path in (self._state(key), self.video(key)):
                if not path.stat().st_size:  # what a power cut leaves
                    return False
                os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def finish(self, key: str, state: Mapping[str, torch.Tensor]) -> None:
        """Declare a window whole, whose video is written, with what the next one starts from."""
        try:
            with replacing(self._state(key)) as partial:
                save_file({name: value.contiguous() for name, value in state.items()}, partial)
        except (OSError, SafetensorError) as error:
            raise not_written(self._state(key), error) from error

    def state(self, key: str) -> dict[str, torch.Tensor]:
        """What the window left for the next one. Raises StorageError if that cannot be read."""
        try:
            with safe_open(self._state(key), "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            self._state(key).unlink(missing_ok=True)
            raise StorageError(
                f"A finished window in {self.folder} is gone or damaged ({error}). Run again: it "
                "will be made anew, and what is whole will not."
            ) from error

    def shrink(self, spare: Collection[str]) -> None:
        """Delete the oldest windows beyond `cap_bytes`, but none whose key is in `spare`."""
        sizes: dict[Path, os.stat_result] = {}
        for path in self.folder.glob("*.*"):
            with suppress(FileNotFoundError):  # another ComfyUI tidies up, too
                sizes[path] = path.stat()
        excess = sum(found.st_size for found in sizes.values()) - self.cap_bytes
        for path in sorted(sizes, key=lambda each: sizes[each].st_mtime):
            if excess <= 0:
                return
            # a dotted name is a window in the making, or one whose maker was killed
            if path.name.lstrip(".").split(".")[-2] not in spare:
                path.unlink(missing_ok=True)
                excess -= sizes[path].st_size
