"""Picks the next token from logits. Always on the CPU, so that a seed means the same everywhere."""

from __future__ import annotations

import torch
from torch import Tensor

from ..llm import Sampling


def pick(
    logits: Tensor,
    recent: list[list[int]],
    sampling: Sampling,
    allowed: Tensor | None,
    generator: torch.Generator,
) -> tuple[list[int], list[float]]:
    """One token id per row of `logits` float32 [B, V], and its log probability at temperature 1.

    `recent` are the ids that each row's repetition penalty looks at.
    """
    likelihood = logits.log_softmax(dim=-1)
    scores = penalised(logits, recent, sampling.repetition_penalty)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    if sampling.temperature <= 0:
        chosen = scores.argmax(dim=-1, keepdim=True)
    else:
        probability = (scores / sampling.temperature).softmax(dim=-1)
        floor = sampling.min_p * probability.amax(dim=-1, keepdim=True)
        kept = probability.masked_fill(probability < floor, 0)
        chosen = torch.multinomial(kept, 1, generator=generator)
    return chosen[:, 0].tolist(), likelihood.gather(1, chosen)[:, 0].tolist()


def penalised(logits: Tensor, recent: list[list[int]], penalty: float) -> Tensor:
    """`logits` with each row's `recent` ids divided by `penalty` (multiplied when negative)."""
    if penalty == 1:
        return logits
    result = logits.clone()
    for row, ids in enumerate(recent):
        index = torch.tensor(sorted(set(ids)), dtype=torch.long)
        value = result[row, index]
        result[row, index] = torch.where(value > 0, value / penalty, value * penalty)
    return result
