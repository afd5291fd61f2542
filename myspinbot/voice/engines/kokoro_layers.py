"""Building blocks of Kokoro's prosody and vocoder: everything that a style vector steers.

Architecture of StyleTTS 2 (Li et al. 2023, MIT) in the shape of Kokoro-82M (hexgrad, Apache-2.0).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STYLE_SIZE = 128
"""Floats in one half of a style vector."""


class BiLSTM(nn.LSTM):
    """One bidirectional layer, [1, T, size_in] -> [1, T, size_out]."""

    def __init__(self, size_in: int, size_out: int) -> None:
        super().__init__(size_in, size_out // 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        self.flatten_parameters()  # the owner may have moved the weights since the last call
        return super().forward(x)[0]


class StyledLayerNorm(nn.Module):
    """Layer norm over channels whose gain and offset come from the style; x is [1, T, channels]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.fc = nn.Linear(STYLE_SIZE, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        gain, offset = self.fc(style).chunk(2)
        return functional.layer_norm(x, (self.channels,), gain, offset)


class StyledNorm(nn.Module):
    """Instance norm over time whose gain and offset come from the style; x is [1, channels, T]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(STYLE_SIZE, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        gain, offset = self.fc(style).chunk(2)
        # One group a channel is the same norm, six times faster on a CPU than instance_norm.
        return functional.group_norm(x, x.shape[1], gain, offset)


class StyledBlock(nn.Module):
    """Residual block [1, size_in, T] -> [1, size_out, T or 2T]: twice norm, leaky ReLU, conv."""

    def __init__(self, size_in: int, size_out: int, *, doubles_rate: bool = False) -> None:
        super().__init__()
        self.norm1, self.norm2 = StyledNorm(size_in), StyledNorm(size_out)
        self.conv1 = nn.Conv1d(size_in, size_out, 3, padding=1)
        self.conv2 = nn.Conv1d(size_out, size_out, 3, padding=1)
        self.shortcut = nn.Conv1d(size_in, size_out, 1, bias=False) if size_in != size_out else None
        self.upsample = (
            nn.ConvTranspose1d(
                size_in, size_in, 3, stride=2, padding=1, output_padding=1, groups=size_in
            )
            if doubles_rate
            else None
        )

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        y = functional.leaky_relu(self.norm1(x, style), 0.2)
        if self.upsample is not None:
            y, x = self.upsample(y), x.repeat_interleave(2, dim=2)
        y = self.conv1(y)
        y = self.conv2(functional.leaky_relu(self.norm2(y, style), 0.2))
        if self.shortcut is not None:
            x = self.shortcut(x)
        return (x + y) * 0.5**0.5


def snake(x: Tensor) -> Tensor:
    """Snake activation (Ziyin et al. 2020), its frequency folded into the neighbouring layers."""
    sine = torch.sin(x)
    return torch.addcmul(x, sine, sine)
