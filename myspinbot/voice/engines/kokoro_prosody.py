"""Kokoro's front end: from symbols and a style to durations, F0, energy and text features.

Architecture: PL-BERT (an ALBERT over phonemes) and the StyleTTS 2 predictors; own code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .kokoro_layers import STYLE_SIZE, BiLSTM, StyledBlock, StyledLayerNorm

SYMBOLS = 178
POSITIONS = 512
HIDDEN = 512
MAX_FRAMES = 50
"""Longest duration of one symbol, in frames of 25 ms."""


class AlbertLayer(nn.Module):
    """Post-norm transformer layer, 768 wide; ALBERT applies the same one twelve times."""

    def __init__(self, width: int = 768, heads: int = 12, inner: int = 2048) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.widen = nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:  # [1, L, width]
        heads = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attention = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2])
        x = self.attention_norm(x + self.attended(attention.transpose(1, 2).flatten(2)))
        inner = functional.gelu(self.widen(x), approximate="tanh")
        return self.norm(x + self.narrow(inner))


class Albert(nn.Module):
    """Context of each symbol: [1, L] int64 -> [1, L, HIDDEN]."""

    def __init__(self, embedding: int = 128, width: int = 768, depth: int = 12) -> None:
        super().__init__()
        self.depth = depth
        self.symbols = nn.Embedding(SYMBOLS, embedding)
        self.positions = nn.Embedding(POSITIONS, embedding)
        self.norm = nn.LayerNorm(embedding, eps=1e-12)
        self.widen = nn.Linear(embedding, width)
        self.layer = AlbertLayer(width)
        self.out = nn.Linear(width, HIDDEN)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.symbols(tokens) + self.positions.weight[: tokens.shape[1]]
        x = self.widen(self.norm(x))
        for _ in range(self.depth):
            x = self.layer(x)
        return self.out(x)


class TextEncoder(nn.Module):
    """What each symbol sounds like: [1, L] int64 -> [1, L, HIDDEN]."""

    def __init__(self, depth: int = 3) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, HIDDEN)
        self.convs = nn.ModuleList(nn.Conv1d(HIDDEN, HIDDEN, 5, padding=2) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(HIDDEN) for _ in range(depth))
        self.lstm = BiLSTM(HIDDEN, HIDDEN)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.symbols(tokens)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = functional.leaky_relu(norm(conv(x.mT).mT), 0.2)
        return self.lstm(x)


class Rhythm(nn.Module):
    """How long each symbol lasts, in the given style."""

    def __init__(self, depth: int = 3) -> None:
        super().__init__()
        styled = HIDDEN + STYLE_SIZE
        self.lstms = nn.ModuleList(BiLSTM(styled, HIDDEN) for _ in range(depth))
        self.norms = nn.ModuleList(StyledLayerNorm(HIDDEN) for _ in range(depth))
        self.lstm = BiLSTM(styled, HIDDEN)
        self.out = nn.Linear(HIDDEN, MAX_FRAMES)

    def forward(self, x: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """[1, L, HIDDEN], [128] -> frames per symbol [L] float, states [1, L, HIDDEN + 128]."""
        repeated = style.expand(1, x.shape[1], -1)
        x = torch.cat([x, repeated], 2)
        for lstm, norm in zip(self.lstms, self.norms, strict=True):
            x = torch.cat([norm(lstm(x), style), repeated], 2)
        frames = torch.sigmoid(self.out(self.lstm(x))).sum(2)[0]
        return frames, x


class Melody(nn.Module):
    """F0 and energy over time, at twice the frame rate."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = BiLSTM(HIDDEN + STYLE_SIZE, HIDDEN)
        self.f0, self.energy = self._blocks(), self._blocks()
        self.f0_out = nn.Conv1d(HIDDEN // 2, 1, 1)
        self.energy_out = nn.Conv1d(HIDDEN // 2, 1, 1)

    @staticmethod
    def _blocks() -> nn.ModuleList:
        half = HIDDEN // 2
        return nn.ModuleList(
            [
                StyledBlock(HIDDEN, HIDDEN),
                StyledBlock(HIDDEN, half, doubles_rate=True),
                StyledBlock(half, half),
            ]
        )

    def forward(self, states: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """[1, F, HIDDEN + 128], [128] -> F0 in Hz and energy, both [1, 1, 2F]."""
        f0 = energy = self.lstm(states).mT
        for f0_block, energy_block in zip(self.f0, self.energy, strict=True):
            f0, energy = f0_block(f0, style), energy_block(energy, style)
        return self.f0_out(f0), self.energy_out(energy)
