"""Reads the graph and the constants of a .tflite file; knows no torch and runs nothing.

Only what the two face models use is understood. Formats: FlatBuffers (tables with a field
directory), FlexBuffers (the options of custom operators), and the public TFLite schema.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInputError

OPERATORS = {
    0: "add",
    2: "concatenation",
    3: "conv",
    4: "depthwise",
    6: "dequantize",
    17: "max_pool",
    18: "mul",
    19: "relu",
    22: "reshape",
    34: "pad",
    45: "strided_slice",
    54: "prelu",
}
"""The builtin operators of the two models, by their number in the schema."""
CUSTOM = 32
DTYPES = {0: np.dtype("<f4"), 1: np.dtype("<f2"), 2: np.dtype("<i4")}
_OPTIONS = {
    # name: (slot of the options table, struct format) in the order of the schema
    "conv": {"padding": (0, "b"), "stride": (1, "i")},
    "depthwise": {"padding": (0, "b"), "stride": (1, "i")},
    "max_pool": {"padding": (0, "b"), "stride": (1, "i"), "kernel": (3, "i")},
    "concatenation": {"axis": (0, "i")},
}


@dataclass
class Operator:
    """One step: `name` applied to tensors `inputs` makes tensors `outputs`."""

    name: str
    inputs: list[int]
    outputs: list[int]
    options: dict[str, Any]


@dataclass
class Graph:
    """A model as the file holds it, channels last."""

    inputs: list[int]
    outputs: list[int]
    operators: list[Operator]
    shapes: list[tuple[int, ...]]
    """Shape of each tensor."""
    constants: dict[int, np.ndarray] = field(default_factory=dict)
    """Values of the tensors that are stored in the file."""


def read_graph(path: Path) -> Graph:
    """Read the first subgraph of `path`; raises BadInputError when it is not such a file."""
    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise BadInputError(f"{path} is not a TFLite model: download the file again.")
    try:
        return _read_model(data)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise BadInputError(
            f"{path} is damaged or not one of the two face models ({error}): download it again."
        ) from error


def _read_model(data: bytes) -> Graph:
    model = _Table(data, _follow(data, 0))
    codes = [_operator_name(code) for code in model.tables(1)]
    buffers = model.tables(4)
    subgraph = model.tables(2)[0]
    graph = Graph(subgraph.ints(1), subgraph.ints(2), [], [])
    for index, tensor in enumerate(subgraph.tables(0)):
        shape = tuple(tensor.ints(0))
        graph.shapes.append(shape)
        raw = buffers[tensor.scalar(2, "I")].bytes(0)
        if raw:
            dtype = DTYPES[tensor.scalar(1, "b")]
            graph.constants[index] = np.frombuffer(raw, dtype).reshape(shape)
    for row in subgraph.tables(3):
        name = codes[row.scalar(0, "I")]
        graph.operators.append(Operator(name, row.ints(1), row.ints(2), _options(name, row)))
    return graph


def _operator_name(code: _Table) -> str:
    number = max(code.scalar(0, "b"), code.scalar(3, "i"))
    return code.bytes(1).decode() if number == CUSTOM else OPERATORS[number]


def _options(name: str, row: _Table) -> dict[str, Any]:
    if name in _OPTIONS:
        table = row.table(4)
        return {key: table.scalar(*where) for key, where in _OPTIONS[name].items()}
    raw = row.bytes(5)
    return _flex_map(raw) if raw else {}


def _follow(data: bytes, at: int) -> int:
    """Position that the 32-bit offset at `at` points to."""
    return at + struct.unpack_from("<I", data, at)[0]


class _Table:
    """A FlatBuffers table: fields by slot number; an absent field reads as zero or empty."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._directory = at - struct.unpack_from("<i", data, at)[0]
        self._directory_bytes = struct.unpack_from("<H", data, self._directory)[0]

    def _field(self, slot: int) -> int | None:
        entry = 4 + 2 * slot
        if entry >= self._directory_bytes:
            return None
        offset = struct.unpack_from("<H", self._data, self._directory + entry)[0]
        return self._at + offset if offset else None

    def scalar(self, slot: int, kind: str) -> int:
        at = self._field(slot)
        return 0 if at is None else struct.unpack_from("<" + kind, self._data, at)[0]

    def table(self, slot: int) -> _Table:
        at = self._field(slot)
        if at is None:
            raise ValueError(f"table {slot} is absent")
        return _Table(self._data, _follow(self._data, at))

    def tables(self, slot: int) -> list[_Table]:
        start, count = self._vector(slot)
        return [
            _Table(self._data, _follow(self._data, start + 4 * index)) for index in range(count)
        ]

    def ints(self, slot: int) -> list[int]:
        start, count = self._vector(slot)
        return list(struct.unpack_from(f"<{count}i", self._data, start))

    def bytes(self, slot: int) -> bytes:
        start, count = self._vector(slot)
        return self._data[start : start + count]

    def _vector(self, slot: int) -> tuple[int, int]:
        at = self._field(slot)
        if at is None:
            return 0, 0
        at = _follow(self._data, at)
        return at + 4, struct.unpack_from("<I", self._data, at)[0]


def _flex_map(data: bytes) -> dict[str, Any]:
    """Decode a FlexBuffers map of numbers and vectors of whole numbers."""
    kind, root_width = data[-2], data[-1]
    if kind >> 2 != 9:
        raise ValueError(f"custom options of type {kind >> 2}")
    width = 1 << (kind & 3)
    values = _flex_follow(data, len(data) - 2 - root_width, root_width)
    # Before a map's values: offset of the key vector, width of its entries, count.
    keys = _flex_follow(data, values - 3 * width, width)
    key_width = _flex_int(data, values - 2 * width, width)
    count = _flex_int(data, values - width, width)
    result = {}
    for index in range(count):
        key_at = _flex_follow(data, keys + index * key_width, key_width)
        key = data[key_at : data.index(b"\0", key_at)].decode()
        value_kind = data[values + count * width + index]
        result[key] = _flex_value(data, values + index * width, width, value_kind)
    return result


def _flex_value(data: bytes, at: int, width: int, kind: int) -> Any:
    base, child_width = kind >> 2, 1 << (kind & 3)
    if base in (1, 2):
        return _flex_int(data, at, width, signed=base == 1)
    if base == 3:
        return struct.unpack_from({2: "<e", 4: "<f", 8: "<d"}[width], data, at)[0]
    if base in (11, 12):
        start = _flex_follow(data, at, width)
        count = _flex_int(data, start - child_width, child_width)
        return [
            _flex_int(data, start + index * child_width, child_width, signed=base == 11)
            for index in range(count)
        ]
    raise ValueError(f"custom option of type {base}")


def _flex_int(data: bytes, at: int, width: int, *, signed: bool = False) -> int:
    return int.from_bytes(data[at : at + width], "little", signed=signed)


def _flex_follow(data: bytes, at: int, width: int) -> int:
    """Position that the backward offset at `at` points to."""
    return at - _flex_int(data, at, width)
