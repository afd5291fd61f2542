"""The loop on a toy: what it learns, what it leaves alone, and what it says."""

import sys
from dataclasses import replace

import pytest
import torch
from lora_toy import RECIPE, Bench, equal, examples, weight_of

from myspinbot.errors import BadInputError, EngineError, MissingDependencyError
from myspinbot.lora.batches import Batches
from myspinbot.lora.checkpoint import Checkpoint
from myspinbot.lora.families import FAMILIES, Prediction
from myspinbot.lora.frozen import Freezing


@pytest.mark.parametrize("prediction", list(Prediction))
def test_the_loss_falls(prediction):
    long = replace(RECIPE, steps=60, prior_weight=0.0, validate_every=20)
    training = Bench(long, prediction).training()
    training.run()
    (_, first), *_, (_, last) = training.validation.losses
    assert last < 0.85 * first


def test_the_net_is_left_as_it_was():
    bench = Bench()
    bench.adapters.remove()
    bench.freezing.remove()
    modules = dict(bench.denoiser.net.named_modules())
    weights = {k: t.clone() for k, t in bench.denoiser.net.state_dict().items()}
    attributes = {name: set(vars(module)) for name, module in modules.items()}
    random = torch.get_rng_state()
    bench.freezing.insert()
    bench.adapters.insert()
    bench.training().run()
    bench.adapters.remove()
    bench.freezing.remove()
    assert dict(bench.denoiser.net.named_modules()) == modules
    assert {name: set(vars(module)) for name, module in modules.items()} == attributes
    assert equal(bench.denoiser.net.state_dict(), weights)
    assert not any(p.requires_grad for p in bench.denoiser.net.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_the_seed_decides_all():
    one, same, other = (Bench(replace(RECIPE, seed=seed)).training() for seed in (1, 1, 2))
    for training in (one, same, other):
        training.run()
    assert equal(one.weights(), same.weights())
    assert one.losses == same.losses
    assert one.losses != other.losses


def test_prodigy_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "prodigyopt", None)
    with pytest.raises(MissingDependencyError, match="pip install prodigyopt"):
        Bench(replace(RECIPE, optimiser="prodigy")).training()


def test_short_of_memory_it_goes_on_with_half_the_images():
    recipe = replace(RECIPE, batch=4, micro_batch=4)
    bench, small = Bench(recipe), Bench(replace(recipe, micro_batch=2))
    freed = []
    training, wanted = bench.training(), small.training()
    training._free = lambda: freed.append(True)
    bench.denoiser.room = 2
    training.run()
    wanted.run()
    assert freed == [True]
    assert training.micro_batch == 2
    assert "2 image(s) a forward" in training.warnings[0]
    assert equal(training.weights(), wanted.weights())


def test_short_of_memory_twice_it_says_what_helps():
    bench = Bench(replace(RECIPE, batch=4, micro_batch=4, validate_every=100))
    bench.denoiser.room = 1
    with pytest.raises(EngineError, match=r"too small for 2 image.*smaller images"):
        bench.training().run()


def test_a_broken_loss_ends_the_training_and_keeps_what_was_learned(tmp_path):
    bench = Bench()
    training = bench.training(checkpoint=Checkpoint(tmp_path, "a"))
    predict = bench.denoiser.predict
    bench.denoiser.predict = lambda noisy, sigmas, captions: (
        predict(noisy, sigmas, captions) * (float("nan") if training.step == 3 else 1)
    )
    with pytest.raises(EngineError, match=r"At step 4.*lower learning rate"):
        training.run()
    state = Checkpoint(tmp_path, "a").load()
    assert state is not None
    assert state.step == 3
    assert all(torch.isfinite(t).all() for t in state.tensors.values())


@pytest.mark.parametrize("clip", [1.0, 0.0])
def test_a_broken_gradient_is_not_learned_from(tmp_path, clip):
    training = Bench(replace(RECIPE, clip_norm=clip)).training(checkpoint=Checkpoint(tmp_path, "a"))

    def breaks(gradient):
        return gradient * float("inf") if training.step == 3 else gradient

    training.adapters.parameters()[0].register_hook(breaks)
    with pytest.raises(EngineError, match=r"At step 4 .* its gradient (nan|inf)"):
        training.run()
    assert all(torch.isfinite(t).all() for t in training.weights().values())


def test_it_says_when_nothing_was_gained():
    wild = Bench(replace(RECIPE, learning_rate=3.0, warmup_steps=0)).training()
    wild.run()
    assert "least before the first step" in wild.remarks()[0]
    good = Bench().training()
    good.run()
    assert good.remarks() == []


def test_a_forward_has_as_many_rows_as_the_batch_and_each_its_caption():
    bench = Bench(replace(RECIPE, batch=4, micro_batch=0, caption_dropout=0.0, prior_weight=0.0))
    training = bench.training()
    batch = training._batches.at(0)
    bench.denoiser.rows.clear()
    errors = training._errors(batch, slice(0, 4))
    assert bench.denoiser.rows == [4]
    single = torch.cat([training._errors(batch, slice(n, n + 1)) for n in range(4)])
    assert torch.allclose(errors, single, rtol=1e-5)


def test_an_empty_mask_teaches_nothing():
    data = [replace(example, places=torch.zeros(4, 4)) for example in examples()]
    training = Bench(replace(RECIPE, prior_weight=0.0)).training(data)
    training._gradients(training._batches.at(0))
    assert all(p.grad is None or not p.grad.any() for p in training.adapters.parameters())


