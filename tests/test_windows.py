"""The window plan: every frame once, whatever the length."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.errors import BadInputError
from myspinbot.lipsync.windows import check_window, fit_size, frame_count, plan

DURATIONS = st.fractions(Fraction(1, 25), 30 * 60, max_denominator=48000)
RATES = st.sampled_from([8000, 16000, 22050, 24000, 44100, 48000])
LATENTS = st.integers(1, 33)


@given(DURATIONS, RATES, st.sampled_from([16, 25]), LATENTS, st.integers(0, 8))
def test_every_frame_is_made_once(duration, rate, fps, latents, known_latents):
    samples = max(1, int(duration * rate))
    length, known = 4 * latents + 1, 4 * min(known_latents, latents - 1) + 1
    check_window(length, known)
    frames = frame_count(samples, rate, fps)
    assert abs(frames - samples * fps / rate) <= max(0.5, 1 - samples * fps / rate)
    windows = plan(frames, length, known)
    covered = [frame for window in windows for frame in range(window.first, window.end)]
    assert covered == list(range(frames))
    assert all(window.length == length for window in windows)
    assert all(window.keep == window.made for window in windows[:-1])
    assert all(window.keep >= 1 for window in windows)
    assert [window.index for window in windows] == list(range(len(windows)))
    for before, after in pairwise(windows):
        assert after.start == before.start + length - known
        assert after.start + after.known == before.end


def test_a_minute_of_infinitetalk():
    """The figures of the issue: 81 frames, 9 known: a minute takes 21 windows."""
    windows = plan(frame_count(60 * 16000, 16000, 25), 81, 9)
    assert len(windows) == 21
    assert [window.start for window in windows[:3]] == [0, 72, 144]
    assert windows[-1].end == 1500


def test_latents_that_continue_know_no_frame():
    windows = plan(200, 80, 0)
    assert [(w.start, w.known, w.keep) for w in windows] == [(0, 0, 80), (80, 0, 80), (160, 0, 40)]


def test_rounding_is_half_up():
    assert [frame_count(n, 1000, 25) for n in (1, 40, 59, 60, 99, 100)] == [1, 1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("length", "known", "word"),
    [(80, 9, "window_frames is 80"), (81, 8, "motion_frames is 8"), (9, 9, "nothing is new")],
)
def test_wrong_windows_are_refused(length, known, word):
    with pytest.raises(BadInputError, match=word):
        check_window(length, known)


@given(st.integers(1, 8000), st.integers(1, 8000), st.sampled_from([0, 480, 640]))
def test_sizes_are_multiples_of_16(width, height, given_width):
    if given_width and given_width * height / width > 1280:
        width = height  # else it may be refused, see below
    found = fit_size((width, height), given_width, 0)
    assert all(side % 16 == 0 and side >= 16 for side in found)
    if given_width:
        assert found[0] == given_width


def test_sizes_keep_the_shape_and_the_area():
    assert fit_size((1664, 960), 0, 0) == (832, 480)
    assert fit_size((512, 512), 0, 0) == (624, 624)
    assert fit_size((436, 512), 320, 0) == (320, 368)
    assert fit_size((436, 512), 832, 480) == (832, 480)


def test_a_portrait_far_longer_than_models_know_is_refused_with_a_way_out():
    with pytest.raises(BadInputError, match=r"2400 x 480 from .* 2000 x 400.*width, too \(832"):
        fit_size((2000, 400), 0, 480)
    with pytest.raises(BadInputError, match=r"480 x 2400.*Set height"):
        fit_size((400, 2000), 480, 0)
    assert fit_size((2000, 400), 832, 480) == (832, 480)
    assert fit_size((2000, 400), 1200, 0) == (1200, 240)
    assert fit_size((2000, 400), 0, 0) == (1408, 288)
    assert fit_size((1920, 1080), 0, 1080) == (1920, 1088)
