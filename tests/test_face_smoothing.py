"""The smoothing of tracked points: what it takes away, and what it must not."""

from __future__ import annotations

import numpy as np
import pytest
from faces import plain_face
from hypothesis import given, settings
from hypothesis import strategies as st

from myspinbot.face import Face, FaceSmoother, landmarks
from myspinbot.face.smoothing import CUTOFF_PER_SPEED, MAX_PAUSE_S

FPS = st.sampled_from([12.0, 25.0, 30.0, 60.0])
SCALE = st.sampled_from([0.2, 1.0, 8.0])


def scaled(scale, shift=(0.0, 0.0)):
    return plain_face().transformed(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]))


def smoothed(faces, fps) -> list[Face]:
    smoother = FaceSmoother()
    track = [smoother.smooth(face, number / fps) for number, face in enumerate(faces)]
    return [face for face in track if face is not None]


def noisy(count, sigma, scale=1.0, seed=0):
    """A still face whose points shake by `sigma` face sizes."""
    rng, face = np.random.default_rng(seed), scaled(scale)
    shakes = rng.normal(0, sigma * face.size_px, (count, *face.points.shape))
    return [Face.from_points(face.points + shake, 0.9) for shake in shakes]


@given(FPS, SCALE)
def test_a_still_face_stays_itself(fps, scale):
    face = scaled(scale)
    for same in smoothed([face] * 20, fps):
        assert np.array_equal(same.points, face.points)
        assert same.score == face.score


@settings(max_examples=8)
@given(SCALE, st.sampled_from([0.001, 0.002, 0.004]))
def test_noise_is_halved_or_better(scale, sigma):
    raw = noisy(120, sigma, scale)
    steps_of = [
        np.diff([face.points for face in track], axis=0)[20:].std()
        for track in (raw, smoothed(raw, 25.0))
    ]
    assert steps_of[1] < 0.4 * steps_of[0]  # from one frame to the next
    around = np.std([face.points for face in smoothed(raw, 25.0)[20:]], axis=0).mean()
    assert around < 0.5 * sigma * raw[0].size_px


@given(FPS, SCALE, st.floats(0.02, 0.1))
def test_a_step_is_followed_within_three_frames_or_a_sixth_of_a_second(fps, scale, step):
    """A mouth that opens at once: by 2 to 10 % of the face."""
    lip = landmarks.LOWER_LIP_INNER[5]
    before = scaled(scale)
    points = before.points.copy()
    points[lip, 1] += step * before.size_px
    after = Face.from_points(points, 1.0)
    frames = max(int(np.ceil(fps / 6)), 3)
    track = smoothed([before] * 10 + [after] * frames, fps)
    way = (track[-1].points[lip, 1] - before.points[lip, 1]) / (step * before.size_px)
    assert 0.9 < way <= 1.001  # and no overshoot
    rest = np.delete(np.arange(landmarks.POINT_COUNT), lip)
    assert np.allclose(track[-1].points[rest], before.points[rest], atol=1e-3 * scale)


@given(FPS, SCALE, st.floats(0.01, 3.0))
def test_a_moving_face_is_late_by_a_bounded_way(fps, scale, speed):
    """`speed` in face sizes a second; the bound is the one that the module promises."""
    size = scaled(scale).size_px
    faces = [scaled(scale, (speed * size * number / fps, 0)) for number in range(int(2 * fps))]
    late = [
        np.abs(raw.points - out.points)[:, 0].max() / size
        for raw, out in zip(faces, smoothed(faces, fps), strict=True)
    ]
    assert max(late[int(fps) :]) <= 1.05 / (2 * np.pi * CUTOFF_PER_SPEED)


@given(SCALE)
def test_the_size_in_the_picture_is_no_matter(scale):
    small, large = (smoothed(noisy(30, 0.003, factor), 25.0) for factor in (1.0, scale))
    for one, other in zip(small, large, strict=True):
        assert other.points == pytest.approx(one.points * scale, rel=1e-3, abs=2e-3 * scale)


def test_losing_a_face_a_cut_and_a_pause_begin_anew():
    first, moved = scaled(1.0), scaled(1.0, (5, 0))
    for between in (
        [(None, 0.04), (moved, 0.08)],
        [(moved, 0.04 + MAX_PAUSE_S)],
        [(moved, -1.0)],
    ):
        smoother = FaceSmoother()
        smoother.smooth(first, 0.0)
        results = [smoother.smooth(face, time_s) for face, time_s in between]
        assert results[-1] is moved
    far = scaled(1.0, (300, 0))
    smoother = FaceSmoother()
    smoother.smooth(first, 0.0)
    assert smoother.smooth(far, 0.04) is far
    assert FaceSmoother().smooth(None, 0.0) is None
