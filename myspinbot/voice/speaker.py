"""GE2E speaker encoder: what a voice sounds like as 256 numbers, differentiable in the samples.

The voice fit optimises against this one, so it may not be the only similarity that is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from ..audio import Audio
from ..errors import MissingModelError

SAMPLE_RATE = 16_000
EMBEDDING_SIZE = 256
_FFT, _HOP, _MELS = 400, 160, 40
_WINDOW_FRAMES = 160
"""Frames the network sees at once (1.6 s)."""
_STRIDE_FRAMES = 77
"""1.3 windows a second, as the weights' authors use them."""
_QUIETEST_RMS = 10 ** (-30 / 20)
"""Softer input is raised to this level, louder input is left alone."""


class SpeakerEncoder(nn.Module):
    """Three LSTM layers over power mel frames (Wan et al. 2018, "Generalized end-to-end loss").

    Weights: Resemblyzer (Resemble AI, Apache-2.0); this front end and network are our own code.
    """

    mel: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_MELS, 256, num_layers=3, batch_first=True)
        self.linear = nn.Linear(256, EMBEDDING_SIZE)
        self.register_buffer("mel", torch.zeros(_MELS, _FFT // 2 + 1))
        self.register_buffer("window", torch.hann_window(_FFT), persistent=False)

    @classmethod
    def load(cls, path: str | Path) -> SpeakerEncoder:
        """Read a file that `convert` wrote; raises MissingModelError."""
        encoder = cls()
        try:
            encoder.load_state_dict(load_file(path))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise MissingModelError(
                f"The speaker encoder {path} is missing or damaged ({error}); run: "
                "python install.py"
            ) from error
        return encoder.requires_grad_(False).eval()

    def embed(self, samples: Tensor) -> Tensor:
        """Mono speech [..., T] at 16 kHz as L2-normalised [..., 256]; gradients flow to `samples`.

        `samples` may be on any device, the result is on the encoder's.
        """
        samples = samples.to(self.mel.device)
        rms = samples.detach().square().mean(-1, keepdim=True).sqrt()
        samples = samples * torch.clamp(_QUIETEST_RMS / (rms + 1e-9), min=1)
        frames = self.mel_power(samples)
        # A last window that is not three quarters full would say more about the padding.
        count = max(0, (frames.shape[-2] - _WINDOW_FRAMES * 3 // 4) // _STRIDE_FRAMES) + 1
        missing = (count - 1) * _STRIDE_FRAMES + _WINDOW_FRAMES - frames.shape[-2]
        if missing > 0:
            frames = functional.pad(frames, (0, 0, 0, missing))
        windows = frames.unfold(-2, _WINDOW_FRAMES, _STRIDE_FRAMES)[..., :count, :, :].mT
        self.lstm.flatten_parameters()  # the owner may have moved the weights since the last call
        # cuDNN has no backward pass in evaluation mode; without dropout both modes do the same.
        self.lstm.train(torch.is_grad_enabled())
        last = self.lstm(windows.flatten(0, -3))[1][0][-1]  # of [..., count, 160, 40]
        each = functional.normalize(functional.relu(self.linear(last)), dim=-1)
        return functional.normalize(each.unflatten(0, windows.shape[:-2]).mean(-2), dim=-1)

    def mel_power(self, samples: Tensor) -> Tensor:
        """[..., T] -> power mel spectrogram [..., N, 40]; trained without a logarithm."""
        padded = functional.pad(samples, (_FFT // 2, _FFT // 2))
        spectrum = torch.fft.rfft(padded.unfold(-1, _FFT, _HOP) * self.window)
        power = spectrum.real.square() + spectrum.imag.square()
        return power @ self.mel.T


def embed(encoder: SpeakerEncoder, audio: Audio) -> Tensor:
    """GE2E embedding of a recording, float32 [256] on the CPU, without gradient."""
    return embed_each(encoder, audio.mono().resampled(SAMPLE_RATE).samples)[0]


def embed_each(encoder: SpeakerEncoder, pieces: np.ndarray) -> Tensor:
    """GE2E embeddings of sounds of equal length, float32 [N, T] at 16 kHz, as `embed`: [N, 256]."""
    with torch.inference_mode(False), torch.no_grad():
        return encoder.embed(torch.from_numpy(pieces)).cpu()


def convert(sources: Sequence[Path], target: Path) -> None:
    """Write `target` from [pretrained.pt] of the wheel Resemblyzer 0.1.4."""
    # only the conversion needs it
    from transformers.audio_utils import mel_filter_bank

    mel = mel_filter_bank(
        _FFT // 2 + 1, _MELS, 0, SAMPLE_RATE / 2, SAMPLE_RATE, norm="slaney", mel_scale="slaney"
    ).T
    state = torch.load(sources[0], map_location="cpu", weights_only=True)["model_state"]
    tensors = {name: value for name, value in state.items() if name.startswith(("lstm", "linear"))}
    tensors["mel"] = torch.from_numpy(mel).float()
    save_file({name: value.contiguous() for name, value in tensors.items()}, target)
