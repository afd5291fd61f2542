"""Read the constants and nodes of an ONNX file with numpy alone; used to convert weights once.

Knows the protobuf wire format and the few ONNX messages that matter; runs no graph.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import MissingModelError

# TensorProto.DataType of onnx.proto (Apache-2.0); half and integers may sit in int32_data.
_DTYPES = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    4: np.uint16,
    5: np.int16,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float64,
    12: np.uint32,
    13: np.uint64,
}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class Node:
    """One operator of the graph."""

    name: str
    op: str
    inputs: tuple[str, ...]
    """Names of values or initialisers; "" stands for an omitted optional input."""
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    """int, float, str, numpy array, or a list of them; subgraphs are left out."""


@dataclass(frozen=True)
class Graph:
    """The main graph of a model."""

    constants: dict[str, np.ndarray]
    """Initialisers and the outputs of Constant nodes, by name."""
    nodes: tuple[Node, ...]


def read_onnx(content: bytes | memoryview) -> Graph:
    """Parse the bytes of a ModelProto; arrays share memory with `content` and are read-only.

    Raises MissingModelError when the bytes are no ONNX model or keep weights in another file.
    """
    try:
        graphs = [value for number, value in _fields(memoryview(content)) if number == 7]
        if not graphs:
            raise MissingModelError("no graph in this ONNX file: it is truncated; fetch it again.")
        return _read_graph(graphs[0])
    except (LookupError, struct.error, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise MissingModelError(
            f"this is not a readable ONNX file ({error}): delete it and fetch it again."
        ) from error


def _read_graph(buffer: memoryview) -> Graph:
    constants: dict[str, np.ndarray] = {}
    nodes: list[Node] = []
    for number, value in _fields(buffer):
        if number == 1:
            nodes.append(_read_node(value))
        elif number == 5:
            name, array = _read_tensor(value)
            constants[name] = array
    for node in nodes:
        if node.op == "Constant" and isinstance(node.attributes.get("value"), np.ndarray):
            constants[node.outputs[0]] = node.attributes["value"]
    return Graph(constants, tuple(nodes))


def _read_node(buffer: memoryview) -> Node:
    texts: dict[int, list[str]] = {1: [], 2: [], 3: [], 4: []}
    attributes: dict[str, Any] = {}
    for number, value in _fields(buffer):
        if number in texts:
            texts[number].append(_text(value))
        elif number == 5:
            name, content = _read_attribute(value)
            attributes[name] = content
    name, op = "".join(texts[3]), "".join(texts[4])
    return Node(name, op, tuple(texts[1]), tuple(texts[2]), attributes)


def _read_attribute(buffer: memoryview) -> tuple[str, Any]:
    name = ""
    single: Any = None
    many: list[Any] = []
    for number, value in _fields(buffer):
        if number == 1:
            name = _text(value)
        elif number == 2:
            single = struct.unpack("<f", value)[0]
        elif number == 3:
            single = _signed(value)
        elif number == 4:
            single = bytes(value).decode("utf-8", "replace")
        elif number == 5:
            single = _read_tensor(value)[1]
        elif number == 7:
            many += _floats(value)
        elif number == 8:
            many += _integers(value)
        elif number == 9:
            many.append(bytes(value).decode("utf-8", "replace"))
    return name, many if single is None else single


def _read_tensor(buffer: memoryview) -> tuple[str, np.ndarray]:
    name, kind = "", 0
    shape: list[int] = []
    raw: memoryview | None = None
    numbers: list[float] = []
    for number, value in _fields(buffer):
        if number == 1:
            shape += _integers(value)
        elif number == 2:
            kind = value
        elif number == 4:
            numbers += _floats(value)
        elif number in (5, 7, 11):
            numbers += _integers(value)
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = value
        elif number == 10:
            numbers += np.frombuffer(value, "<f8").tolist()
        elif number == 13:
            raise MissingModelError(f"tensor {name!r} lies in an external file: merge it first.")
    dtype = np.dtype(_DTYPES[kind]).newbyteorder("<")
    if raw is not None:
        return name, np.frombuffer(raw, dtype).reshape(shape)
    if dtype == np.float16:  # halves travel as their bit pattern
        return name, np.array(numbers, np.uint16).view(np.float16).reshape(shape)
    return name, np.array(numbers, dtype).reshape(shape)


def _fields(buffer: memoryview) -> Iterator[tuple[int, Any]]:
    """Yield (field number, value): an int for varints, a memoryview for everything else."""
    position = 0
    while position < len(buffer):
        key, position = _varint(buffer, position)
        wire = key & 7
        if wire == _VARINT:
            value, position = _varint(buffer, position)
            yield key >> 3, value
            continue
        if wire == _BYTES:
            size, position = _varint(buffer, position)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire}")
        if position + size > len(buffer):
            raise ValueError("cut off")
        yield key >> 3, buffer[position : position + size]
        position += size


def _varint(buffer: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = buffer[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _integers(value: int | memoryview) -> list[int]:
    """A repeated integer field: one value, or many packed together."""
    if isinstance(value, int):
        return [_signed(value)]
    numbers, position = [], 0
    while position < len(value):
        number, position = _varint(value, position)
        numbers.append(_signed(number))
    return numbers


def _floats(value: memoryview) -> list[float]:
    return np.frombuffer(value, "<f4").tolist()


def _text(value: memoryview) -> str:
    return bytes(value).decode("utf-8")
