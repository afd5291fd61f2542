"""Turns the two published .tflite face models into safetensors files that `GraphNet` runs.

Knows the file formats on both sides; runs nothing and needs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from ..errors import BadInputError
from .tflite import Graph, Operator, read_graph

DETECTOR_FILE = "face-detector.safetensors"
MESH_FILE = "face-mesh.safetensors"
METADATA_KEY = "graph"
"""The one metadata entry: JSON with `input` (tensor number), `outputs` (numbers) and `steps`."""


def convert_detector(sources: Sequence[Path], target: Path) -> None:
    """Write `target` from [face_detection_short_range.tflite] (MediaPipe, Apache-2.0).

    Raises BadInputError when the source is not that model.
    """
    _convert(sources, target, outputs=2)


def convert_mesh(sources: Sequence[Path], target: Path) -> None:
    """Write `target` from [face_landmark_with_attention.tflite] (MediaPipe, Apache-2.0).

    Raises BadInputError when the source is not that model.
    """
    _convert(sources, target, outputs=7)


def _convert(sources: Sequence[Path], target: Path, outputs: int) -> None:
    (source,) = sources
    graph = read_graph(source)
    if len(graph.outputs) != outputs:
        raise BadInputError(f"{source} is another model: {len(graph.outputs)} outputs.")
    program = _Program(graph)
    for operator in graph.operators:
        program.add(operator)
    text = json.dumps(program.description(), separators=(",", ":"), sort_keys=True)
    # One metadata entry only: safetensors does not keep the order of several.
    # Bytes, not save_file, whose files only their owner may read.
    target.write_bytes(save(program.weights, metadata={METADATA_KEY: text}))


@dataclass
class _Program:
    """The steps so far. Tensors are channels first here, and every step makes one tensor."""

    graph: Graph
    steps: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    alias: dict[int, int] = field(default_factory=dict)
    """Tensors that are another one under a new number."""

    def add(self, operator: Operator) -> None:
        """Append what `operator` becomes: a step, or only an alias."""
        if operator.name in ("dequantize", "pad", "strided_slice"):
            # Constants are stored as float16. `pad` only adds empty channels, which GraphNet's
            # "add" does without. The one slice takes everything.
            self.alias[operator.outputs[0]] = self.source(operator.inputs[0])
            return
        step = {"op": operator.name, "out": operator.outputs[0], **self._details(operator)}
        step["in"] = [
            source
            for source in map(self.source, operator.inputs)
            if source not in self.graph.constants
        ]
        self.steps.append(step)

    def description(self) -> dict[str, Any]:
        """What the metadata entry holds."""
        return {
            "input": self.graph.inputs[0],
            "outputs": [self.source(number) for number in self.graph.outputs],
            "steps": self.steps,
        }

    def source(self, number: int) -> int:
        """The tensor that `number` is an alias of."""
        return self.alias.get(number, number)

    def _details(self, operator: Operator) -> dict[str, Any]:
        name, options = operator.name, operator.options
        if name in ("conv", "depthwise"):
            return self._convolution(operator)
        if name == "max_pool":
            return {"size": options["kernel"]}
        if name in ("prelu", "mul"):
            value = self._constant(operator.inputs[1])
            value = value.reshape(-1) if name == "prelu" else _affine_part(value)
            return {"weight": self._store(value)}
        if name == "reshape":
            return {"shape": list(self.graph.shapes[operator.outputs[0]][1:])}
        if name == "concatenation":
            return {"axis": options["axis"]}
        return options

    def _convolution(self, operator: Operator) -> dict[str, Any]:
        weight = self._constant(operator.inputs[1])
        groups = 1
        if operator.name == "depthwise":  # [1, H, W, C] -> [C, 1, H, W]
            weight, groups = weight.transpose(3, 0, 1, 2), weight.shape[3]
        else:  # [O, H, W, I] -> [O, I, H, W]
            weight = weight.transpose(0, 3, 1, 2)
        stride = operator.options["stride"]
        size = self.graph.shapes[self.source(operator.inputs[0])][1]
        return {
            "op": "conv",
            "weight": self._store(weight),
            "bias": self._store(self._constant(operator.inputs[2])),
            "stride": stride,
            "groups": groups,
            "pad": _same_padding(size, weight.shape[2], stride, operator.options["padding"]),
        }

    def _constant(self, number: int) -> np.ndarray:
        return self.graph.constants[self.source(number)]

    def _store(self, value: np.ndarray) -> str:
        name = f"w{len(self.weights):03d}"
        self.weights[name] = np.ascontiguousarray(value, dtype=np.float16)
        return name


def _same_padding(size: int, kernel: int, stride: int, padding: int) -> list[int]:
    """(before, after) on both axes; TensorFlow's "same" (0) puts the odd one behind."""
    if padding != 0:
        return [0, 0]
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return [total // 2, total - total // 2]


def _affine_part(value: np.ndarray) -> np.ndarray:
    """[1, 4, 4] -> the [2, 3] that acts on x, y, 1; other shapes stay."""
    return value[0, :2][:, [0, 1, 3]] if value.shape == (1, 4, 4) else value
