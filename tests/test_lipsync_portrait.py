"""The talking portrait on a drawn face whose 478 points are known."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from cartoon import LIP, SKIN, cartoon, posed
from hypothesis import given, settings
from hypothesis import strategies as st

from myspinbot.audio import Audio
from myspinbot.errors import BadInputError
from myspinbot.lipsync.anatomy import measure_mouth
from myspinbot.lipsync.fields import MOVES
from myspinbot.lipsync.head import POSES
from myspinbot.lipsync.portrait import TalkingPortrait
from myspinbot.lipsync.puppet import Puppet
from myspinbot.lipsync.visemes import VISEMES
from myspinbot.speech import Phoneme, Sentence, Speech, Word

FPS = Fraction(25)


def tone(duration_s: float, level: float = 0.3, rate: int = 16000) -> Audio:
    time = np.arange(round(duration_s * rate)) / rate
    buzz = np.stack([np.sin(2 * np.pi * f * time) for f in (150, 450, 600, 750)]).mean(0)
    return Audio((level * buzz).astype(np.float32)[None], rate)


def speech_of(symbols: str, length_s: float = 0.2) -> Speech:
    phonemes = tuple(
        Phoneme(s, 0.2 + i * length_s, 0.2 + (i + 1) * length_s) for i, s in enumerate(symbols)
    )
    end_s = phonemes[-1].end_s
    return Speech((Sentence("w", 0.2, end_s, (Word("w", 0.2, end_s, phonemes),)),), end_s + 0.3)


def inside_mouth(frame: np.ndarray, puppet: Puppet) -> int:
    """How many pixels about the mouth are neither skin nor lip: cavity, teeth or tongue."""
    x, y = puppet.mouth.frame.origin.astype(int)
    unit = int(puppet.mouth.frame.unit_px)
    patch = frame[y - unit // 2 : y + unit, x - unit // 2 : x + unit // 2].astype(int)
    apart = [np.abs(patch - np.array(color)).max(-1) > 40 for color in (SKIN, LIP)]
    return int((apart[0] & apart[1]).sum())


@pytest.fixture(scope="module")
def drawn():
    image, face = cartoon()
    return image, face, Puppet(image, face)


def test_anatomy_of_closed_and_smiling_mouths(drawn):
    image, face, _ = drawn
    closed = measure_mouth(image, face)
    assert not closed.is_open
    assert not closed.shows_teeth
    assert closed.frame.unit_px == pytest.approx(31.6, abs=1.5)
    assert np.abs(closed.seam).max() < 0.06
    smiling = measure_mouth(*cartoon(gap=11))
    assert smiling.is_open
    assert smiling.shows_teeth
    # A jaw that closes lifts the lower lip; the upper one comes down less.
    down, up = smiling.seam - smiling.upper, smiling.lower - smiling.seam
    assert down[32] < 0.9 * up[32]
    assert 0.6 < closed.softness_px < 1.6


def test_rest_is_the_portrait_itself(drawn):
    image, _, puppet = drawn
    frame = puppet.draw(posed(puppet, "silence"))
    assert frame.shape == image.shape
    assert np.abs(frame.astype(int) - image).max() <= 3


def test_vowels_open_and_bilabials_close(drawn):
    _, _, puppet = drawn
    closed = inside_mouth(puppet.draw(posed(puppet, "silence")), puppet)
    opened = {v: inside_mouth(puppet.draw(posed(puppet, v)), puppet) for v in VISEMES}
    for viseme in ("a", "aa", "ae", "eh", "aw"):
        assert opened[viseme] > closed + 80
    for viseme in ("p", "m"):
        assert opened[viseme] <= closed + 12
    assert opened["aa"] > opened["eh"] > opened["i"] > opened["p"]


def test_an_open_smile_can_be_closed():
    image, face = cartoon(gap=11)
    puppet = Puppet(image, face)
    x, y = puppet.mouth.frame.origin.astype(int)

    def bright(frame):
        return int((frame[y - 12 : y + 16, x - 14 : x + 14].min(-1) > 200).sum())

    assert bright(image) > 100
    assert bright(puppet.draw(posed(puppet, "silence"))) == 0
    assert bright(puppet.draw(posed(puppet, "p"))) == 0
    assert bright(puppet.draw(posed(puppet, "i"))) > 10


@pytest.mark.parametrize("name", POSES)
def test_the_head_moves_and_the_background_does_not(drawn, name):
    image, _, puppet = drawn
    head = np.zeros(len(POSES), np.float32)
    head[POSES.index(name)] = {"lean": 0.012, "sway_x": 0.06, "sway_y": 0.06}.get(name, 0.04)
    frame = puppet.draw(posed(puppet, "silence", head=head)).astype(int)
    assert np.abs(frame - image)[100:280, 90:230].max() > 20
    # What the head pulls along slides past the sides of a tight picture, but never off them.
    for side in (0, -1):
        assert np.abs(frame[:, side] - image[:, side]).max() <= 3


def test_a_far_background_is_exactly_still():
    image, face = cartoon(width=700, height=700, center=(350, 330), scale=0.7)
    puppet = Puppet(image, face)
    head = np.array([0.05, 0.05, 0.02, 0.05, 0.04, 0.01, 0.0], np.float32)
    moved = (puppet.draw(posed(puppet, "aa", head=head)) != image).any(-1)
    assert moved[250:400, 290:410].mean() > 0.05
    assert not moved[:, :120].any()
    assert not moved[:, -120:].any()
    assert not moved[:60].any()


def test_gray_stays_gray():
    image, face = cartoon(gray=True)
    puppet = Puppet(image, face)
    for viseme in ("aa", "i", "f"):
        frame = puppet.draw(posed(puppet, viseme, blink=0.6, gaze=(0.2, 0.0))).astype(int)
        assert np.ptp(frame, axis=-1).max() <= 2


def test_frames_are_counted_repeatable_and_seeded():
    image, face = cartoon(width=200, height=240, center=(100, 115), scale=0.6)
    audio, speech = tone(1.3), speech_of("mɑpu")
    takes = [
        [
            frame.copy()
            for frame in TalkingPortrait(image, face, audio, speech, fps=FPS, seed=s).frames()
        ]
        for s in (3, 3, 4)
    ]
    portrait = TalkingPortrait(image, face, audio, speech, fps=FPS, seed=3)
    assert portrait.frame_count == len(takes[0]) == 32
    first, again = list(portrait.frames()), list(portrait.frames())
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first, takes[1], strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, takes[2], strict=True))


def test_all_off_and_silent_is_a_still_portrait():
    image, face = cartoon(width=200, height=240, center=(100, 115), scale=0.6)
    audio = Audio(np.zeros((1, 16000), np.float32), 16000)
    portrait = TalkingPortrait(
        image, face, audio, None, fps=FPS, expressiveness=0, head_motion=0, blink=0, gaze=0
    )
    frames = list(portrait.frames())
    assert len(frames) == 25
    assert all(np.array_equal(frame, frames[0]) for frame in frames)
    assert np.abs(frames[0].astype(int) - image).max() <= 3


def test_silence_keeps_the_mouth_closed_while_the_head_lives():
    image, face = cartoon(width=200, height=240, center=(100, 115), scale=0.6)
    audio = Audio(np.zeros((1, 32000), np.float32), 16000)
    portrait = TalkingPortrait(image, face, audio, None, fps=FPS)
    gap = [MOVES.index(name) for name in ("jaw", "upper", "lower", "upper_round", "lower_round")]
    for index in range(portrait.frame_count):
        assert portrait.pose(index).moves[gap].sum() < 0.01
    assert len({frame.tobytes() for frame in portrait.frames()}) > 40


@settings(max_examples=25, deadline=None)
@given(
    width=st.integers(24, 171),
    height=st.integers(24, 171),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    scale=st.floats(0.08, 0.9),
    gap=st.sampled_from([0.0, 12.0]),
    turn=st.floats(-0.5, 0.5),
)
def test_any_box_and_any_size(width, height, x, y, scale, gap, turn):
    image, face = cartoon(width, height, (x * width, y * height), scale, gap)
    cos, sin = np.cos(turn), np.sin(turn)
    middle = np.array([x * width, y * height])
    matrix = np.array([[cos, -sin], [sin, cos]])
    face = face.transformed(np.column_stack([matrix, middle - matrix @ middle]))
    portrait = TalkingPortrait(image, face, tone(0.2), speech_of("ɑp", 0.05), fps=FPS)
    frames = list(portrait.frames())
    assert len(frames) == portrait.frame_count == 5
    for frame in frames:
        assert frame.shape == (height // 2 * 2, width // 2 * 2, 3)
        assert frame.dtype == np.uint8


@pytest.mark.parametrize("samples", [0, 1, 100])
def test_the_shortest_audio_makes_one_frame(samples):
    image, face = cartoon(width=101, height=121, center=(50, 58), scale=0.3)
    audio = Audio(np.zeros((1, samples), np.float32), 16000)
    for speech in (None, Speech((), 0.0), speech_of("ɑ")):
        portrait = TalkingPortrait(image, face, audio, speech, fps=FPS)
        assert portrait.frame_count == 1
        (frame,) = portrait.frames()
        assert (portrait.width, portrait.height) == (100, 120)
        assert frame.shape == (120, 100, 3)


def test_samples_that_are_no_numbers_count_as_silence():
    image, face = cartoon(width=200, height=240, center=(100, 115), scale=0.6)
    audio = tone(1.0)
    audio.samples[0, 9000:] = 0
    audio.samples[0, 4000:4100] = np.nan
    audio.samples[0, 6000] = np.inf
    portrait = TalkingPortrait(image, face, audio, None, fps=FPS)
    assert np.isfinite(portrait.audio.samples).all()
    assert max(portrait.pose(index).moves[1] for index in range(portrait.frame_count)) > 0.02
    assert np.isnan(audio.samples).any()  # the caller's own stays as it was


def test_the_first_and_the_last_mouth_rest_whatever_is_said():
    image, face = cartoon(width=200, height=240, center=(100, 115), scale=0.6)
    phonemes = tuple(Phoneme("ɑ", 0.1 * i, 0.1 * i + 0.1) for i in range(20))
    speech = Speech((Sentence("w", 0, 2, (Word("w", 0, 2, phonemes),)),), 2.0)
    portrait = TalkingPortrait(image, face, tone(2.0), speech, fps=FPS)
    jaw = [portrait.pose(index).moves[MOVES.index("jaw")] for index in range(50)]
    assert jaw[0] == jaw[-1] == 0
    assert min(jaw[4:-4]) > 0.1
    assert np.abs(np.diff(jaw)).max() < 0.6 * max(jaw)


def test_lips_pressed_beside_a_border_pull_nothing_from_beyond_it():
    image, face = cartoon(height=272)  # cut off just under the lower lip
    image[-1] = (0, 255, 0)
    puppet = Puppet(image, face)
    for viseme in ("p", "m", "f", "aa", "u"):
        frame = puppet.draw(posed(puppet, viseme)).astype(int)
        green = (frame[..., 1] - frame.max(-1, where=[True, False, True], initial=0)) > 60
        assert not green[:-2].any()


def test_bad_images_and_rates_are_refused():
    image, face = cartoon()
    for bad in (image.astype(np.float32), image[..., 0], image[:8]):
        with pytest.raises(BadInputError):
            TalkingPortrait(bad, face, tone(0.1), None, fps=FPS)
    with pytest.raises(BadInputError):
        TalkingPortrait(image, face, tone(0.1), None, fps=Fraction(0))


def test_the_image_is_never_written_to():
    image, face = cartoon(width=200, height=240, center=(100, 115), scale=0.6)
    before = image.copy()
    for frame in TalkingPortrait(image, face, tone(0.4), None, fps=FPS).frames():
        frame[:] = 0
    assert np.array_equal(image, before)


@pytest.mark.weights
def test_a_tracker_sees_what_the_mouth_was_told(finder, samples_dir):
    picture = cv2.imread(str(samples_dir / "astronaut.png"))
    assert picture is not None
    image = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    face = finder.require_face(image)
    speech = speech_of("mɑpufæbiɑmoʊpɛ", 0.2)
    portrait = TalkingPortrait(
        image, face, tone(speech.duration_s), speech, fps=FPS, head_motion=0.5
    )
    seen, wanted = [], []
    gap = [MOVES.index(name) for name in ("jaw", "upper", "lower", "upper_round", "lower_round")]
    for index, frame in enumerate(portrait.frames()):
        face = finder.track(frame, face)
        assert face is not None
        seen.append(face.mouth_gap)
        wanted.append(portrait.pose(index).moves[gap].sum())
    assert np.corrcoef(seen, wanted)[0, 1] > 0.85
    closed = np.array(wanted) < 0.01
    assert np.mean(np.array(seen)[closed]) < 0.3 * np.max(seen)
