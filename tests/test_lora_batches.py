"""Which images a training sees: all equally often, each batch of one size, and the same again."""

from collections import Counter
from types import SimpleNamespace

import pytest
import torch

from myspinbot.lora.batches import Batches, Example
from myspinbot.lora.families import Prediction
from myspinbot.lora.recipe import Recipe


def batches(batch, squares=11, wides=1, seed=0):
    """Batches of images that are filled with their number."""
    shapes = [(1, 4, 4)] * squares + [(1, 4, 6)] * wides
    examples = [
        Example(torch.full(shape, float(n)), f"image {n}") for n, shape in enumerate(shapes)
    ]
    host = SimpleNamespace(prediction=Prediction.FLOW, sigmas=torch.linspace(0.01, 1, 100))
    recipe = Recipe(batch=batch, caption_dropout=0.0, seed=seed)
    return Batches(examples, host, recipe, empty="")  # type: ignore[arg-type]


def seen(batch):
    return [int(row.flatten()[0]) for row in batch.latents]


@pytest.mark.parametrize("size", [1, 2, 4, 16])
def test_every_image_is_seen_as_often_as_any_other(size):
    made = batches(size)
    rows = [row for step in range(12) for row in seen(made.at(step))]
    assert Counter(rows) == dict.fromkeys(range(12), size)


def test_a_batch_is_full_and_of_one_size_with_its_captions():
    made = batches(4, squares=5, wides=2)
    for step in range(21):
        batch = made.at(step)
        assert len(batch.latents) == len(batch.captions) == 4
        assert batch.captions == [f"image {number}" for number in seen(batch)]


def test_a_step_is_the_same_whatever_came_before():
    straight = [batches(2).at(step) for step in range(30)]
    made = batches(2)
    for step in (29, 3, 17, 12):
        again = made.at(step)
        assert torch.equal(again.latents, straight[step].latents)
        assert torch.equal(again.noise, straight[step].noise)
        assert torch.equal(again.sigmas, straight[step].sigmas)
    other = [batches(2, seed=1).at(step) for step in range(30)]
    assert [seen(batch) for batch in other] != [seen(batch) for batch in straight]
