"""Training on a few views of somebody brings views nearer that were never shown."""

import pytest
from lora_likeness import Case, look, trained
from lora_painter import pretrained

from myspinbot.lora.recipe import preset


@pytest.fixture(scope="module")
def found():
    """Before, after learning the subject, and after learning eight other people."""
    denoiser, case = pretrained(width=16, steps=300), Case(3)
    recipe = preset(
        "other",
        "identity",
        "balanced",
        steps=150,
        learning_rate=6e-3,
        rank=8,
        alpha=8.0,
        batch=4,
        micro_batch=4,
        preview_every=0,
    )
    seen = [look(denoiser, case)]
    for pictures in (case.subject, case.several):
        with trained(denoiser, case, pictures, recipe):
            seen.append(look(denoiser, case))
    again = look(denoiser, case)
    assert (again.samples == seen[0].samples).all()
    return seen


def test_views_that_were_not_shown_come_nearer(found):
    before, after, _ = found
    assert after.loss < 0.9 * before.loss
    assert after.apart < 0.88 * before.apart
    assert after.taken > before.taken + 0.1


def test_pictures_of_others_teach_nothing_of_it(found):
    before, _, control = found
    assert control.loss > 0.98 * before.loss
    assert control.apart > 0.98 * before.apart


def test_other_people_stay_what_they_were(found):
    before, after, _ = found
    assert after.others_loss < 1.15 * before.others_loss
