"""Whether training a LoRA teaches who somebody is: on a world of drawn heads that is known wholly.

A small net learns that world first: heads of all colours and shapes, anywhere in the picture, with
one word for all of them. Then Train LoRA's loop gets twelve views of one head that it never saw.
Held-out views of that head, and of others, tell what was learned; a LoRA of shuffled pixels is the
control. Everything is drawn with numbers, nothing here is a person, and nothing here says how
likenesses of people come out of large models.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from myspinbot.lora.adapters import Adapters
from myspinbot.lora.batches import Example
from myspinbot.lora.families import ALL, FAMILIES, Prediction
from myspinbot.lora.frozen import Freezing
from myspinbot.lora.recipe import IDENTITY, preset
from myspinbot.lora.training import Training

SIDE, WIDTH, WORDS = 16, 48, 8
VIEWS, SAMPLES, STRANGERS = 12, 48, 49
PRETRAINING_STEPS, TRAINING_STEPS = 1500, 300


@dataclass(frozen=True)
class Head:
    """Who it is: colours -1..1, and shape."""

    skin: Tensor
    hair: Tensor
    eyes: Tensor
    length: float
    fringe: float
    spacing: float

    @classmethod
    def random(cls, own: torch.Generator) -> Head:
        skin, hair, eyes = torch.rand(3, 3, generator=own) * 2 - 1
        a, b, c = torch.rand(3, generator=own).tolist()
        return cls(skin, hair, eyes, 1.0 + 0.5 * a, 0.2 + 0.5 * b, 0.25 + 0.25 * c)

    def view(self, own: torch.Generator) -> Tensor:
        """[3, SIDE, SIDE]: somewhere in the picture, of some size, in some light and place."""
        dx, dy, size, light, *ground = torch.rand(7, generator=own).tolist()
        size, dx, dy = 0.45 + 0.2 * size, 0.6 * dx - 0.3, 0.4 * dy - 0.2
        axis = (torch.arange(SIDE) + 0.5) / SIDE * 2 - 1
        x, y = (axis[None] - dx) / size, (axis[:, None] - dy) / size
        picture = (torch.tensor(ground) * 2 - 1)[:, None, None].expand(3, SIDE, SIDE)

        def paint(picture: Tensor, inside: Tensor, colour: Tensor) -> Tensor:
            alpha = torch.sigmoid(inside * 12)[None]
            return picture * (1 - alpha) + alpha * colour[:, None, None]

        around = 1.25 - (x**2 + (y / self.length) ** 2).sqrt()
        face = 1 - (x**2 + (y / self.length) ** 2).sqrt()
        picture = paint(picture, torch.minimum(around, 0.4 - y), self.hair)
        picture = paint(picture, torch.minimum(face, y + self.fringe), self.skin)
        for side in (-1, 1):
            eye = 0.25 - ((x - side * self.spacing) ** 2 + y**2).sqrt()
            picture = paint(picture, eye, self.eyes)
        return picture * (0.8 + 0.4 * light)


class Block(nn.Module):
    """Convolutions, and attention over the words; all told how noisy the picture is."""

    def __init__(self):
        super().__init__()
        self.norm = nn.GroupNorm(8, WIDTH)
        self.told = nn.Linear(2 * WIDTH, 2 * WIDTH)
        self.first = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.second = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.attn_qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.attn_out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, about: Tensor) -> Tensor:
        scale, shift = self.told(about)[..., None, None].chunk(2, 1)
        h = self.norm(x) * (1 + scale) + shift
        x = x + self.second(nn.functional.silu(self.first(h)))
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = self.attn_qkv(tokens).chunk(3, -1)
        seen = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + self.attn_out(seen).transpose(1, 2).reshape(x.shape)


class Net(nn.Module):
    """The velocity of a picture [B, 3, SIDE, SIDE] at sigma [B], with words [B, WORDS]."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(3 + 2, WIDTH, 3, padding=1)
        self.words = nn.Linear(WORDS, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(4))
        self.leave = nn.Conv2d(WIDTH, 3, 3, padding=1)

    def forward(self, x: Tensor, sigma: Tensor, words: Tensor) -> Tensor:
        axis = torch.linspace(-1, 1, SIDE)
        place = torch.stack([axis[None].expand(SIDE, SIDE), axis[:, None].expand(SIDE, SIDE)])
        h = self.enter(torch.cat([x, place.expand(len(x), 2, SIDE, SIDE)], 1))
        speeds = torch.exp(torch.linspace(0, 4, WIDTH // 2))
        angles = sigma[:, None] * speeds
        about = torch.cat([angles.sin(), angles.cos(), self.words(words)], 1)
        for block in self.blocks:
            h = block(h, about)
        return self.leave(h)


class World:
    """The pretrained net, as myspinbot.lora.batches.Denoiser."""

    prediction, noise_scale, device = Prediction.FLOW, 1.0, torch.device("cpu")
    sigmas = torch.linspace(0.001, 1, 1000)

    def __init__(self, seed: int):
        own = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.net = Net()
        self.heading = torch.randn(WORDS, generator=own)
        """The word for all heads."""
        self.unknown = torch.randn(WORDS, generator=own)
        """A word that it has never met."""
        optimiser = torch.optim.AdamW(self.net.parameters(), lr=2e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, PRETRAINING_STEPS)
        loss = torch.tensor(math.nan)
        for _ in range(PRETRAINING_STEPS):
            x0 = torch.stack([Head.random(own).view(own) for _ in range(32)])
            noise = torch.randn(x0.shape, generator=own)
            sigma = torch.randn(len(x0), generator=own).sigmoid()
            s = sigma[:, None, None, None]
            # words are also met mixed with others, so that what is near a word means nearly it
            words = self.heading + 0.5 * torch.randn(len(x0), WORDS, generator=own)
            out = self.net((1 - s) * x0 + s * noise, sigma, words)
            loss = ((out - (noise - x0)) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        self.net.requires_grad_(False)
        self.loss = loss.item()

    def predict(self, noisy: Tensor, sigmas: Tensor, captions: Sequence[Any]) -> Tensor:
        out = self.net(noisy, sigmas, torch.stack(list(captions)))
        return noisy - sigmas[:, None, None, None] * out

    @torch.no_grad()
    def draw(self, words: Tensor, count: int, steps: int = 24) -> Tensor:
        """Pictures from always the same noise."""
        x = torch.randn(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(77))
        times = torch.linspace(1, 0, steps + 1)
        for now, then in itertools.pairwise(times.tolist()):
            sigma = torch.full((count,), max(now, 0.001))
            x = x + (then - now) * self.net(x, sigma, words.expand(count, WORDS))
        return x

    @torch.no_grad()
    def error(self, pictures: Tensor, words: Tensor) -> float:
        """Of the velocity, at eight noise levels, always with the same noise."""
        own, total = torch.Generator().manual_seed(78), 0.0
        for level in range(8):
            sigma = torch.full((len(pictures),), (level + 0.5) / 8)
            noise = torch.randn(pictures.shape, generator=own)
            s = sigma[:, None, None, None]
            out = self.net(
                (1 - s) * pictures + s * noise, sigma, words.expand(len(pictures), WORDS)
            )
            total += ((out - (noise - pictures)) ** 2).mean().item()
        return total / 8


def learn(world: World, views: Tensor, prior_weight: float) -> tuple[Adapters, Freezing, Training]:
    """Train a LoRA of the views under a new word; it is left in the net."""
    recipe = preset("flux", IDENTITY, "balanced", steps=TRAINING_STEPS, rank=8, targets=ALL)
    recipe = replace(recipe, learning_rate=2e-3, micro_batch=0, batch=4, prior_weight=prior_weight)
    family = FAMILIES["other"]
    adapters = Adapters(world.net, family.targets(world.net, ALL), rank=8, alpha=8.0)
    adapters.initialise(recipe.seed)
    freezing = Freezing(world.net, family, recompute=False, weight_of=_weight_of)
    freezing.insert()
    adapters.insert()
    word = world.heading + world.unknown  # "ohwx head"
    training = Training(
        world,
        adapters,
        [Example(view, word) for view in views],
        recipe,
        empty=torch.zeros(WORDS),
        class_caption=world.heading,
    )
    training.run()
    adapters.load(training.weights())
    return adapters, freezing, training


def _weight_of(layer: Any, like: Tensor) -> Tensor:
    return layer.weight


def nearest(pictures: Tensor, heads: Sequence[Head], own: torch.Generator) -> tuple[float, float]:
    """How far pictures are from the nearest view of the first of `heads`, RMS; and the share of the
    pictures that are nearer to it than to any other."""
    distances = []
    for head in heads:
        views = torch.stack([head.view(own) for _ in range(400)])
        distances.append(torch.cdist(pictures.flatten(1), views.flatten(1)).amin(1))
    found = torch.stack(distances) / math.sqrt(3 * SIDE * SIDE)
    return found[0].mean().item(), (found.argmin(0) == 0).float().mean().item()


def main() -> None:
    torch.set_num_threads(1)
    started = time.process_time()
    world = World(seed=0)
    print(
        f"world learned: loss {world.loss:.3f}, {sum(p.numel() for p in world.net.parameters())} "
        f"weights, {time.process_time() - started:.0f} CPU-s"
    )
    own = torch.Generator().manual_seed(5)
    subject, *strangers = (Head.random(own) for _ in range(1 + STRANGERS))
    views = torch.stack([subject.view(own) for _ in range(VIEWS)])
    held_out = torch.stack([subject.view(own) for _ in range(64)])
    others = torch.stack([head.view(own) for head in strangers])
    places = torch.randperm(SIDE * SIDE, generator=own)
    shuffled = views.flatten(2)[..., places].reshape(views.shape)
    word = world.heading + world.unknown

    def row(name: str) -> None:
        drawn = world.draw(word, SAMPLES)
        distance, share = nearest(drawn, [subject, *strangers], torch.Generator().manual_seed(6))
        kept, _ = nearest(
            world.draw(world.heading, SAMPLES), [subject], torch.Generator().manual_seed(6)
        )
        print(
            f"| {name} | {world.error(held_out, word):.4f} | {world.error(others, word):.4f} "
            f"| {distance:.3f} | {100 * share:.0f} % | {kept:.3f} |",
            flush=True,
        )

    print(
        "| LoRA of | held-out views: loss | others: loss | samples to the subject, RMS "
        "| nearest of 50 is the subject | samples of the class to the subject |"
    )
    print("|---|---|---|---|---|---|")
    row("nothing")
    trials = (
        ("twelve views", views, 1.0),
        ("twelve views, class not held", views, 0.0),
        ("the same, pixels shuffled", shuffled, 1.0),
    )
    for name, pictures, prior_weight in trials:
        started = time.process_time()
        adapters, freezing, training = learn(world, pictures, prior_weight)
        took_s = time.process_time() - started
        row(f"{name}, {training.step} steps, {took_s:.0f} CPU-s")
        adapters.remove()
        freezing.remove()


if __name__ == "__main__":
    main()
