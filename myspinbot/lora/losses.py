"""What is minimised: the error of the net's own output, weighted as its family wants.

Everything is written in terms of `denoised`, the clean latent that the host derives from the net's
output. With sigma the noise's share, the error of the output follows from it:

    eps:  x_t = x0 + s n            output - target = (x0 - denoised) / s
    flow: x_t = (1 - s) x0 + s n    output - target = (x0 - denoised) / s
    v:    x_t = x0 + s n            output - target = (x0 - denoised) sqrt(s^2 + 1) / s

so one function serves whatever nets the host knows.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .families import Prediction


def noised(prediction: Prediction, latents: Tensor, noise: Tensor, sigmas: Tensor) -> Tensor:
    """Mix `noise` into `latents`, both [B, C, ...]; `sigmas` [B] as the family counts them."""
    sigma = _like(sigmas, latents)
    if prediction is Prediction.FLOW:
        return (1 - sigma) * latents + sigma * noise
    return latents + sigma * noise


def output_weight(prediction: Prediction, sigmas: Tensor) -> Tensor:
    """The factor [B] that makes a squared error of the latent one of the net's output."""
    squared = sigmas**2
    return (squared + 1) / squared if prediction is Prediction.V else 1 / squared


def snr_weight(prediction: Prediction, sigmas: Tensor, gamma: float) -> Tensor:
    """Min-SNR weights [B] of the output's error; 1 for flow models and for gamma 0.

    Hang et al., Efficient Diffusion Training via Min-SNR Weighting Strategy, arXiv:2303.09556,
    section 3.4: min(snr, gamma) / snr for the noise, min(snr, gamma) / (snr + 1) for v.
    """
    if gamma <= 0 or prediction is Prediction.FLOW:
        return torch.ones_like(sigmas)
    snr = 1 / sigmas**2
    below = snr.clamp(max=gamma)
    return below / (snr + 1) if prediction is Prediction.V else below / snr


def losses(
    denoised: Tensor, latents: Tensor, weights: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Weighted mean squared error of each row: [B].

    `weights` [B]; `mask` [B, 1, ..., h, w] says how much each place counts, and is not divided by
    its mean: a mask of zeros means that there is nothing to learn.
    """
    errors = (denoised.float() - latents.float()) ** 2
    if mask is not None:
        errors = errors * mask
    return errors.flatten(1).mean(1) * weights


def places(mask: Tensor, background: float, size: tuple[int, int]) -> Tensor:
    """How much each place of a latent [h, w] = `size` counts, from a mask [H, W] 0..1 of pixels.

    Outside the mask it is `background`. The mean is one, so that a small face learns as fast as a
    large one, unless there is nothing in the mask at all and `background` is 0: then it is zeros.
    """
    small = torch.nn.functional.adaptive_avg_pool2d(mask.float()[None, None], size)[0, 0]
    weight = small + background * (1 - small)
    mean = weight.mean()
    return weight / mean if mean > 0 else weight


def draw_positions(prediction: Prediction, count: int, generator: torch.Generator) -> Tensor:
    """Where in the noise schedule to train: [count] in 0..1, from little noise to all.

    Uniform for eps and v; logit-normal for flow (Esser et al., arXiv:2403.03206, section 3.1).
    """
    if prediction is Prediction.FLOW:
        return torch.randn(count, generator=generator).sigmoid()
    return torch.rand(count, generator=generator)


def sigmas_at(table: Tensor, positions: Tensor) -> Tensor:
    """The sigmas at `positions` 0..1 of the model's own `table` [N], which ascends."""
    index = (positions * len(table)).long().clamp(0, len(table) - 1)
    return table.float().cpu()[index]


def _like(values: Tensor, other: Tensor) -> Tensor:
    """`values` [B] shaped so that they broadcast over `other` [B, ...]."""
    return values.to(other).reshape(-1, *[1] * (other.ndim - 1))
