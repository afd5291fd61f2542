"""Dubbing: the order of frames, cutting and pasting, pauses, frames without a face."""

from fractions import Fraction
from itertools import islice

import cv2
import numpy as np
import pytest
import tiny_lipsync as tiny
from faces import plain_face, read_rgb
from hypothesis import given
from hypothesis import strategies as st
from sounds import audio, silence, voice

from myspinbot.audio import Audio
from myspinbot.errors import BadInputError
from myspinbot.lipsync.dubbing import WHEN_SHORT, Dubbing, played
from myspinbot.lipsync.engines.musetalk import MuseTalk
from myspinbot.lipsync.engines.wav2lip import Wav2Lip
from myspinbot.lipsync.paste import crop, mouth_mask, paste

ENGINES = [Wav2Lip, MuseTalk]
RATE = 16_000


class Pictures:
    """A film of pictures in memory, of which it remembers how many were read."""

    def __init__(self, pictures, fps=25):
        self._pictures = pictures
        self.height, self.width = pictures[0].shape[:2]
        self.fps, self.frame_count, self.read = Fraction(fps), len(pictures), 0
        self.audio = None

    def frames(self, first=0):
        for picture in self._pictures[first:]:
            self.read += 1
            yield picture


def numbered(count):
    return Pictures([np.full((16, 16, 3), n % 256, np.uint8) for n in range(count)])


def order(length, count, when_short):
    shown = list(played(numbered(length), count, when_short))
    assert all((frame == number % 256).all() for number, frame in shown)
    return [number for number, _ in shown]


@given(st.integers(1, 60), st.integers(1, 200))
def test_frames_come_in_order_whatever_the_lengths(length, count):
    swing = 2 * (length - 1) or 1
    assert order(length, count, "loop") == [n % length for n in range(count)]
    assert order(length, count, "hold") == [min(n, length - 1) for n in range(count)]
    assert order(length, count, "ping-pong") == [
        min(n % swing, swing - n % swing) for n in range(count)
    ]


def test_a_film_goes_back_and_forth_in_few_reads():
    film = numbered(200)
    list(played(film, 400, "ping-pong"))
    assert film.read <= 402


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("roll", [0.0, 0.4, -0.3])
def test_nothing_outside_of_the_mouth_changes(engine, roll):
    face = turned(roll)
    frame = np.random.default_rng(0).integers(0, 256, (400, 420, 3), np.uint8)
    cut = engine.cut(face)
    drawn = np.full((engine.crop_px, engine.crop_px, 3), 255, np.uint8)
    pasted = paste(frame, drawn, cut, face)
    changed = (pasted != frame).any(2)
    assert 0.02 < changed.mean() < 0.2
    y, x = np.nonzero(changed)
    inside = cut.matrix(1) @ np.stack([x, y, np.ones(len(x))])
    assert (np.abs(inside) < 0.51).all()  # of the square
    assert (inside[1] > -0.06).all()  # and of it the lower half
    assert (frame[:100] == pasted[:100]).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_cut_out_fits_where_it_was(engine):
    face = turned(0.3)
    noise = np.random.default_rng(0).integers(0, 256, (400, 420, 3), np.uint8)
    frame = cv2.GaussianBlur(noise, (0, 0), 6).astype(np.float32)
    frame = np.clip((frame - 128) * 8 + 128, 0, 255).astype(np.uint8)
    cut = engine.cut(face)
    pasted = paste(frame, crop(frame, cut, engine.crop_px), cut, face)
    assert np.abs(pasted.astype(int) - frame).max() <= 12
    moved = paste(frame, crop(np.roll(frame, 6, axis=1), cut, engine.crop_px), cut, face)
    assert np.abs(moved.astype(int) - frame).max() > 60


def test_a_face_that_leaves_the_frame_is_pasted_as_far_as_it_is_seen():
    for shift in ((-120, 0), (0, 50), (90, 40), (900, 900)):
        face = plain_face().transformed(np.array([[1.0, 0, shift[0]], [0, 1, shift[1]]]))
        frame = np.zeros((300, 300, 3), np.uint8)
        cut = Wav2Lip.cut(face)
        drawn = np.full((96, 96, 3), 255, np.uint8)
        pasted = paste(frame, drawn, cut, face)
        assert pasted.shape == frame.shape
        assert pasted.any() == (shift != (900, 900))
        assert crop(frame, cut, 96).shape == (96, 96, 3)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_mask_covers_the_mouth_and_no_border(engine):
    face = plain_face()
    matrix = engine.cut(face).matrix(96)
    mask = mouth_mask(face, matrix, 96)
    x, y = np.rint(matrix[:, :2] @ [200, 250] + matrix[:, 2]).astype(int)
    assert mask[y, x] == pytest.approx(1, abs=0.02)
    for border in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
        assert border.max() < 0.01
    assert (mask[:44] == 0).all()
    assert np.abs(np.diff(mask, axis=0)).max() < 0.3


