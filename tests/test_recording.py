"""What the doctor hears in a recording, and what it does not hear in a good one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import audio, chords, noise, phrases, room, rumble, silence, voice

from myspinbot.audio import Audio, read_audio
from myspinbot.voice import activity, recording
from myspinbot.voice.speaker import SpeakerEncoder, embed, embed_each


def told(sound: Audio, encoder: SpeakerEncoder | None = None) -> str:
    return " ".join(recording.flaws(sound, encoder))


def overdriven(sound: Audio, by_db: float) -> Audio:
    gain = 10 ** (by_db / 20) / np.abs(sound.samples).max()
    return Audio(np.clip(sound.samples * gain, -1, 1), sound.rate)


DAMAGE = {
    "very quiet": lambda s: Audio(s.samples * 0.04, s.rate),
    "clipped": lambda s: overdriven(s, 12),
    "noise": lambda s: noise(s, 15),
    "music": lambda s: chords(s, 20),
    "echo": lambda s: room(s, 0.6),
    "telephone": lambda s: s.resampled(8_000).resampled(24_000),
}


@pytest.fixture(scope="module")
def woman(samples_dir) -> Audio:
    return read_audio(samples_dir / "voice.wav")


@pytest.fixture(scope="module")
def man(samples_dir) -> Audio:
    return read_audio(samples_dir / "voice_man.wav")


@pytest.mark.parametrize("hz", [100, 220])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_nothing_is_wrong_with_a_good_recording(hz, rate):
    assert told(audio(voice(6, hz, rate), rate=rate)) == ""


@pytest.mark.parametrize("flaw", DAMAGE)
def test_a_flaw_is_told(flaw):
    (only,) = recording.flaws(DAMAGE[flaw](audio(voice(6))))
    assert flaw in only


@pytest.mark.weights
@pytest.mark.parametrize("flaw", DAMAGE)
def test_a_flaw_of_a_human_voice_is_told(flaw, woman, man):
    for human in (woman, man):
        assert flaw not in told(human)
        assert flaw in told(DAMAGE[flaw](human))


def test_clipping_is_heard_through_a_resampler_and_on_one_side():
    sound = audio(voice(6))
    assert "clipped" in told(overdriven(sound, 20).resampled(12_000).resampled(16_000))
    half = Audio(np.minimum(sound.samples, 0.1 * sound.samples.max()), sound.rate)
    assert "clipped" in told(half)


def test_a_larger_room_is_heard_as_well():
    for reverberation_s in (0.5, 0.8, 1.2):
        assert "echo" in told(room(audio(voice(6)), reverberation_s))


def test_hum_under_hearing_is_no_noise():
    assert "noise" not in told(rumble(audio(*phrases(3)), 0.02))


@pytest.mark.weights
def test_a_second_speaker_is_heard(woman, man, models_dir):
    encoder = SpeakerEncoder.load(models_dir / "ge2e.safetensors")
    both = Audio(np.concatenate([woman.samples, man.samples], axis=1), woman.rate)
    turns = [
        part[:, start : start + 60_000]
        for start in (0, 60_000)
        for part in (woman.samples, man.samples)
    ]
    assert "two speakers" in told(both, encoder)
    assert "two speakers" in told(Audio(np.concatenate(turns, axis=1), woman.rate), encoder)
    assert "two speakers" not in told(both)
    for human in (woman, man):
        twice = Audio(np.tile(human.samples, 2), human.rate)
        assert "two speakers" not in told(twice, encoder)


@pytest.mark.weights
def test_sounds_are_embedded_together_as_each_alone(woman, man, models_dir):
    encoder = SpeakerEncoder.load(models_dir / "ge2e.safetensors")
    pieces = [
        h.resampled(16_000).samples[:, 8_000:56_000] * gain
        for h in (woman, man)
        for gain in (1, 0.01)
    ]  # the softer ones are raised
    alone = np.stack([embed(encoder, Audio(piece, 16_000)).numpy() for piece in pieces])
    together = embed_each(encoder, np.concatenate(pieces)).numpy()
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(4), abs=1e-5)


@pytest.mark.weights
def test_a_poor_recording_of_one_is_not_taken_for_two(woman, man, models_dir):
    encoder = SpeakerEncoder.load(models_dir / "ge2e.safetensors")
    for human in (woman, man):
        for damage in DAMAGE.values():
            assert "two speakers" not in told(damage(human), encoder)


def test_what_has_no_voice():
    tone = 0.1 * np.sin(2 * np.pi * 220 * np.arange(64_000) / 16_000)
    for sound in (tone, silence(4), 500 * silence(4), np.zeros(64_000), np.zeros(5)):
        assert not recording.has_voice(audio(sound))
    assert not recording.has_voice(chords(audio(silence(4)), -40))
    assert recording.has_voice(audio(voice(4)))


@settings(max_examples=25)
@given(st.integers(0, 30_000), st.sampled_from([8_000, 11_025, 48_000]), st.floats(0, 1))
def test_any_sound_can_be_judged(length, rate, level):
    wild = np.random.default_rng(length).normal(size=length) * level
    for sound in (wild, np.full(length, level), voice(length / rate, rate=rate)):
        assert all(recording.flaws(audio(sound, rate=rate)))
        recording.has_voice(audio(sound, rate=rate))


@settings(max_examples=25)
@given(st.integers(0, 30_000), st.sampled_from([8_000, 11_025, 22_050, 48_000]))
def test_levels_of_any_length(length, rate):
    level_db = activity.levels_db(audio(np.ones(length), rate=rate))
    assert len(level_db) == max(1, int(length / rate / activity.HOP_S))
    assert np.isfinite(level_db).all()


def test_the_level_of_a_tone():
    for rate in (8_000, 44_100):
        tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(70 * rate) / rate)  # over a minute
        level_db = activity.levels_db(audio(tone, rate=rate))
        assert level_db[5:-5] == pytest.approx(-9.03, abs=0.2)


def test_speech_is_found_between_silence_and_clicks():
    click = np.zeros(16_000)
    click[8_000:8_080] = 0.5
    speech = activity.speech_frames(
        activity.levels_db(audio(silence(1), click, voice(2), silence(1)))
    )
    assert not speech[:195].any()
    assert 195 <= np.flatnonzero(speech)[0] <= 210
    assert 385 <= np.flatnonzero(speech)[-1] <= 400


def test_little_speech_in_a_long_silence_is_found():
    speech = activity.speech_frames(activity.levels_db(audio(silence(200), voice(3), silence(200))))
    assert speech.sum() == pytest.approx(260, abs=40)
    assert speech[19_990:20_310].sum() == speech.sum()


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(3, 20), st.integers(1, 20)), max_size=6),
    st.sampled_from([8_000, 11_025, 44_100]),
)
def test_kept_frames_are_joined_without_a_click(spans, rate):
    kept = np.array([keep for on, off in spans for keep in [True] * on + [False] * off], bool)
    sound = audio(np.full(round(0.01 * len(kept) * rate) + 3, 0.5), rate=rate)
    joined = activity.only(sound, kept).samples[0]
    assert len(joined) == pytest.approx(kept.sum() * 0.01 * rate, abs=len(spans))
    assert np.abs(joined).max(initial=0) <= 0.5 * np.sqrt(2) + 1e-6
    assert np.abs(np.diff(joined, prepend=0, append=0)).max(initial=0) < 0.01
