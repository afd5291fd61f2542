"""Trainings that end badly, or go wrong in silence elsewhere, on tiny nets inside ComfyUI."""

import pytest

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def faults(lora_played):
    return lora_played["faults"]


@pytest.fixture(scope="module")
def right(lora_played):
    return lora_played["right"]


UNTOUCHED = [True, True, True, False]
"""Output, weights and attributes are as before, and ComfyUI does not think that it is training."""


def test_an_exception_leaves_the_model_as_it_was(faults):
    assert faults["exception"] == ["Broken", *UNTOUCHED]


def test_a_cancel_is_heard_at_once_and_keeps_what_was_learned(faults):
    assert faults["interrupt"] == ["InterruptProcessingException", *UNTOUCHED]
    assert faults["cancel_s"] < 2
    assert "loras/unfinished/ohwx_4_steps_00001.safetensors" in faults["kept"]


def test_the_next_run_goes_on_where_the_cancelled_one_stopped(faults):
    assert faults["resumed"] == [4, True]
    assert faults["losses"]


def test_a_model_that_is_evicted_meanwhile_comes_back_with_its_lora(faults):
    ended, same_lora, same_output, *state = faults["evicted"]
    assert ended is None
    assert same_lora
    assert same_output
    assert state == UNTOUCHED


def test_short_of_memory_it_halves_the_batch(faults):
    ended, rows, warnings, *state = faults["short"]
    assert (ended, rows) == (None, 2)
    assert "Memory was short at step 1" in warnings[0]
    assert state == UNTOUCHED


def test_a_lora_can_be_trained_further(faults):
    first, second = faults["further"]
    assert second[0][1] == pytest.approx(first[-1][1], rel=1e-4)


@pytest.mark.parametrize("net", ["wan", "flux"])
def test_a_forward_has_a_row_for_each_image_with_its_own_caption(right, net):
    calls, off, swapped = right["rows"][net]
    assert calls == [4]
    assert off < 1e-5
    assert swapped > 1e-3  # captions matter


def test_captions_of_other_lengths_go_through_one_after_the_other(right):
    calls, off, _ = right["rows"]["uneven"]
    assert calls == [1, 1]
    assert off < 1e-5


def test_latents_of_all_sizes_are_scaled_as_the_sampler_does(right):
    assert right["latents"] == [0, 0, 0, 0]
    assert right["buckets"] == 12


@pytest.mark.parametrize("net", ["wan", "flux"])
def test_gradients_agree_with_finite_differences(right, net):
    median, worst, count = right["slopes"][net]
    assert count >= 32
    assert median < 1e-3
    assert worst < 5e-2


def test_the_seed_decides_all(right):
    assert right["seed"] == [True, False]


def test_a_net_that_computes_in_bf16_learns(right):
    (_, before), *_, (_, after) = right["half"]
    assert after < 0.85 * before


def test_what_cannot_be_trained_is_refused_in_plain_words(right):
    vae, sampling, clip, no_vae, other_clip, *names = right["refused"]
    assert "latents of 4 channels and the model reads 16" in vae
    assert "predict as X0 cannot be trained" in sampling
    assert "connect the text encoder" in clip
    assert "There is no VAE" in no_vae
    assert "connect those that go with it" in other_clip
    assert all("use a plain name" in name for name in names)
    assert len(names) == 2


def test_a_second_training_on_the_same_pictures_encodes_nothing(right):
    (first, one), (second, same), (third, seed) = right["encoded"]
    assert one == {"texts": first, "images": 1}  # two images that are the same
    assert (second, same) == (first, {"texts": 0, "images": 0})
    assert (third, seed) == (first, {"texts": 0, "images": 1})  # a VAE may draw by the seed


def test_without_a_trigger_the_class_is_free(right):
    assert right["prior"] == [1, 0]
