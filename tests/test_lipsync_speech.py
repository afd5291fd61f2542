"""From phonemes and sound to mouth parameters, head, lids and gaze: no face, no pixels."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from myspinbot.audio import Audio
from myspinbot.lipsync import listener, spectrum
from myspinbot.lipsync.actuate import Limits, amounts_of
from myspinbot.lipsync.fields import MOVES
from myspinbot.lipsync.head import POSES
from myspinbot.lipsync.label_lag import formants_db, label_lag_s
from myspinbot.lipsync.listener import mouth_from_audio
from myspinbot.lipsync.motion import Liveliness, plan_motion
from myspinbot.lipsync.mouth import mouth_from_speech, voice_gate
from myspinbot.lipsync.prosody import accents, loudness, pauses
from myspinbot.lipsync.visemes import CHANNELS, JAW, PUCKER, VISEMES, WIDE, visemes_of
from myspinbot.speech import Phoneme, Sentence, Speech, Word
from myspinbot.voice.engines.kokoro import Kokoro

FPS = Fraction(25)
DATA = Path(__file__).parent / "data"
LIMITS = Limits(jaw=0.4, upper=0.15, lower=0.17, wide=1, pucker=1, rounding=0)


def spoken(*sounds: tuple[str, float], start_s: float = 0.4, tail_s: float = 0.5) -> Speech:
    """One word of (symbol, seconds) pairs; "" is a pause."""
    at_s, phonemes = start_s, []
    for symbol, length_s in sounds:
        if symbol:
            phonemes.append(Phoneme(symbol, at_s, at_s + length_s, stress=1))
        at_s += length_s
    word = Word("word", start_s, at_s, tuple(phonemes))
    return Speech((Sentence("word", start_s, at_s, (word,)),), at_s + tail_s)


def gaps(speech: Speech, fps: Fraction = FPS) -> np.ndarray:
    """Gap between the lips' middles in each frame, half mouth widths."""
    count = round(speech.duration_s * fps)
    amounts = amounts_of(mouth_from_speech(speech, count, fps), LIMITS)
    names = ("jaw", "upper", "lower", "upper_round", "lower_round")
    return amounts[:, [MOVES.index(name) for name in names]].sum(1)


def frame_of(time_s: float, fps: Fraction = FPS) -> int:
    return int(time_s * fps)


def test_there_are_enough_visemes_and_each_is_in_range():
    assert len(VISEMES) >= 17
    for viseme in VISEMES.values():
        assert len(viseme.pose) == len(CHANNELS)
        assert all(0 <= value <= 1 for value in viseme.pose)
    assert len({viseme.pose for viseme in VISEMES.values()}) >= 17


@pytest.mark.parametrize(
    ("symbol", "names"),
    [
        ("b", ["p"]),
        ("m", ["m"]),
        ("v", ["f"]),
        ("oʊ", ["o", "u"]),
        ("aɪ", ["a", "ih"]),
        ("dʒ", ["t", "sh"]),
        ("ɝ", ["er"]),
        ("ɑː", ["aa"]),
        ("ˈi", ["i"]),
        ("ɾ", ["tap"]),
        ("ʔ", ["glottal"]),
        ("", ["silence"]),
        ("ã", ["a"]),
        ("pʰ", ["p"]),
        ("ç", ["k"]),
        ("ʘ", ["schwa"]),
        ("ᵊ", ["schwa"]),
        ("ɡ", ["k"]),
        ("X", ["k"]),
    ],
)
def test_symbols(symbol, names):
    assert [viseme.name for viseme, _ in visemes_of(symbol)] == names


@given(st.text(max_size=6))
def test_any_symbol_has_visemes_that_fill_its_time(symbol):
    assert sum(share for _, share in visemes_of(symbol)) == pytest.approx(1)


@pytest.mark.parametrize("fps", [Fraction(24), FPS, Fraction(30000, 1001), Fraction(60)])
@pytest.mark.parametrize("symbol", ["p", "b", "m"])
@pytest.mark.parametrize("offset_s", [0.0, 0.011, 0.023, 0.034])
def test_every_bilabial_closes_the_lips(fps, symbol, offset_s):
    speech = spoken(("ɑ", 0.16), (symbol, 0.06), ("ɑ", 0.16), start_s=0.4 + offset_s)
    closed = gaps(speech, fps)
    centre = frame_of(0.4 + offset_s + 0.19, fps)
    assert closed[centre - 1 : centre + 2].min() == pytest.approx(0, abs=1e-4)
    assert closed.max() > 0.2


@pytest.mark.parametrize("symbol", ["f", "v"])
def test_labiodentals_bring_the_lip_to_the_teeth(symbol):
    track = mouth_from_speech(spoken(("ɑ", 0.2), (symbol, 0.1), ("ɑ", 0.2)), 35, FPS)
    closed = gaps(spoken(("ɑ", 0.2), (symbol, 0.1), ("ɑ", 0.2)))
    centre = frame_of(0.65)
    assert track.on_teeth[centre - 1 : centre + 2].max() == 1
    assert 0.02 < closed[centre - 1 : centre + 2].min() < 0.09


