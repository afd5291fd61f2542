"""Somebody to learn, and what shows whether a LoRA has learned who that is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from lora_painter import SIDE, PaintingDenoiser
from lora_people import captions, draw, people, views
from lora_toy import weight_of
from torch import Tensor

from myspinbot.lora.adapters import Adapters
from myspinbot.lora.batches import Example
from myspinbot.lora.families import FAMILIES
from myspinbot.lora.frozen import Freezing
from myspinbot.lora.recipe import Recipe
from myspinbot.lora.training import Training

SHOWN, VIEWS, OTHERS = 8, 16, 30
FAMILY = FAMILIES["other"]


class Case:
    """Somebody, in views to learn and in others, and the people that they could be taken for."""

    def __init__(self, seed: int):
        random = torch.Generator().manual_seed(seed)
        crowd = people(1 + OTHERS, random)
        shown, self.views = views(SHOWN, random), views(VIEWS, random)
        self.learned = captions(shown, trigger=1.0)
        self.plain = captions(shown)
        self.subject = draw(crowd[:1].expand(SHOWN, -1), shown, SIDE)
        self.several = draw(crowd[1 : 1 + SHOWN], shown, SIDE)
        self.snow = torch.randn(self.subject.shape, generator=random).clamp(-2, 2) / 2
        self.noise = torch.randn(VIEWS, 3, SIDE, SIDE, generator=random)
        alike = [draw(who.expand(VIEWS, -1), self.views, SIDE) for who in crowd.split(1)]
        self.crowd = torch.stack(alike, 1)
        """Everybody in the views nobody was shown in, the subject first: [VIEWS, people, ...]."""

    def nearest_shown(self) -> float:
        """How far the truth is from the most similar picture that was learned from."""
        apart = self.crowd[:, :1] - self.subject[None]
        return _size(apart).min(1).values.mean().item()


@dataclass
class Found:
    """What a model makes of a case."""

    samples: Tensor
    """With the trigger."""
    loss: float
    """Of the subject."""
    apart: float
    """Of the samples from the truth."""
    taken: float
    """Share of the samples that are more like the subject than like any other."""
    others: Tensor
    """Samples without the trigger."""
    others_loss: float
    """Of other people, without it."""
    others_taken: float


def _size(difference: Tensor) -> Tensor:
    """Root mean square over the pictures of [..., C, H, W]."""
    return difference.square().flatten(-3).mean(-1).sqrt()


def look(denoiser: PaintingDenoiser, case: Case) -> Found:
    named, plain = captions(case.views, trigger=1.0), captions(case.views)
    samples, others = (denoiser.sample(case.noise, words) for words in (named, plain))

    def taken(pictures: Tensor) -> float:
        return (_size(pictures[:, None] - case.crowd).argmin(1) == 0).float().mean().item()

    rows = torch.arange(VIEWS)
    return Found(
        samples,
        denoiser.loss(case.crowd[:, 0], named, case.noise),
        _size(samples - case.crowd[:, 0]).mean().item(),
        taken(samples),
        others,
        denoiser.loss(case.crowd[rows, 1 + rows], plain, case.noise),
        taken(others),
    )


@contextmanager
def trained(
    denoiser: PaintingDenoiser, case: Case, pictures: Tensor, recipe: Recipe
) -> Iterator[None]:
    """With a LoRA of `pictures` in the net, which is as before afterwards."""
    net = denoiser.net
    targets = FAMILY.targets(net, recipe.targets)
    adapters = Adapters(net, targets, rank=recipe.rank, alpha=recipe.alpha)
    adapters.initialise(recipe.seed)
    freezing = Freezing(net, FAMILY, recompute=False, weight_of=weight_of)
    freezing.insert()
    adapters.insert()
    told = zip(pictures, case.learned, case.plain, strict=True)
    examples = [Example(p, caption, plain=plain) for p, caption, plain in told]
    training = Training(denoiser, adapters, examples, recipe, empty=torch.zeros_like(case.plain[0]))
    try:
        training.run()
        adapters.load(training.weights())
        yield
    finally:
        adapters.remove()
        freezing.remove()
