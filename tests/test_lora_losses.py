"""What is minimised, on paper and in numbers."""

import pytest
import torch

from myspinbot.errors import BadInputError
from myspinbot.lora import losses
from myspinbot.lora.families import Prediction
from myspinbot.lora.optimisers import rate
from myspinbot.lora.recipe import EFFORTS, SUBJECTS, Recipe, preset

SIGMAS = torch.tensor([0.05, 0.3, 0.9])


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("prediction", list(Prediction))
def test_the_weight_turns_an_error_of_the_latent_into_one_of_the_output(prediction, random):
    x0, noise, output = (torch.randn(3, 2, 4, 4, generator=random).double() for _ in range(3))
    s = SIGMAS.double().reshape(-1, 1, 1, 1)
    noisy = losses.noised(prediction, x0, noise, SIGMAS)
    if prediction is Prediction.EPS:
        denoised, target = noisy - s * output, noise
    elif prediction is Prediction.FLOW:
        denoised, target = noisy - s * output, noise - x0
    else:  # v = alpha noise - sigma x0, of the latent scaled to unit variance
        alpha, share = 1 / (s**2 + 1).sqrt(), s / (s**2 + 1).sqrt()
        denoised = noisy * alpha**2 - output * share
        target = alpha * noise - share * x0
    weight = losses.output_weight(prediction, SIGMAS.double())
    found = weight * ((denoised - x0) ** 2).flatten(1).mean(1)
    wanted = ((output - target) ** 2).flatten(1).mean(1)
    assert torch.allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("prediction", "sigma", "weight"),
    [
        (Prediction.EPS, 1.0, 1.0),  # snr 1 is below gamma: in full
        (Prediction.EPS, 0.1, 0.05),  # snr 100: 5 / 100
        (Prediction.V, 1.0, 0.5),  # 1 / 2
        (Prediction.V, 0.1, 5 / 101),
        (Prediction.FLOW, 0.1, 1.0),
    ],
)
def test_min_snr(prediction, sigma, weight):
    found = losses.snr_weight(prediction, torch.tensor([sigma]), 5.0)
    assert found.item() == pytest.approx(weight, rel=1e-5)
    assert losses.snr_weight(prediction, torch.tensor([sigma]), 0.0).item() == 1.0


def test_a_mask_weighs_places_and_keeps_the_mean():
    mask = torch.zeros(16, 16)
    mask[:8, :8] = 1
    weight = losses.places(mask, 0.25, (4, 4))
    assert weight.mean().item() == pytest.approx(1.0)
    assert (weight[0, 0] / weight[3, 3]).item() == pytest.approx(4.0)
    assert losses.places(torch.zeros(16, 16), 0.0, (4, 4)).abs().max() == 0


def test_where_in_the_schedule_a_family_trains(random):
    flow = losses.draw_positions(Prediction.FLOW, 4000, random)
    others = losses.draw_positions(Prediction.EPS, 4000, random)
    assert ((flow > 0.25) & (flow < 0.75)).float().mean() > 0.7  # logit-normal: the middle
    assert ((others > 0.25) & (others < 0.75)).float().mean() == pytest.approx(0.5, abs=0.04)
    table = torch.arange(1, 11) / 10
    assert losses.sigmas_at(table, torch.tensor([0.0, 0.55, 1.0])).tolist() == pytest.approx(
        [0.1, 0.6, 1.0]
    )


def test_the_learning_rate_rises_and_falls():
    recipe = Recipe(steps=100, learning_rate=1e-3, warmup_steps=10)
    rates = [rate(recipe, step) for step in range(100)]
    assert rates[0] < rates[5] < rates[10] == max(rates) == pytest.approx(1e-3)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(1e-4, rel=0.01)


@pytest.mark.parametrize("family", ["sd15", "sdxl", "flux", "wan", "other"])
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("effort", EFFORTS)
def test_presets_fill_every_number(family, subject, effort):
    made = preset(family, subject, effort)
    assert made.alpha == made.rank
    assert made.validate_every <= made.steps
    longer = preset(family, subject, effort, steps=4000, rank=5)
    assert (longer.steps, longer.rank, longer.alpha) == (4000, 5, 5.0)
    assert longer.warmup_steps == 100


def test_what_a_resumed_training_may_change():
    one = Recipe(steps=100)
    assert one.sha256() == Recipe(steps=200, save_every=7).sha256()
    assert one.sha256() != Recipe(steps=100, seed=1).sha256()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0.0; use 1e-09 to 10.0"),
        ({"batch": 2, "micro_batch": 4}, "micro_batch is 4; use 0 to 2"),
        ({"targets": "some"}, "targets is 'some'; use one of attention"),
    ],
)
def test_wrong_numbers_are_refused(wrong, message):
    with pytest.raises(BadInputError, match=message):
        Recipe(**wrong)