def test_the_mouth_does_what_it_did():
    """Golden values; benchmarks/make_mouth_golden.py writes them."""
    golden = json.loads((DATA / "lipsync" / "golden.json").read_text("utf-8"))
    words = [tuple(Phoneme(*phoneme) for phoneme in word) for word in golden["words"]]
    timed = tuple(Word("", word[0].start_s, word[-1].end_s, word) for word in words)
    speech = Speech((Sentence("", 0, golden["duration_s"], timed),), golden["duration_s"])
    track = mouth_from_speech(speech, len(golden["poses"]), Fraction(golden["fps"]))
    for name in ("poses", "lips_apart", "on_teeth"):
        np.testing.assert_allclose(getattr(track, name), golden[name], atol=2e-3, err_msg=name)


def test_silence_is_closed_and_relaxed():
    speech = spoken(("ɑ", 0.3), ("", 0.7), ("i", 0.3), tail_s=0.8)
    closed = gaps(speech)
    assert np.all(closed[frame_of(0.92) : frame_of(1.15)] < 0.02)
    assert np.all(closed[-8:] < 0.01)
    assert np.all(closed[: frame_of(0.2)] < 0.02)


def test_a_sound_is_seen_a_little_before_it_is_heard():
    closed = gaps(spoken(("ɑ", 0.3), start_s=0.5))
    half = np.flatnonzero(closed > 0.5 * closed.max())[0] / float(FPS)
    assert 0.40 < half < 0.5


def test_rounding_starts_before_its_vowel_and_neighbours_blend():
    poses = mouth_from_speech(spoken(("s", 0.15), ("t", 0.1), ("u", 0.25)), 30, FPS).poses
    assert poses[frame_of(0.61), PUCKER] > 0.15
    i, u, a = (
        mouth_from_speech(spoken((v, 0.4)), 30, FPS).poses[frame_of(0.6)] for v in ("i", "u", "ɑ")
    )
    assert i[WIDE] > 0.6 > u[WIDE]
    assert u[PUCKER] > 0.7 > i[PUCKER]
    assert a[JAW] > 0.8 > 2 * max(i[JAW], u[JAW])


def test_an_empty_word_still_moves_and_late_labels_are_taken_back():
    word = Word("hm", 0.3, 0.7)
    speech = Speech((Sentence("hm", 0.3, 0.7, (word,)),), 1.0)
    assert mouth_from_speech(speech, 25, FPS).poses[:, JAW].max() > 0.2
    right = mouth_from_speech(spoken(("ɑ", 0.3), start_s=0.4), 30, FPS)
    late = mouth_from_speech(spoken(("ɑ", 0.3), start_s=0.48), 30, FPS, late_s=0.08)
    assert np.allclose(right.poses, late.poses, atol=0.02)


spans = st.lists(
    st.tuples(st.sampled_from(["", "p", "f", "aɪ", "u", "tʃ", "ʘ"]), st.floats(0, 0.4)), max_size=12
)


@settings(max_examples=40, deadline=None)
@given(spans, st.sampled_from([Fraction(12), FPS, Fraction(60)]), st.integers(1, 80))
def test_any_speech_gives_parameters_in_range(sounds, fps, count):
    track = mouth_from_speech(spoken(*sounds), count, fps)
    for values in (track.poses, track.lips_apart, track.on_teeth):
        assert len(values) == count
        assert np.all(np.isfinite(values))
        assert values.min() >= 0
        assert values.max() <= 1
    amounts = amounts_of(track, LIMITS)
    assert np.all(np.isfinite(amounts))


