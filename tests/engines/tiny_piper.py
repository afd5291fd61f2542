"""Piper voices of a few kB, with the inputs, outputs and noise that real ones have.

Each phoneme is a tone of its own, as long as its number and the noise say.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import onnx  # pyright: ignore[reportMissingImports]
from onnx import (  # pyright: ignore[reportMissingImports]
    TensorProto,
    helper,
    numpy_helper,
)

RATE, HOP = 22_050, 256
SYMBOLS = "_^$ !'(),-.:;?abcdefhijklmnopqrstuvwxyzæçðøŋœɐɑɒɔəɚɛɜɡɪɹɾʁʃʊʌʒʲˈˌːθᵻ\u0303\u0327"


def write(folder: Path, voices: dict[str, str] | None = None, base_hz: float = 100.0) -> None:
    """Put voices into `folder` (models/myspinbot): name -> eSpeak's name of its language."""
    (folder / "piper").mkdir(parents=True, exist_ok=True)
    for name, language in (voices or {"joe": "en-us"}).items():
        write_voice(folder / "piper" / f"{name}.onnx", language, base_hz)


def write_voice(
    path: Path, language: str, base_hz: float = 100.0, timed: bool = True, **facts: object
) -> None:
    """One voice; `facts` go into its description. Without `timed` it tells no lengths."""
    onnx.save(_graph(base_hz, "Ceil" if timed else "Round"), str(path))
    description = {
        "audio": {"sample_rate": RATE},
        "espeak": {"voice": language},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": {symbol: [number] for number, symbol in enumerate(SYMBOLS)},
        "num_symbols": 256,
        "num_speakers": 1,
        "speaker_id_map": {},
        "language": {"code": language},
    }
    Path(f"{path}.json").write_text(json.dumps(description | facts), "utf-8")


_STEPS = """
Gather scales 0 > sound_noise
Gather scales 1 > length
Gather scales 2 > length_noise
Gather hz input > row
Unsqueeze row [1] > rows
RandomNormalLike rows > drawn
Mul drawn length_noise > spread
Add spread four > long
Abs long > longer
Mul longer length > exact
ROUNDED exact > frames

Cast:int frames > counts
ReduceSum counts > total
Range 0 total 1 > places
CumSum counts 2 > ends
Unsqueeze places [1] > column
Squeeze ends [0,1] > edges
GreaterOrEqual column edges > after
Cast:int after > ones
ReduceSum ones [1] > which
Squeeze input [0] > numbers
Gather numbers which > symbols

Mul total hop > size
Range 0 size 1 > samples
Div samples hop > place
Gather symbols place > symbol
Gather hz symbol > pitch
Gather loud symbol > level

Cast:float samples > clock
Mul clock turn > phase
Mul phase pitch > angle
Sin angle > wave
Mul wave level > tone
RandomNormalLike tone > random
Mul random sound_noise > noise
Mul noise hiss > hissing
Mul hissing level > air
Add tone air > sound
Unsqueeze sound [0,1,2] > output
"""
"""How long each phoneme is, which one each frame is of, and its tone with some noise: an operation,
its inputs and its output a line."""


def _graph(base_hz: float, rounding: str) -> onnx.ModelProto:
    silent = [unicodedata.category(symbol)[0] in "PZ" for symbol in SYMBOLS]
    hz = [0.0 if quiet else base_hz + number for number, quiet in enumerate(silent)]
    constants = {
        "hz": np.array(hz, np.float32),
        "loud": np.where(silent, 0, 0.3).astype(np.float32),
        "four": np.array(4, np.float32),
        "hop": np.array(HOP),
        "turn": np.array(2 * np.pi / RATE, np.float32),
        "hiss": np.array(0.01, np.float32),
        **{str(value): np.array(value) for value in range(3)},
        **{
            f"[{axes}]": np.array([*map(int, axes.split(","))])
            for axes in ("0", "1", "0,1", "0,1,2")
        },
    }
    steps = _STEPS.replace("ROUNDED", rounding).split("\n")
    nodes = [_node(step) for step in steps if step]
    inputs = [("input", TensorProto.INT64, ["batch_size", "phonemes"])]
    inputs += [("input_lengths", TensorProto.INT64, ["batch_size"])]
    inputs += [("scales", TensorProto.FLOAT, [3])]
    graph = helper.make_graph(
        nodes,
        "piper",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    model.ir_version = 8
    return model


def _node(step: str) -> onnx.NodeProto:
    (operation, *inputs), output = (part.split() for part in step.split(" > "))
    operation, _, kind = operation.partition(":")
    options = {"to": TensorProto.INT64 if kind == "int" else TensorProto.FLOAT} if kind else {}
    if operation == "ReduceSum":
        options = {"keepdims": 0}
    return helper.make_node(operation, inputs, output, **options)
