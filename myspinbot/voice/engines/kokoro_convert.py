"""Turn published Kokoro files into the pack's safetensors; runs once, at installation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from ...errors import MissingModelError
from ...onnx_weights import Graph, Node, read_onnx
from .kokoro_net import KokoroNet, fold

_METADATA = {"model": "hexgrad/Kokoro-82M v1.0, Apache-2.0"}  # one entry: their order is not stable
_SNAKES = 48
"""Learned snake frequencies, folded away when the net is loaded."""
_RENAMES = (
    (r"^bert\.embeddings\.word_embeddings", "albert.symbols"),
    (r"^bert\.embeddings\.position_embeddings", "albert.positions"),
    (r"^bert\.embeddings\.LayerNorm", "albert.norm"),
    (r"^bert\.encoder\.embedding_hidden_mapping_in", "albert.widen"),
    (r"^bert\.encoder\.albert_layer_groups\.0\.albert_layers\.0\.", "albert.layer."),
    (r"\.attention\.dense", ".attended"),
    (r"\.attention\.LayerNorm", ".attention_norm"),
    (r"\.full_layer_layer_norm", ".norm"),
    (r"\.ffn_output", ".narrow"),
    (r"\.ffn", ".widen"),
    (r"^bert_encoder", "albert.out"),
    (r"^predictor\.text_encoder\.lstms\.([024])\.", lambda m: f"rhythm.lstms.{int(m[1]) // 2}."),
    (r"^predictor\.text_encoder\.lstms\.([135])\.", lambda m: f"rhythm.norms.{int(m[1]) // 2}."),
    (r"^predictor\.lstm", "rhythm.lstm"),
    (r"^predictor\.duration_proj\.linear_layer", "rhythm.out"),
    (r"^predictor\.shared", "melody.lstm"),
    (r"^predictor\.F0", "melody.f0"),
    (r"^predictor\.N(?=[._])", "melody.energy"),
    (r"_proj\.", "_out."),
    (r"^text_encoder\.embedding", "text.symbols"),
    (r"^text_encoder\.cnn\.(\d)\.0\.", r"text.convs.\1."),
    (r"^text_encoder\.cnn\.(\d)\.1\.gamma", r"text.norms.\1.weight"),
    (r"^text_encoder\.cnn\.(\d)\.1\.beta", r"text.norms.\1.bias"),
    (r"^text_encoder\.lstm", "text.lstm"),
    (r"\.F0_conv", ".f0_down"),
    (r"\.N_conv", ".energy_down"),
    (r"\.asr_res\.0", ".text_down"),
    (r"\.decode\.", ".blocks."),
    (r"\.conv1x1", ".shortcut"),
    (r"\.pool", ".upsample"),
    (r"\.m_source\.l_linear", ".source.mix"),
    (r"\.noise_convs", ".source_convs"),
    (r"\.noise_res", ".source_blocks"),
    (r"\.resblocks\.(\d)", lambda m: f".blocks.{int(m[1]) // 3}.{int(m[1]) % 3}"),
    (r"\.adain([12])", r".norms\1"),
    (r"\.alpha([12])", r".snakes\1"),
    (r"\.conv_post", ".out"),
)


def convert_net(sources: Sequence[Path], target: Path) -> None:
    """Dequantise the int8 ONNX export of Kokoro v1.0 to float16 safetensors (162 MB, 3 CPU-s).

    `sources`: the pieces of the file, in order. Raises MissingModelError if it is not that model.
    """
    graph = read_onnx(b"".join(path.read_bytes() for path in sources))
    weights = {_rename(name): value for name, value in _dequantise(graph).items()}
    _merge_albert(weights)
    state = {
        name: torch.from_numpy(np.array(value, np.float16)).contiguous()
        for name, value in sorted(weights.items())
    }
    _check(state)
    save_file(state, target, metadata=_METADATA)


def convert_voices(sources: Sequence[Path], target: Path) -> None:
    """Collect stock voices as float16 [510, 256] each: row n is meant for n + 1 symbols.

    `sources`: one float32 `<voice>.bin` each, or one .npz of several. Raises MissingModelError.
    """
    voices: dict[str, torch.Tensor] = {}
    for path in sources:
        if path.suffix == ".npz":
            with np.load(path) as archive:
                tables = {name: archive[name] for name in archive.files}
        else:
            tables = {path.stem: np.fromfile(path, "<f4")}
        for name, table in tables.items():
            if table.size != 510 * 256:
                raise MissingModelError(f"{path} is not a Kokoro voice: fetch it again.")
            voices[name] = torch.from_numpy(table.reshape(510, 256).astype(np.float16))
    save_file(dict(sorted(voices.items())), target, metadata=_METADATA)


def _check(state: Mapping[str, torch.Tensor]) -> None:
    with torch.device("meta"):
        expected = {name: tensor.shape for name, tensor in KokoroNet().state_dict().items()}
    found = {name: tensor.shape for name, tensor in fold(state).items()}
    snakes = sum(".snakes" in name for name in state)
    if found != expected or snakes != _SNAKES:
        differing = sorted(set(found.items()) ^ set(expected.items()))
        raise MissingModelError(f"this is not Kokoro v1.0; differing weights: {differing[:8]}")


def _dequantise(graph: Graph) -> dict[str, np.ndarray]:
    """All parameters as float32 under the names that the original modules gave them."""
    found: dict[str, np.ndarray] = {}
    for name, value in graph.constants.items():
        if re.search(r"^(en|de)coder\..*\.(bias|weight|gamma|beta|alpha[12]\.\d)$", name):
            found[name.split(".", 1)[1]] = value.squeeze() if ".alpha" in name else value
    used: set[str] = set()
    for node in graph.nodes:
        weight = next((i for i in node.inputs[1:2] if i in graph.constants), "")
        if weight in used and node.op != "DequantizeLinear":
            continue  # ALBERT runs the same layer twelve times
        used.add(weight)
        module = _module(node.name)
        if node.op in ("ConvInteger", "MatMulInteger") and weight:
            value = _scaled(graph, weight, node.inputs[3])
            found[f"{module}.weight"] = value.T if node.op == "MatMulInteger" else value
        elif node.op in ("Conv", "ConvTranspose") and not module.endswith("stft"):
            found[f"{module}.weight"] = graph.constants[weight]
        elif node.op == "MatMul" and weight:
            found[f"{module}.weight"] = graph.constants[weight].T
        elif node.op == "DynamicQuantizeLSTM":
            found.update(_lstm(graph, node, module))
        elif node.op == "DequantizeLinear":
            table = node.inputs[1].removesuffix("_scale")
            value = _scaled(graph, table + "_quantized", node.inputs[2])
            found[table.split(".", 1)[1]] = value
    return found


def _scaled(graph: Graph, weight: str, zero_point: str) -> np.ndarray:
    """(quantised - zero point) * scale; ONNX Runtime names the three after the same weight."""
    scale = graph.constants[weight.removesuffix("_quantized") + "_scale"]
    centred = graph.constants[weight].astype(np.float32) - graph.constants[zero_point]
    return centred * scale


def _lstm(graph: Graph, node: Node, module: str) -> dict[str, np.ndarray]:
    """From ONNX [direction, size_in, gates i o f c] to torch [gates i f g o, size_in] for each."""
    _, weight, recurrent, bias = node.inputs[:4]
    constants = graph.constants
    matrices = {
        "weight_ih_l0": (constants[weight], constants[node.inputs[9]], constants[node.inputs[8]]),
        "weight_hh_l0": (
            constants[recurrent],
            constants[node.inputs[11]],
            constants[node.inputs[10]],
        ),
    }
    found: dict[str, np.ndarray] = {}
    for direction, suffix in enumerate(("", "_reverse")):
        for name, (quantised, zero_point, scale) in matrices.items():
            centred = quantised[direction].astype(np.float32) - zero_point[direction]
            found[f"{module}.{name}{suffix}"] = _gates(centred.T * scale[direction])
        biases = constants[bias][direction].reshape(2, -1)
        found[f"{module}.bias_ih_l0{suffix}"] = _gates(biases[0])
        found[f"{module}.bias_hh_l0{suffix}"] = _gates(biases[1])
    return found


def _gates(rows: np.ndarray) -> np.ndarray:
    """Reorder the four blocks of rows from i o f c to i f g o."""
    i, o, f, c = np.split(rows, 4)
    return np.concatenate([i, f, c, o])


def _module(node_name: str) -> str:
    """'/encoder/text_encoder/cnn.0/cnn.0.0/Conv_quant' -> 'text_encoder.cnn.0.0'."""
    parts = node_name.strip("/").split("/")[1:-1]
    kept = [
        part
        for part, following in zip(parts, [*parts[1:], ""], strict=False)
        if not following.startswith(part + ".")
    ]
    if kept and re.match(r"(F0|N)[._]|shared", kept[0]):
        kept.insert(0, "predictor")  # these layers ran outside their parent's forward
    return ".".join(kept)


def _rename(name: str) -> str:
    for pattern, replacement in _RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _merge_albert(weights: dict[str, np.ndarray]) -> None:
    """Join query, key and value, and add the only token type there is to the positions."""
    for kind in "weight", "bias":
        parts = [
            weights.pop(f"albert.layer.attention.{part}.{kind}")
            for part in ("query", "key", "value")
        ]
        weights[f"albert.layer.qkv.{kind}"] = np.concatenate(parts)
    types = weights.pop("bert.embeddings.token_type_embeddings.weight")
    weights["albert.positions.weight"] = weights["albert.positions.weight"] + types[0]
