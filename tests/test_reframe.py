"""Other aspect ratios: sizes, whole pictures, and a cut that follows the face calmly."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.face import Face
from myspinbot.video.reframe import ASPECTS, FILLS, Reframed


class Moving:
    """A bright square that may move, before a gradient."""

    fps, audio = Fraction(25), None

    def __init__(self, width=320, height=240, at=lambda n: (160.0, 120.0), count=1):
        self.width, self.height, self.at, self.frame_count = width, height, at, count

    def frames(self):
        x = np.linspace(0, 120, self.width, dtype=np.uint8)
        for number in range(self.frame_count):
            frame = np.repeat(np.tile(x, (self.height, 1))[..., None], 3, 2)
            cx, cy = (round(value) for value in self.at(number))
            frame[max(cy - 10, 0) : cy + 10, max(cx - 10, 0) : cx + 10] = 255
            yield frame


def face_at(x, y, size=60.0):
    points = np.zeros((478, 3), np.float32)
    points[:, 0] = x + np.linspace(-size / 2, size / 2, 478)
    points[:, 1] = y + np.linspace(-size / 2, size / 2, 478)
    return Face.from_points(points, 1.0)


def track(frame, _before):
    y, x = np.nonzero(frame[..., 0] == 255)
    return face_at(x.mean(), y.mean()) if len(x) else None


def square(frame):
    y, x = np.nonzero(frame[..., 0] > 245)
    return x.mean(), y.mean()


@given(
    st.integers(16, 700),
    st.integers(16, 700),
    st.sampled_from(list(ASPECTS)),
    st.sampled_from(FILLS),
    st.sampled_from([0, 64, 360]),
)
def test_sizes(width, height, aspect, fill, short_side_px):
    stage = Reframed(Moving(width, height), ASPECTS[aspect], fill, short_side_px=short_side_px)
    (frame,) = stage.frames()
    assert frame.shape == (stage.height, stage.width, 3)
    assert frame.dtype == np.uint8
    assert stage.width % 2 == stage.height % 2 == 0
    short = min(stage.width, stage.height)
    assert abs(stage.width / stage.height / ASPECTS[aspect] - 1) < 4 / short
    if short_side_px:
        assert abs(short - short_side_px) <= 2


def test_a_border_keeps_every_pixel():
    source = Moving(320, 240)
    stage = Reframed(source, 1.0, "blurred border")
    (frame,), (whole,) = stage.frames(), source.frames()
    assert frame.shape == (320, 320, 3)
    assert np.array_equal(frame[40:280], whole)
    assert 0 < frame[:40].std() < whole.std()


def test_the_cut_is_where_the_face_is():
    source = Moving(640, 360, at=lambda n: (500.0, 180.0))
    stage = Reframed(source, 9 / 16, "crop to the face", track=track)
    (frame,) = stage.frames()
    assert abs(square(frame)[0] - stage.width / 2) < 2


def test_without_a_face_the_cut_is_in_the_middle():
    source = Moving(640, 360)
    stage = Reframed(source, 9 / 16, "crop to the face", track=lambda _frame, _before: None)
    (frame,), (whole,) = stage.frames(), source.frames()
    assert np.array_equal(frame, whole[:, 219 : 219 + stage.width])


def test_a_nodding_head_does_not_move_the_cut():
    source = Moving(640, 360, at=lambda n: (320 + 8 * np.sin(n / 3), 180.0), count=60)
    stage = Reframed(source, 9 / 16, "crop to the face", track=track)
    borders = {int(frame[0, 0, 0]) for frame in stage.frames()}
    assert len(borders) == 1


def test_a_walk_is_followed_smoothly():
    source = Moving(640, 360, at=lambda n: (150 + 2 * n, 180.0), count=150)
    stage = Reframed(source, 9 / 16, "crop to the face", track=track)
    places = np.array([square(frame)[0] for frame in stage.frames()])
    assert np.all(np.abs(places - stage.width / 2) < 0.45 * stage.width), "never out of the picture"
    assert np.abs(np.diff(places)).max() < 6


@pytest.mark.parametrize("fill", FILLS)
def test_the_same_format_changes_nothing(fill):
    source = Moving(240, 240)
    (frame,), (whole,) = Reframed(source, 1.0, fill).frames(), source.frames()
    assert np.array_equal(frame, whole)