def test_what_the_model_thinks_of_the_class_is_held():
    training = Bench().training()
    batch = training._batches.at(0)
    assert training._prior(batch, slice(0, 2)).item() == 0  # nothing is learned yet
    free, held = (
        Bench(replace(RECIPE, steps=40, prior_weight=weight, prior_every=1)).training()
        for weight in (0.0, 10.0)
    )
    free.run()
    held.run()
    assert held._prior(batch, slice(0, 2)) < 0.5 * free._prior(batch, slice(0, 2))


def test_one_image_of_five_is_only_measured_and_the_best_weights_win():
    training = Bench(replace(RECIPE, steps=60, patience=2, learning_rate=0.3)).training(examples(5))
    training.run()
    assert training.step < 60  # that fast it gets worse, and stops
    losses = [loss for _, loss in training.validation.losses]
    assert losses[-1] > min(losses)
    training.adapters.load(training.weights())
    again = training._validation_loss(training.validation._batches.fixed(0, 4))
    assert again == pytest.approx(min(losses))


def test_previews_come_before_during_and_after():
    seen = []
    Bench().training().run(preview=seen.append)
    assert seen == [0, 3, 6, 8]
    seen.clear()
    Bench(replace(RECIPE, preview_every=0)).training().run(preview=seen.append)
    assert seen == [8]


def test_a_preview_that_does_not_fit_ends_nothing():
    def look(step):
        if step:
            raise torch.OutOfMemoryError("toy")

    training = Bench().training()
    training.run(preview=look)
    assert training.step == 8
    assert training.warnings[0] == "Memory was too short for the samples of step 3."


def test_batches_are_full_and_of_one_size_and_show_each_image_as_often_as_any():
    bench = Bench(replace(RECIPE, batch=2, caption_dropout=0.0))
    data = examples(5, sizes=((4, 4), (4, 8)))  # three of one size, two of the other
    batches = Batches(data, bench.denoiser, bench.recipe, torch.zeros(4))
    shown = [row for number in range(4) for row in batches._planned(number)]
    assert all(len({tuple(data[row].latent.shape) for row in rows}) == 1 for rows in shown)
    for epoch in range(4):
        planned = [row for rows in batches._planned(epoch) for row in rows]
        assert sorted(planned) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert all(len(rows) == 2 for rows in shown)
    one, again = batches.at(9), batches.at(9)
    assert torch.equal(one.noise, again.noise)
    assert not torch.equal(one.noise, batches.at(13).noise)


def test_dropped_captions():
    bench = Bench(replace(RECIPE, caption_dropout=0.3))
    empty = torch.zeros(4)
    batches = Batches(examples(), bench.denoiser, bench.recipe, empty)
    dropped = [caption is empty for step in range(200) for caption in batches.at(step).captions]
    assert sum(dropped) / len(dropped) == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize("recompute", [False, True])
def test_gradients_through_frozen_layers_are_those_of_torch(recompute):
    """In double precision, against the plain net; the guard against overwriting is in both."""
    found = []
    for frozen in (False, True):
        bench = Bench(replace(RECIPE, recompute=recompute))
        bench.denoiser.net.double()
        if not frozen:
            bench.freezing.remove()
            plain = Freezing(
                bench.denoiser.net,
                FAMILIES["flux"],
                recompute=False,
                weight_of=weight_of,
            )
            plain._frozen = lambda layer: layer.forward
            plain.insert()
        for parameter in bench.adapters.parameters():
            torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(2))
        x = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(3)).double()
        bench.denoiser.net(x, torch.ones(3, 4).double()).pow(2).sum().backward()
        found.append([p.grad for p in bench.adapters.parameters()])
    assert all(torch.allclose(a, b, rtol=1e-8) for a, b in zip(*found, strict=True))


def test_gradients_agree_with_finite_differences():
    bench = Bench()
    bench.denoiser.net.double()
    parameters = bench.adapters.parameters()
    for parameter in parameters:
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(2))
    x = torch.randn(2, 2, 4, 4, generator=torch.Generator().manual_seed(3)).double()

    def loss():
        return bench.denoiser.net(x, torch.ones(2, 4).double()).pow(2).sum()

    loss().backward()
    for parameter in parameters:
        direction = torch.randn(
            parameter.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64
        )
        with torch.no_grad():
            parameter += 1e-5 * direction
            above = loss()
            parameter -= 2e-5 * direction
            below = loss()
            parameter += 1e-5 * direction
        slope = (above - below) / 2e-5
        gradient = parameter.grad
        assert gradient is not None
        assert slope.item() == pytest.approx((gradient * direction).sum().item(), rel=1e-5)


def test_without_the_guard_such_a_block_has_no_gradient():
    bench = Bench(replace(RECIPE, recompute=False))
    for module in bench.denoiser.net.double_blocks.modules():
        if not isinstance(module, torch.nn.Linear):
            vars(module).pop("forward", None)
    with pytest.raises(RuntimeError, match="inplace"):
        bench.training()._gradients(bench.training()._batches.at(0))


def test_a_lora_of_another_rank_is_refused():
    weights = Bench(replace(RECIPE, rank=4)).adapters.weights()
    with pytest.raises(BadInputError, match=r"has the shape \[4, .*Use the rank"):
        Bench().adapters.load(weights)
