"""Opens a GGUF file: metadata as plain values, tensors as float32. Knows no architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from ..errors import MissingModelError


@dataclass(frozen=True)
class GgufFile:
    """One opened file. Tensors stay on disk (memory map) until `array` asks for one."""

    path: Path
    metadata: Mapping[str, Any]
    """Keys as in the file, e.g. ``"llama.block_count"``; strings, numbers, or lists of them."""
    tensors: Mapping[str, gguf.ReaderTensor]

    def value(self, key: str) -> Any:
        """The metadata under `key`; raises MissingModelError when the file has none."""
        if key not in self.metadata:
            raise damaged(self.path, f"it has no {key}")
        return self.metadata[key]

    def array(self, name: str) -> np.ndarray:
        """Tensor `name` as float32, rows first (torch order); raises MissingModelError."""
        if name not in self.tensors:
            raise damaged(self.path, f"it has no tensor {name}")
        tensor = self.tensors[name]
        try:
            values = gguf.dequantize(tensor.data, tensor.tensor_type)
        except (NotImplementedError, ValueError) as error:
            raise damaged(self.path, f"{name} cannot be decoded ({error})") from error
        # dequantize hands F32 through as a read-only view of the map: a copy outlives the file.
        return np.array(values, dtype=np.float32)


def damaged(path: Path, reason: str) -> MissingModelError:
    """The error for a weights file that cannot be used."""
    return MissingModelError(
        f"The language model {path} cannot be used: {reason}. Delete it and run: python install.py"
    )


def open_gguf(path: Path) -> GgufFile:
    """Open `path` (format: github.com/ggml-org/ggml, docs/gguf.md; reader: PyPI `gguf`, MIT).

    Raises MissingModelError when the file is absent, truncated or no GGUF.
    """
    if not path.is_file():
        raise damaged(path, "it is not there")
    try:
        reader = gguf.GGUFReader(path)
        metadata = {name: _plain(field) for name, field in reader.fields.items()}
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        # What the reader and numpy raise on a header or a tensor that ends too early.
        raise damaged(path, f"it is truncated or no GGUF ({error})") from error
    return GgufFile(path, metadata, {tensor.name: tensor for tensor in reader.tensors})


def _plain(field: gguf.ReaderField) -> Any:
    # ReaderField.contents() does this too, but only since gguf 0.17.
    strings = field.types[-1] == gguf.GGUFValueType.STRING
    values = [_text(field.parts[i]) if strings else field.parts[i].tolist()[0] for i in field.data]
    return values if field.types[0] == gguf.GGUFValueType.ARRAY else values[0]


def _text(part: np.ndarray) -> str:
    return bytes(part).decode("utf-8")