def turned(roll):
    cos, sin = np.cos(roll), np.sin(roll)
    x, y = 200 - 200 * cos + 200 * sin, 200 - 200 * sin - 200 * cos
    return plain_face().transformed(np.array([[cos, -sin, x], [sin, cos, y]]))


@pytest.fixture(scope="module")
def engine():
    tensors = tiny.wav2lip(width=2, seed=5)
    return Wav2Lip.from_tensors({k.removeprefix("module."): v for k, v in tensors.items()})


@pytest.fixture(scope="module")
def hopper(samples_dir):
    image = read_rgb(samples_dir / "hopper.jpg")
    return cv2.resize(image, (256, round(image.shape[0] * 256 / image.shape[1])))[:299]


@pytest.fixture
def dub(engine, finder):
    def make(pictures, sound, **options):
        return Dubbing(Pictures(pictures), sound, lambda: (engine, finder), **options)

    return make


def kept(dubbing):
    return [frame.copy() for frame in dubbing.frames()]


@pytest.mark.weights
def test_a_still_says_the_audio(dub, hopper):
    told = []
    dubbing = dub([hopper], audio(voice(1.013)), tell=told.append)
    assert (dubbing.width, dubbing.height) == (256, 298)
    frames = kept(dubbing)
    assert len(frames) == dubbing.frame_count == 25
    assert dubbing.faceless == 0
    assert told == ["All 25 frames show a face."]
    assert all(frame.shape == (298, 256, 3) for frame in frames)
    assert len({frame.tobytes() for frame in frames}) > 10
    assert all((frame[:60] == hopper[:60]).all() for frame in frames)
    again = kept(dubbing)
    assert all((one == other).all() for one, other in zip(frames, again, strict=True))


@pytest.mark.weights
def test_the_mouth_is_still_while_nobody_speaks(dub, hopper):
    sound = audio(voice(0.8), silence(1.0), voice(0.8))
    frames = kept(dub([hopper], sound))
    quiet = [frame.tobytes() for frame in frames[25:42]]
    assert len(set(quiet)) == 1
    assert len({frame.tobytes() for frame in frames[3:18]}) > 8
    assert frames[0].tobytes() == quiet[0]


@pytest.mark.weights
def test_frames_without_a_face_pass_and_are_counted(dub, hopper, caplog):
    empty = np.random.default_rng(0).integers(0, 256, hopper.shape, np.uint8)
    pictures = [hopper] * 6 + [empty] * 5 + [hopper] * 4
    told = []
    sound = audio(voice(len(pictures) / 25))
    dubbing = dub(pictures, sound, when_short="hold", tell=told.append)
    frames = kept(dubbing)
    assert dubbing.faceless == 5
    assert all((frame == empty[:298]).all() for frame in frames[6:11])
    assert not any((frame == hopper[:298]).all() for frame in frames[:6] + frames[11:])
    assert told == ["5 of 15 frames show no face and stay as they are."]
    assert told[0] in caplog.text


@pytest.mark.weights
def test_a_film_without_any_face_passes(dub):
    empty, told = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8), []
    frames = kept(dub([empty], audio(voice(0.2)), tell=told.append))
    assert len(frames) == 5
    assert all((frame == empty).all() for frame in frames)
    assert told == ["5 of 5 frames show no face and stay as they are."]


@pytest.mark.weights
def test_a_face_that_moves_takes_its_mouth_along(dub, hopper):
    """Pasted squares follow the face: seen from the face, the same part of the frame changes."""
    pictures = [np.roll(hopper, 3 * n, axis=1) for n in range(10)]
    frames = kept(dub(pictures, audio(voice(0.4))))
    middles = []
    for frame, picture in zip(frames, pictures, strict=True):
        _, x = np.nonzero((frame != picture[:298]).any(2))
        middles.append((x.min() + x.max()) / 2)
    assert np.diff(middles) == pytest.approx(3, abs=1.5)
    assert middles[-1] - middles[0] == pytest.approx(27, abs=2)


@pytest.mark.weights
def test_frames_are_made_when_they_are_taken(dub, hopper):
    dubbing = dub([hopper], audio(voice(600)))
    assert dubbing.frame_count == 15000
    assert len(list(islice(dubbing.frames(), 3))) == 3


def test_broken_samples_are_silence(engine, finder):
    samples = np.full((2, RATE), np.nan, np.float32)
    dubbing = Dubbing(numbered(3), Audio(samples, RATE), lambda: (engine, finder))
    assert not dubbing.audio.samples.any()
    small = Pictures([np.zeros((20, 15, 3), np.uint8)])
    with pytest.raises(BadInputError, match="15 x 20"):
        Dubbing(small, dubbing.audio, lambda: (engine, finder))


def test_the_node_offers_what_there_is():
    assert WHEN_SHORT == ("loop", "ping-pong", "hold")
