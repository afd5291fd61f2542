"""More frames a second: which are made, when they show, and where none is."""

from fractions import Fraction

import numpy as np
import pytest

from myspinbot.errors import BadInputError
from myspinbot.video import in_batches
from myspinbot.video.interpolate import Interpolated


class Film:
    width, height, audio = 32, 24, None

    def __init__(self, levels, fps=Fraction(25)):
        self.levels, self.frame_count, self.fps = levels, len(levels), fps

    def frames(self):
        buffer = np.empty((24, 32, 3), np.uint8)
        for level in self.levels:
            buffer[:] = level
            yield buffer


class Mean:
    """What lies between, and whether each frame came back as the same object."""

    def __init__(self):
        self.pairs, self.same, self.last = 0, True, None

    def __call__(self, before, after, shares):
        self.same &= self.last is None or before is self.last
        self.pairs, self.last = self.pairs + 1, after
        way = after.astype(float) - before
        return [(before + share * way).astype(np.uint8) for share in shares]


@pytest.mark.parametrize("factor", [2, 4])
def test_frames_lie_between_frames(factor):
    net = Mean()
    stage = Interpolated(Film([0, 20, 40, 60]), net, factor)
    levels = next(in_batches(stage.frames(), 99))[:, 0, 0, 0]
    step = 20 // factor
    assert levels.tolist() == [*range(0, 60, step), *[60] * factor]
    assert (stage.fps, stage.frame_count) == (25 * factor, len(levels))
    assert stage.frame_count / stage.fps == Fraction(4, 25), "as long as before"
    assert net.same


def test_cuts_and_stills_are_not_blended():
    net = Mean()
    levels = [f[0, 0, 0] for f in Interpolated(Film([0, 0, 200, 210]), net, 2).frames()]
    assert levels == [0, 0, 0, 0, 200, 205, 210, 210]
    assert net.pairs == 1


def test_no_frames_and_too_many():
    assert list(Interpolated(Film([]), Mean(), 2).frames()) == []
    with pytest.raises(BadInputError, match="factor lower"):
        Interpolated(Film([0], Fraction(50)), Mean(), 5)
