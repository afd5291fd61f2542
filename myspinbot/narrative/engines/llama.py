"""The Llama decoder in plain torch. Knows tensors only: no text, no sampling, no device of its own.

Architecture after Touvron et al. 2023 (arXiv 2302.13971) with grouped-query attention; weights in
the layout of llama.cpp's GGUF files, whose rotary pairs are neighbours (2i, 2i + 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class LlamaShape:
    """The numbers that define one model."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    hidden: int
    """Width of the feed-forward layer."""
    context: int
    """Most tokens the model was trained to see."""
    rope_base: float
    norm_epsilon: float

    @property
    def head_width(self) -> int:
        return self.width // self.heads


class KeyValues:
    """What attention remembers of the tokens seen so far: [layers, 2, batch, kv_heads, room, d]."""

    def __init__(self, store: Tensor, length: int = 0):
        self.store = store
        self.length = length
        """Tokens remembered; the rest of the room is unset."""

    @property
    def room(self) -> int:
        return self.store.shape[4]

    def copied(self, batch: int, room: int) -> KeyValues:
        """The same memory for `batch` continuations with space for `room` tokens."""
        layers, pair, _, kv_heads, _, head_width = self.store.shape
        store = self.store.new_empty(layers, pair, batch, kv_heads, room, head_width)
        store[..., : self.length, :] = self.store[..., : self.length, :]
        return KeyValues(store, self.length)


class Llama(nn.Module):
    """Token ids in, logits of the next token out."""

    cosine: Tensor
    sine: Tensor

    def __init__(self, shape: LlamaShape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        cosine, sine = rotation_tables(shape)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)

    def memory(self, room: int) -> KeyValues:
        """An empty memory for one text of up to `room` tokens, where the weights are."""
        shape = self.shape
        size = (shape.layers, 2, 1, shape.kv_heads, room, shape.head_width)
        return KeyValues(self.embedding.weight.new_empty(size))

    def forward(self, tokens: Tensor, memory: KeyValues) -> Tensor:
        """Logits [B, vocabulary] after `tokens` [B, T], which `memory` takes in (needs room)."""
        start, end = memory.length, memory.length + tokens.shape[1]
        x = self.embedding(tokens)
        rotation = (self.cosine[start:end].to(x.dtype), self.sine[start:end].to(x.dtype))
        for block, store in zip(self.blocks, memory.store, strict=True):
            x = block(x, rotation, store, start)
        memory.length = end
        return functional.linear(self.norm(x[:, -1]), self.embedding.weight)


class Block(nn.Module):
    """One decoder layer."""

    def __init__(self, shape: LlamaShape):
        super().__init__()
        self.heads, self.kv_heads = shape.heads, shape.kv_heads
        rows = (shape.heads + 2 * shape.kv_heads) * shape.head_width
        self.attention_norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        # One matrix for query, key and value and one for gate and up: a token costs mostly the
        # number of small matrix products, not their size.
        self.query_key_value = nn.Linear(shape.width, rows, bias=False)
        self.attention_out = nn.Linear(shape.width, shape.width, bias=False)
        self.feed_norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        self.gate_up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(
        self, x: Tensor, rotation: tuple[Tensor, Tensor], store: Tensor, start: int
    ) -> Tensor:
        """`x` [B, T, width] through the layer; keys and values go to `store` from `start` on."""
        x = x + self._attend(self.attention_norm(x), rotation, store, start)
        gate, up = self.gate_up(self.feed_norm(x)).chunk(2, dim=-1)
        return x + self.down(functional.silu(gate) * up)

    def _attend(
        self, x: Tensor, rotation: tuple[Tensor, Tensor], store: Tensor, start: int
    ) -> Tensor:
        batch, length, width = x.shape
        end = start + length
        heads = self.query_key_value(x).view(batch, length, -1, width // self.heads).transpose(1, 2)
        turned = rotate(heads[:, : self.heads + self.kv_heads], *rotation)
        store[0, :, :, start:end] = turned[:, self.heads :]
        store[1, :, :, start:end] = heads[:, self.heads + self.kv_heads :]
        mask = None  # one token sees all that came before
        if length > 1:
            mask = x.new_ones(length, end, dtype=torch.bool).tril(start)
        seen = functional.scaled_dot_product_attention(
            turned[:, : self.heads],
            store[0, :, :, :end],
            store[1, :, :, :end],
            attn_mask=mask,
            enable_gqa=True,
        )
        return self.attention_out(seen.transpose(1, 2).reshape(batch, length, width))


def rotation_tables(shape: LlamaShape) -> tuple[Tensor, Tensor]:
    """Cosine and sine of every position's angles, float32 [context, head_width / 2]."""
    pair = torch.arange(0, shape.head_width, 2, dtype=torch.float64) / shape.head_width
    positions = torch.arange(shape.context, dtype=torch.float64)
    angles = torch.outer(positions, shape.rope_base**-pair)
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn each neighbouring pair of `x` [B, H, T, d] by its angle; tables [T, d / 2]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1)
    return turned.flatten(-2)
