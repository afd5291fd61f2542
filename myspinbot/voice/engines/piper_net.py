"""A Piper voice as a net: phoneme numbers in, sound and the length of each phoneme out.

Piper (OHF-Voice) is VITS (Kim et al. 2021) in an ONNX file. Two things are added to the graph in
memory: its noise becomes an input, so that a seed decides it, and the lengths an output.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from ...errors import EngineError, MissingModelError
from ...progress import Tick

_NOISE, _ZERO, _ONE = "myspinbot_noise", "myspinbot_zero", "myspinbot_one"
_NOISE_SIZE = 1 << 18
"""Repeated when more is needed: after some 16 s of sound, and then in other channels."""
_TICK_S = 0.1
_SILENT = 4
"""onnxruntime would write to the console that it was stopped."""


class PiperNet:
    """The graph of one voice on onnxruntime, on one thread of the CPU: ten times real time."""

    def __init__(self, path: Path) -> None:
        """`path`: an .onnx file, read when it is first needed."""
        self.path = path

    def __call__(
        self,
        numbers: Sequence[int],
        scales: tuple[float, float, float],
        speaker: int,
        noise: np.random.Generator,
        tick: Tick,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Samples [T], and frames per number [len(numbers)] of a voice that can tell them.

        `scales`: how much noise in the sound, length, how much noise in the lengths. What `tick`
        raises ends the work within some milliseconds. Raises MissingModelError, EngineError.
        """
        inputs = {
            "input": np.array([numbers], np.int64),
            "input_lengths": np.array([len(numbers)], np.int64),
            "scales": np.array(scales, np.float32),
            "sid": np.array([speaker], np.int64),
            _NOISE: noise.standard_normal(_NOISE_SIZE, np.float32),
        }
        options = onnxruntime.RunOptions()
        options.log_severity_level = _SILENT
        tick(0, 1)
        with ThreadPoolExecutor(1) as pool:  # so that `tick` is heard meanwhile
            running = pool.submit(self._run, inputs, options)
            try:
                while not wait([running], _TICK_S).done:
                    tick(0, 1)
            finally:
                options.terminate = True
        samples, *lengths = running.result()
        if not np.isfinite(samples).all():
            raise EngineError(f"The Piper voice {self.path.name} made NaN: use another voice.")
        return samples.reshape(-1), lengths[0].reshape(-1) if lengths else None

    def _run(self, inputs: dict[str, np.ndarray], options: Any) -> Sequence[np.ndarray]:
        session = self._session
        known = {value.name: inputs[value.name] for value in session.get_inputs()}
        try:
            return [np.asarray(value) for value in session.run(None, known, options)]
        except Exception as error:  # onnxruntime has no base of its own
            raise EngineError(f"The Piper voice {self.path.name} failed: {error}") from error

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _SILENT
        try:
            model = import_module("onnx").load(str(self.path))
            _expose_noise(model)
            _expose_lengths(model)
            graph = model.SerializeToString()
            session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
        except Exception as error:  # three libraries, whose errors share no other base
            raise MissingModelError(
                f"{self.path} is no Piper voice ({error}): fetch it again."
            ) from error
        return session


def _expose_lengths(model: Any) -> None:
    """Make the length of each phoneme, in frames, the second output; some voices have none."""
    try:
        import_module("piper.patch_voice_with_alignment").add_alignment_output(model)
    except ValueError:  # not to be found, or an output already
        return


def _expose_noise(model: Any) -> None:
    """Take random numbers from an input: `RandomNormalLike` would draw others every time."""
    helper, numpy_helper = import_module("onnx.helper"), import_module("onnx.numpy_helper")
    graph = model.graph
    nodes = []
    for node in graph.node:
        nodes += _noise_like(helper, node) if node.op_type == "RandomNormalLike" else [node]
    if len(nodes) == len(graph.node):
        return
    del graph.node[:]
    graph.node.extend(nodes)
    graph.input.append(helper.make_tensor_value_info(_NOISE, 1, [_NOISE_SIZE]))
    for name, value in ((_ZERO, 0), (_ONE, 1)):
        graph.initializer.append(numpy_helper.from_array(np.array([value]), name))


def _noise_like(helper: Any, node: Any) -> list[Any]:
    """As much of the noise as the node would draw, repeated if need be, in the same shape."""
    (like,), (drawn,) = node.input, node.output

    def step(operation: str, *inputs: str) -> Any:
        return helper.make_node(operation, inputs, [f"{drawn}_{operation}"])

    def result(operation: str) -> str:
        return f"{drawn}_{operation}"

    return [
        step("Shape", like),
        step("ReduceProd", result("Shape")),
        step("Size", _NOISE),
        step("Div", result("ReduceProd"), result("Size")),
        step("Add", result("Div"), _ONE),
        step("Tile", _NOISE, result("Add")),
        step("Slice", result("Tile"), _ZERO, result("ReduceProd")),
        helper.make_node("Reshape", [result("Slice"), result("Shape")], [drawn]),
    ]