def voice(opening: np.ndarray, rate: int = 16000) -> Audio:
    """A buzz of three formants whose level follows `opening`, one value per 10 ms."""
    time = np.arange(len(opening) * rate // 100) / rate
    level = np.interp(time, np.arange(len(opening)) / 100, opening)
    buzz = sum(
        np.sin(2 * np.pi * k * 120 * time) / (1 + abs(k * 120 - 700) / 300 + abs(k - 10) / 12)
        for k in range(1, 30)
    )
    return Audio((0.08 * level * buzz).astype(np.float32)[None], rate)


def test_sound_alone_opens_on_vowels_and_closes_in_silence():
    opening = np.zeros(300)
    opening[50:90] = opening[150:200] = opening[240:260] = 1
    track = mouth_from_audio(voice(opening), 75, FPS)
    jaw = track.poses[:, JAW]
    at = np.clip(np.arange(75) * 4 + 2, 0, 299)
    assert np.corrcoef(jaw, opening[at])[0, 1] > 0.8
    assert jaw[:10].max() < 0.08  # the portrait closes pauses for good
    assert jaw[28:35].max() < 0.08


@pytest.mark.parametrize("samples", [0, 1, 37, 4000])
def test_silent_and_tiny_sounds_leave_the_mouth_closed(samples):
    audio = Audio(np.zeros((2, samples), np.float32), 44100)
    track = mouth_from_audio(audio, 3, FPS)
    assert track.poses.max() < 1e-3
    assert loudness(audio).max(initial=0) == 0


def test_what_is_heard_does_not_depend_on_level_or_length(monkeypatch):
    opening = np.zeros(900)
    for start in range(40, 860, 60):
        opening[start : start + 30] = 1
    sound = voice(opening)
    whole = listener.answer(listener.features(sound))
    quiet = Audio(0.05 * sound.samples, sound.rate)
    np.testing.assert_allclose(listener.answer(listener.features(quiet)), whole, atol=2e-3)
    monkeypatch.setattr(spectrum, "BLOCK", 130)
    np.testing.assert_allclose(listener.answer(listener.features(sound)), whole, atol=1e-5)


@given(st.integers(1, 30000), st.sampled_from((8000, 22050, 48000)), st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_any_sound_gives_as_many_frames_as_asked_for(samples, rate, count):
    noise = np.random.default_rng(samples).normal(0, 0.1, (2, samples)).astype(np.float32)
    track = mouth_from_audio(Audio(noise, rate), count, FPS)
    assert track.poses.shape == (count, len(CHANNELS))
    for values in (track.poses, track.lips_apart, track.on_teeth):
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1
    assert (track.on_teeth <= track.lips_apart).all()


@pytest.mark.weights
def test_a_voice_it_never_learnt_from_is_followed_by_sound_alone(models_dir):
    engine = Kokoro.load(models_dir)
    with torch.inference_mode():
        chunk = engine.synthesize(
            "My mother made a big bowl of apple pie before the visitors came.",
            engine.stock_style("af_alloy"),
        )
    audio = Audio(chunk.samples, chunk.rate)
    speech = Speech((chunk.sentence,), audio.duration_s)
    count = int(audio.duration_s * 25)
    heard, known = mouth_from_audio(audio, count, FPS), mouth_from_speech(speech, count, FPS)
    assert np.corrcoef(heard.poses[:, JAW], known.poses[:, JAW])[0, 1] > 0.75
    closed = known.lips_apart < 0.1
    assert closed.sum() >= 5
    assert (heard.lips_apart[closed] < 0.5).mean() > 0.6
    assert (heard.lips_apart[~closed] < 0.1).mean() < 0.1


@pytest.mark.parametrize("late", [-9, 0, 8])
def test_late_labels_are_noticed(late):
    rng = np.random.default_rng(2)
    opening, at_s, sounds = np.zeros(900), 0.4, []
    while at_s < 8:
        length_s, pause_s = rng.uniform(0.08, 0.25), rng.uniform(0.05, 0.3)
        opening[round(at_s * 100) : round((at_s + length_s) * 100)] = 1
        sounds += [("ɑ", length_s), ("", pause_s)]
        at_s += length_s + pause_s
    speech = spoken(*sounds, start_s=0.4 + late / 100, tail_s=0)
    # The estimate allows for the delay that real vowels have; here there is none.
    assert label_lag_s(speech, formants_db(voice(opening))) == pytest.approx(late / 100, abs=0.03)


def test_the_gate_closes_in_pauses_and_at_both_ends():
    gate = voice_gate([(1.0, 2.0)], np.array([0.1, 0.5, 0.999, 1.5, 1.999, 2.5, 2.9]))
    assert gate.tolist() == pytest.approx([0, 1, 1, 0, 1, 1, 0], abs=0.01)


def test_accents_and_pauses_of_a_voice():
    opening = np.zeros(400)
    opening[40:70] = opening[150:190] = 1
    level = loudness(voice(opening))
    found = accents(None, level)
    assert len(found) == 2
    assert 0.4 < found[0].time_s < 0.7
    quiet = pauses(level)
    assert any(start < 1.0 < end for start, end in quiet)


def test_motion_is_seeded_smooth_and_can_be_switched_off():
    stress = accents(spoken(("ɑ", 0.3), ("b", 0.1), ("i", 0.3)), np.ones(2000, np.float32))
    plan = [plan_motion(500, FPS, stress, [(3.0, 4.0)], Liveliness(), seed) for seed in (1, 1, 2)]
    for name in ("head", "brows", "blink", "gaze"):
        first, same, other = (getattr(p, name) for p in plan)
        assert np.array_equal(first, same)
        assert not np.array_equal(first, other)
    assert np.abs(np.diff(plan[0].head[:, POSES.index("yaw")])).max() < 0.012
    assert plan[0].blink.max() == pytest.approx(1, abs=0.01)
    count = int(np.sum((plan[0].blink[1:] > 0.5) & (plan[0].blink[:-1] <= 0.5)))
    assert 3 <= count <= 12
    off = plan_motion(500, FPS, stress, [], Liveliness(0, 0, 0, 0), 1)
    assert not any(getattr(off, name).any() for name in ("head", "brows", "blink", "gaze"))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 90), st.integers(0, 2**40), st.floats(0, 2))
def test_any_plan_is_finite(count, seed, amount):
    plan = plan_motion(count, FPS, [], [], Liveliness(amount, amount, amount, amount), seed)
    for name in ("head", "brows", "blink", "gaze"):
        assert len(getattr(plan, name)) == count
        assert np.all(np.isfinite(getattr(plan, name)))
    assert plan.blink[-1] == 0
