"""Spoken sentences kept on disk, so that a changed text only costs its changed sentences.

Knows neither text nor voice: whoever asks makes the key.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..files import replacing
from ..speech import Phoneme, Sentence, Word
from .engines import Chunk

_FORMAT = "myspinbot-segment"
_SUFFIX = ".segment.safetensors"
_log = logging.getLogger("myspinbot.voice")


class SegmentCache:
    """Chunks by key in one folder of at most `limit_bytes`; the longest unused ones go first."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder, self._limit_bytes = folder, limit_bytes

    def get(self, key: str) -> Chunk | None:
        """The chunk that was put under `key`, a hex digest; None for an unknown or damaged one."""
        path = self._path(key)
        try:
            with safe_open(path, "np") as file:
                facts = json.loads(file.metadata()[_FORMAT])
                chunk = Chunk(file.get_tensor("samples"), facts["rate"], _sentence(facts["said"]))
            os.utime(path)
        except OSError:  # absent, or not ours to read
            return None
        except (SafetensorError, KeyError, TypeError, ValueError):
            _log.warning("%s was damaged and is spoken again.", path)
            return None  # and overwritten
        return chunk

    def put(self, key: str, chunk: Chunk) -> None:
        """Keep `chunk`; a full disk or a read-only folder is logged and costs only the memory."""
        facts = {"rate": chunk.rate, "said": dataclasses.asdict(chunk.sentence)}
        samples = np.ascontiguousarray(chunk.samples, np.float32)
        if samples.nbytes > self._limit_bytes:
            return
        try:
            with replacing(self._path(key)) as partial:
                save_file({"samples": samples}, partial, {_FORMAT: json.dumps(facts)})
            self._shrink()
        except (OSError, SafetensorError) as error:
            _log.warning("A spoken sentence could not be kept in %s: %s", self._folder, error)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"

    def _shrink(self) -> None:
        files = [(p.stat(), p) for p in self._folder.glob(f"*{_SUFFIX}")]
        excess = sum(stat.st_size for stat, _ in files) - self._limit_bytes
        for stat, path in sorted(files, key=lambda item: item[0].st_mtime_ns):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= stat.st_size


def _sentence(facts: Mapping[str, Any]) -> Sentence:
    words = tuple(
        Word(**{**word, "phonemes": tuple(Phoneme(**p) for p in word["phonemes"])})
        for word in facts["words"]
    )
    return Sentence(**{**facts, "words": words})
