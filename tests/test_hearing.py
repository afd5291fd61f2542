"""What a window hears: the right moment, as ComfyUI's own arithmetic reads it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.audio import Audio
from myspinbot.lipsync import hearing
from myspinbot.lipsync.windows import plan


def core_resampled(layers):
    """linear_interpolation of ComfyUI's nodes_wan.py, 50 to 25 a second: [n, layers, C]."""
    features = torch.stack(layers).squeeze(1)
    count = int(features.shape[1] / 50.0 * 25)
    resampled = torch.nn.functional.interpolate(
        features.transpose(1, 2), size=count, align_corners=True, mode="linear"
    )
    return resampled.permute(2, 0, 1)


@given(st.integers(1, 400), st.integers(0, 10))
def test_core_reads_just_the_values_given(count, seed):
    values = torch.randn(3, count, 2, generator=torch.Generator().manual_seed(seed))
    read = core_resampled(hearing.undisturbed(values))
    assert read.shape == (count, 3, 2)
    assert torch.allclose(read.movedim(0, 1), values, atol=1e-3)


def timed(excerpt, start_s):
    """Features that tell their own time, as 50 a second of wav2vec do: [1, T50, 1]."""
    count = (excerpt.samples.shape[1] - 400) // hearing.FEATURE_SAMPLES + 1
    return start_s + (torch.arange(count) + 0.5)[None, :, None] / 50


@given(st.integers(0, 20), st.sampled_from([(81, 9), (21, 5), (13, 1), (5, 1)]))
def test_each_frame_hears_its_own_time(index, shape):
    """ComfyUI reads frames `offset` to `offset + length`, and two beside them."""
    length, known = shape
    window = plan(10_000, length, known)[index]
    speech = Audio(np.zeros((1, 400 * hearing.RATE), np.float32), hearing.RATE)
    excerpt = hearing.excerpt(speech, window.start, window.start + length, 25)
    start_s = window.start / 25 - excerpt.lead / 50
    assert start_s >= 0
    before = hearing.MARGIN if index else 0
    count = before + length + hearing.MARGIN
    layers = [timed(excerpt, start_s)] * 2
    values = hearing.frame_features(layers, excerpt.lead, before, count)
    read = core_resampled(hearing.undisturbed(values))[:, 0, 0]
    offset = before  # known frames given minus those the model repeats
    times = read[offset - min(2, before) : offset + length + 2]
    wanted = (torch.arange(len(times)) + window.start - min(2, before) + 0.5) / 25
    assert torch.allclose(times, wanted, atol=0.002)


def test_an_excerpt_depends_on_what_is_near_only():
    noise = np.random.default_rng(0).standard_normal((1, 60 * hearing.RATE)).astype(np.float32)
    changed = noise.copy()
    changed[:, 30 * hearing.RATE :] = 0
    pairs = [
        [hearing.excerpt(Audio(s, hearing.RATE), start, start + 81, 25) for s in (noise, changed)]
        for start in (0, 600, 650, 690, 900)
    ]
    same = [np.array_equal(a.samples, b.samples) for a, b in pairs]
    assert same == [True, True, False, False, False], "2 s around 650..731 reach 30 s"


def test_past_the_end_there_is_silence():
    speech = Audio(np.ones((1, hearing.RATE), np.float32), hearing.RATE)
    excerpt = hearing.excerpt(speech, 0, 81, 25)
    assert excerpt.lead == 0
    assert excerpt.samples.shape == (1, round((81 / 25 + hearing.CONTEXT_S) * hearing.RATE))
    assert excerpt.samples[:, : hearing.RATE].all()
    assert not excerpt.samples[:, hearing.RATE :].any()


@pytest.mark.parametrize("border", [-50, 0, 1, 7, 19, 20, 90])
def test_speakers_take_turns_as_core_joins_them(border):
    """ComfyUI pads each one's features with zeros where the other one's are."""
    values = [torch.rand(1, 20, 1) + 1 for _ in range(2)]
    first, second = (
        core_resampled(turn) for turn in hearing.take_turns(values[0], values[1], border)
    )
    assert len(first) + len(second) == 20
    cut = min(max(border, 1), 19)
    assert torch.allclose(first[:, 0], values[0][0, :cut], atol=1e-3)
    assert torch.allclose(second[:, 0], values[1][0, cut:], atol=1e-3)
