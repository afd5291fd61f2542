"""Files that are never half written, and hashes of those that others wrote."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import StorageError


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it on success, remove it on any failure."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{uuid.uuid4().hex[:8]}.{target.name}")
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def not_written(path: str | os.PathLike, error: Exception) -> StorageError:
    """What to raise when a disk refuses a result, mostly because it is full."""
    path = Path(path)
    return StorageError(
        f"{path.name} could not be written: {error}. Free space in {path.parent}, or let ComfyUI "
        "write there, then run again: what is finished is not made again."
    )


def sha256(path: str | os.PathLike) -> str:
    """Hex digest of a file's content."""
    digest = hashlib.sha256()  # hashlib.file_digest is newer than Python 3.10
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def concatenate(sources: Sequence[Path], target: Path) -> None:
    """Write `sources` one after the other to `target`."""
    with open(target, "wb") as joined:
        for source in sources:
            with open(source, "rb") as part:
                shutil.copyfileobj(part, joined, 1 << 20)
