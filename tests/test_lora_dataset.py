"""The dataset of a LoRA: what it holds, and what it refuses."""

import pytest
import torch

from myspinbot.errors import BadInputError
from myspinbot.lora.dataset import LoraDataset, TrainingImage


def image(height=64, width=64, level=0.5, caption="a photo", mask=None):
    return TrainingImage(torch.full((height, width, 3), level), caption, mask)


def dataset(*images, **words):
    return LoraDataset.of(images, **{"trigger": "sks", "class_word": "woman", **words})


def test_the_hash_knows_pixels_captions_masks_and_words():
    mask = torch.ones(64, 64)
    several = [
        dataset(image()),
        dataset(image(level=0.6)),
        dataset(image(caption="a drawing")),
        dataset(image(mask=mask)),
        dataset(image(mask=mask * 0.5)),
        dataset(image(), image()),
        dataset(image(32, 128)),
        dataset(image(), trigger="ohwx"),
    ]
    assert len({one.sha256 for one in several}) == len(several)
    assert dataset(image()).sha256 == dataset(image()).sha256


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "no image"),
        ([image(), image(60, 64)], r"image 2 is \[60, 64, 3\]"),
        ([image(mask=torch.ones(32, 64))], r"mask of training image 1 is \[32, 64\]"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(images, message):
    with pytest.raises(BadInputError, match=message):
        dataset(*images)


@pytest.mark.parametrize(
    ("trigger", "name"),
    [
        ("ohwx", "ohwx"),
        ("../../a: b?", "a_b"),
        ("", "lora"),
        ("Жук-2", "Жук-2"),
        ("x" * 999, "x" * 32),
    ],
)
def test_a_trigger_names_a_file(trigger, name):
    assert dataset(image(), trigger=trigger).name == name
