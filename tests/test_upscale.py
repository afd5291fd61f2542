"""Enlarging frames: sizes, tiles without seams, and what happens when memory is short."""

from contextlib import contextmanager
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from myspinbot.errors import BadInputError, EngineError
from myspinbot.video.nets import Feeder
from myspinbot.video.tiles import in_tiles, spans, weights
from myspinbot.video.upscale import Upscaled


class Film:
    """Noise that is blurred, so that it has details at several scales."""

    fps, audio = Fraction(25), None

    def __init__(self, width=96, height=64, count=5):
        self.width, self.height, self.frame_count = width, height, count
        random = np.random.default_rng(0)
        noise = random.integers(0, 256, (count, height, width, 3), np.uint8)
        self.pictures = [cv2.GaussianBlur(picture, (0, 0), 1.5) for picture in noise]

    def frames(self):
        yield from self.pictures


class Net:
    """Repeats every pixel, then three convolutions; refuses more than `room` pixels at once."""

    def __init__(self, scale=2, room=10**9):
        self.scale, self.room, self.taken, self.freed = scale, room, [], 0
        random = torch.Generator().manual_seed(0)
        self._kernels = [torch.rand(3, 3, 3, 3, generator=random) / 27 for _ in range(3)]

    @contextmanager
    def ready(self, pixels):
        yield torch.device("cpu")

    def __call__(self, images):
        pixels = images.shape[0] * images.shape[2] * images.shape[3]
        if pixels > self.room:
            raise MemoryError("no more")
        self.taken.append(tuple(images.shape))
        for kernel in self._kernels:
            images = functional.conv2d(functional.pad(images, (1, 1, 1, 1), "reflect"), kernel)
        return images.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)

    def out_of_memory(self, error):
        self.freed += isinstance(error, MemoryError)
        return isinstance(error, MemoryError)


def upscaled(film, net, **options):
    sizes = {name: options.pop(name) for name in ("scale_by", "longest_side_px") if name in options}
    stage = Upscaled(film, Feeder(net, **{"batch": 1, **options}), **sizes)
    frames = [frame.copy() for frame in stage.frames()]
    assert {frame.shape for frame in frames} == {(stage.height, stage.width, 3)}
    assert len(frames) == film.frame_count
    return stage, np.stack(frames).astype(int)


@given(st.integers(1, 3000), st.integers(64, 600), st.integers(1, 32), st.integers(1, 4))
def test_tiles_cover_everything_once(length, tile, overlap, scale):
    parts = spans(length, tile, overlap)
    assert parts[0][0] == 0
    assert parts[-1][1] == length
    assert len({end - start for start, end in parts}) == 1
    assert all(end - start <= tile for start, end in parts) or length <= tile
    total = torch.zeros(length * scale)
    for (start, end), weight in zip(parts, weights(parts, scale), strict=True):
        total[start * scale : end * scale] += weight
    assert torch.allclose(total, torch.ones(length * scale), atol=1e-5)


@pytest.mark.parametrize("size", [(300, 200), (513, 129), (130, 700)])
def test_tiles_show_no_seams(size):
    images = torch.rand(2, 3, size[1], size[0], generator=torch.Generator().manual_seed(1))
    net = Net()
    whole, tiled = net(images), in_tiles(net, images, 2, 128)
    assert (tiled - whole).abs().max() < 2 / 255
    assert len(net.taken) > 3


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (192, 128)),
        ({"scale_by": 2.0}, (192, 128)),
        ({"scale_by": 1.5}, (144, 96)),
        ({"scale_by": 2.6}, (250, 166)),
        ({"scale_by": 0.3}, (28, 20)),
        ({"longest_side_px": 150}, (150, 100)),
        ({"longest_side_px": 150, "scale_by": 9.0}, (150, 100)),
    ],
)
def test_any_size(options, size):
    film = Film()
    stage, frames = upscaled(film, Net(), **options)
    assert (stage.width, stage.height) == size
    whole = upscaled(film, Net())[1][0].astype(np.uint8)
    expected = cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(frames[0] - expected).mean() < 3


def test_sizes_that_no_player_shows_are_refused():
    with pytest.raises(BadInputError, match="longest_side_px"):
        Upscaled(Film(4000, 2000), Feeder(Net(4), batch=1), scale_by=8)


def test_what_a_net_makes_is_rounded_and_cut():
    class Given(Net):
        def __call__(self, images):
            values = torch.tensor([-0.3, 0.0, 0.6 / 255, 127.4 / 255, 1.0, 1.7])
            return values.expand(len(images), 3, images.shape[2], 6).clone()

    _, frames = upscaled(Film(6, 2, count=2), Given(scale=1))
    assert (frames == np.array([0, 0, 1, 127, 255, 255])[:, None]).all()


def test_batches_and_tiles_change_nothing():
    _, one = upscaled(Film(), Net())
    net = Net()
    _, many = upscaled(Film(), net, batch=3)
    assert [shape[0] for shape in net.taken] == [3, 2]
    _, tiled = upscaled(Film(), Net(), batch=2, tile_px=64)
    assert (one == many).all()
    assert np.abs(one - tiled).max() <= 2


def test_a_cpu_takes_tiles_that_fit_its_caches():
    whole, net = Net(), Net()
    _, one = upscaled(Film(400, 300, count=1), whole)
    _, tiled = upscaled(Film(400, 300, count=1), net, tile_px=512)
    assert whole.taken == [(1, 3, 300, 400)]
    assert {shape[2:] for shape in net.taken} == {(166, 216)}
    assert np.abs(one - tiled).max() <= 2


def test_short_memory_halves_the_batch_and_then_the_tile_for_good():
    film, roomy = Film(256, 256, count=6), Net()
    _, expected = upscaled(film, roomy, batch=4)
    net = Net(room=130 * 130)
    feeder = Feeder(net, batch=4)
    stage = Upscaled(film, feeder)
    frames = [frame.copy() for frame in stage.frames()]
    assert (feeder.batch, feeder.tile_px) == (1, 128)
    assert net.freed == 3, "4 frames, 2, a whole one: then tiles of 128 px"
    assert np.abs(np.stack(frames).astype(int) - expected).max() <= 2
    list(stage.frames())
    assert net.freed == 3, "it does not try again"


def test_no_memory_at_all_is_told():
    with pytest.raises(EngineError, match="not even memory"):
        upscaled(Film(256, 256), Net(room=100))


def test_other_errors_are_not_taken_for_it():
    class Broken(Net):
        def __call__(self, images):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        upscaled(Film(), Broken())
