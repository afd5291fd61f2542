"""A small diffusion model that draws anybody, in the view that its caption asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from lora_people import WORDS, captions, draw, people, views
from torch import Tensor, nn

from myspinbot.lora.families import Prediction

SIDE = 16
_LEAST = 0.05
"""Of noise: below, a picture counts as clean."""


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        layers = {"qkv": nn.Linear(width, 3 * width), "out": nn.Linear(width, width)}
        self.attn = nn.ModuleDict(layers)
        self.mlp = nn.Sequential(
            nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = self.attn["qkv"](self.first(x)).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (-1, 16)).transpose(1, 2) for part in parts)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + self.attn["out"](mixed)
        return x + self.mlp(self.second(x))


class Painter(nn.Module):
    """A U-Net that puts out the picture; attention sees its smallest size and the caption."""

    def __init__(self, width: int):
        super().__init__()
        deep = 2 * width
        self.level = nn.Sequential(
            nn.Linear(16 + WORDS, deep), nn.SiLU(), nn.Linear(deep, deep), nn.SiLU()
        )
        self.text = nn.Linear(WORDS, 2 * deep)
        self.layout = nn.Linear(deep, deep * (SIDE // 4) ** 2)
        self.enter = nn.Conv2d(3, width, 3, padding=1)
        self.shrink = nn.Conv2d(width, deep, 3, 2, 1)
        self.shrink_again = nn.Conv2d(deep, deep, 3, 2, 1)
        self.blocks = nn.ModuleList(Block(deep) for _ in range(3))
        self.grow = nn.Conv2d(2 * deep, deep, 3, padding=1)
        self.grow_again = nn.Conv2d(deep + width, width, 3, padding=1)
        self.leave = nn.Conv2d(width, 3, 3, padding=1)
        self.tune = nn.ModuleList(nn.Linear(deep, 2 * n) for n in (width, deep, deep, width))

    def forward(self, x: Tensor, sigmas: Tensor, caption: Tensor) -> Tensor:
        angle = sigmas[:, None] * torch.pi * 2 ** torch.arange(8).to(x) / 4
        level = self.level(torch.cat([angle.sin(), angle.cos(), caption], 1))

        def tuned(number: int, h: Tensor) -> Tensor:
            scale, shift = self.tune[number](level)[..., None, None].chunk(2, 1)
            return nn.functional.silu(nn.functional.group_norm(h, 4) * (1 + scale) + shift)

        large = tuned(0, self.enter(x))
        middle = tuned(1, self.shrink(large))
        small = self.shrink_again(middle)
        h = small.flatten(2).transpose(1, 2)
        h = h + self.layout(level).unflatten(1, h.shape[1:])
        h = torch.cat([self.text(caption).unflatten(1, (2, -1)), h], 1)
        for block in self.blocks:
            h = block(h)
        h = h[:, 2:].transpose(1, 2).reshape(small.shape)
        h = tuned(2, self.grow(torch.cat([_doubled(h), middle], 1)))
        h = tuned(3, self.grow_again(torch.cat([_doubled(h), large], 1)))
        return self.leave(h)


def _doubled(h: Tensor) -> Tensor:
    return nn.functional.interpolate(h, scale_factor=2.0)


class PaintingDenoiser:
    """myspinbot.lora.batches.Denoiser over a Painter."""

    prediction, noise_scale = Prediction.FLOW, 1.0
    device = torch.device("cpu")
    sigmas = torch.linspace(_LEAST, 1, 1000)

    def __init__(self, net: Painter):
        self.net = net

    def predict(self, noisy: Tensor, sigmas: Tensor, captions: Sequence[Tensor]) -> Tensor:
        return self.net(noisy, sigmas, torch.stack(list(captions)))

    @torch.no_grad()
    def sample(self, noise: Tensor, captions: Tensor, steps: int = 20) -> Tensor:
        """Pictures from noise, by Euler's method."""
        levels, x = torch.linspace(1, _LEAST, steps), noise
        for now, then in zip(levels, [*levels[1:], torch.zeros(())], strict=True):
            x = torch.lerp(self.net(x, now.expand(len(x)), captions), x, then / now)
        return x.clamp(-1, 1)

    @torch.no_grad()
    def loss(self, pictures: Tensor, captions: Tensor, noise: Tensor) -> float:
        """Error of the velocity, mean of four noise levels."""
        levels, total = (0.2, 0.4, 0.6, 0.8), 0.0
        for s in levels:
            noisy, sigmas = torch.lerp(pictures, noise, s), torch.full((len(noise),), s)
            error = self.net(noisy, sigmas, captions) - pictures
            total += (error / s).square().mean().item()
        return total / len(levels)


def pretrained(width: int = 32, steps: int = 2000, batch: int = 32) -> PaintingDenoiser:
    """A denoiser that was trained on 2048 people, each seen once."""
    random = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Painter(width)
    seen = views(2048, random)
    pictures, texts = draw(people(2048, random), seen, SIDE), captions(seen)
    optimiser = torch.optim.AdamW(net.parameters(), betas=(0.9, 0.95))
    means = [p.detach().clone() for p in net.parameters()]
    for step in range(steps):
        for group in optimiser.param_groups:
            falling = 0.02 + (1 + math.cos(math.pi * step / steps)) / 2
            group["lr"] = 3e-3 * min((step + 1) / 20, falling)
        rows = torch.randint(len(seen), (batch,), generator=random)
        sigmas = torch.randn(batch, generator=random).sigmoid().clamp(min=_LEAST)
        noise, s = torch.randn(batch, 3, SIDE, SIDE, generator=random), sigmas[:, None, None, None]
        told = texts[rows] * (torch.rand(batch, 1, generator=random) > 0.1)
        out = net(torch.lerp(pictures[rows], noise, s), sigmas, told)
        optimiser.zero_grad()
        ((out - pictures[rows]) / s).square().mean().backward()
        optimiser.step()
        with torch.no_grad():
            for mean, parameter in zip(means, net.parameters(), strict=True):
                mean.lerp_(parameter, max(0.01, 9 / (step + 10)))
    for mean, parameter in zip(means, net.parameters(), strict=True):
        parameter.data = mean
    return PaintingDenoiser(net.requires_grad_(False))
