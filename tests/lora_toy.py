"""A denoiser of a few hundred weights, and examples for it: the loop needs nothing of ComfyUI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from myspinbot.lora.adapters import Adapters
from myspinbot.lora.batches import Example
from myspinbot.lora.families import FAMILIES, Prediction
from myspinbot.lora.frozen import Freezing
from myspinbot.lora.recipe import ALL, Recipe
from myspinbot.lora.training import Training


class DoubleStreamBlock(nn.Module):
    """Named as Flux's, and overwriting its input as that does."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.img_attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width)})
        self.img_mlp = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, img: Tensor) -> Tensor:
        q, k, v = self.img_attn["qkv"](self.norm(img)).chunk(3, -1)
        img += nn.functional.scaled_dot_product_attention(q, k, v)
        img += self.img_mlp[0](self.norm(img)).tanh()
        return img


class ToyNet(nn.Module):
    """Latents [B, 2, h, w] and a caption [B, 4] to something like the noise."""

    def __init__(self, width: int = 8, blocks: int = 2):
        super().__init__()
        self.enter = nn.Conv2d(2, width, 3, padding=1, stride=1)
        self.text = nn.Linear(4, width)
        self.double_blocks = nn.ModuleList(DoubleStreamBlock(width) for _ in range(blocks))
        self.leave = nn.Conv2d(width, 2, 1)

    def forward(self, x: Tensor, caption: Tensor) -> Tensor:
        h = self.enter(x)
        shape = h.shape
        h = h.flatten(2).transpose(1, 2) + self.text(caption)[:, None]
        for block in self.double_blocks:
            h = block(h)
        return self.leave(h.transpose(1, 2).reshape(shape))


class ToyDenoiser:
    """myspinbot.lora.batches.Denoiser; `room` is the most rows that fit, `rows` what was asked."""

    device = torch.device("cpu")
    noise_scale = 1.0

    def __init__(self, prediction: Prediction = Prediction.EPS, seed: int = 0):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.net = ToyNet()
        self.net.requires_grad_(False)
        self.prediction = prediction
        flow = prediction is Prediction.FLOW
        self.sigmas = torch.linspace(0.001, 1, 100) if flow else torch.logspace(-1.5, 1.1, 100)
        self.room = 10**6
        self.rows: list[int] = []

    def predict(self, noisy: Tensor, sigmas: Tensor, captions: Sequence[Any]) -> Tensor:
        if len(noisy) > self.room:
            raise torch.OutOfMemoryError("toy")
        self.rows.append(len(noisy))
        s = sigmas.reshape(-1, 1, 1, 1)
        if self.prediction is Prediction.FLOW:
            return noisy - s * self.net(noisy, torch.stack(list(captions)))
        out = self.net(noisy / (s**2 + 1).sqrt(), torch.stack(list(captions)))
        if self.prediction is Prediction.V:
            return noisy / (s**2 + 1) - out * s / (s**2 + 1).sqrt()
        return noisy - s * out


def examples(count: int = 4, sizes=((4, 4),)) -> list[Example]:
    """A blob that is the same in all of them, and a little noise."""
    random = torch.Generator().manual_seed(1)
    made = []
    for number in range(count):
        h, w = sizes[number % len(sizes)]
        blob = torch.linspace(-1, 1, h)[:, None] * torch.linspace(1, -1, w)[None]
        latent = torch.stack([blob, -blob]) + 0.1 * torch.randn(2, h, w, generator=random)
        caption = torch.randn(4, generator=random)
        made.append(Example(latent, caption, plain=torch.ones(4)))
    return made


def weight_of(layer: Any, like: Tensor) -> Tensor:
    return layer.weight


RECIPE = Recipe(
    steps=8,
    learning_rate=1e-2,
    rank=2,
    alpha=2.0,
    targets=ALL,
    batch=2,
    warmup_steps=2,
    averaging=0.9,
    prior_weight=0.5,
    prior_every=2,
    validate_every=2,
    patience=0,
    preview_every=3,
    save_every=3,
)


def equal(one, other) -> bool:
    """Whether two sets of named tensors are the same, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


class Bench:
    """A denoiser with its adapters in place, and trainings on it."""

    def __init__(self, recipe: Recipe = RECIPE, prediction: Prediction = Prediction.EPS):
        self.recipe, self.denoiser = recipe, ToyDenoiser(prediction)
        net, family = self.denoiser.net, FAMILIES["flux"]
        targets = family.targets(net, recipe.targets)
        self.adapters = Adapters(net, targets, rank=recipe.rank, alpha=recipe.alpha)
        self.adapters.initialise(recipe.seed)
        self.freezing = Freezing(net, family, recompute=recipe.recompute, weight_of=weight_of)
        self.freezing.insert()
        self.adapters.insert()

    def training(self, data=None, checkpoint=None) -> Training:
        return Training(
            self.denoiser,
            self.adapters,
            data or examples(),
            self.recipe,
            empty=torch.zeros(4),
            checkpoint=checkpoint,
        )
