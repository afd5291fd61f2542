"""The reference clip's doctor and the pitch it measures."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myspinbot.audio import Audio
from myspinbot.errors import BadInputError
from myspinbot.voice import clip, pitch

TEXT = "one two three four five six seven eight nine ten"


def buzz(seconds: float, hz: float = 120.0, rate: int = 16_000, level: float = 0.2) -> np.ndarray:
    """A sawtooth like a glottis, its pitch moving by a few percent, its loudness by syllables."""
    time = np.arange(round(seconds * rate)) / rate
    cycles = hz * (time + 0.01 * np.sin(2 * np.pi * time))
    return level * (2 * (cycles % 1) - 1) * (1 - 0.2 * np.cos(2 * np.pi * 4 * time))


def tone(hz: float) -> np.ndarray:
    return 0.1 * np.sin(2 * np.pi * hz * np.arange(64_000) / 16_000)


def silence(seconds: float, rate: int = 16_000) -> np.ndarray:
    return np.random.default_rng(0).normal(size=round(seconds * rate)) * 1e-4


def audio(*parts: np.ndarray, rate: int = 16_000) -> Audio:
    return Audio(np.concatenate(parts)[None].astype(np.float32), rate)


def phrases(count: int, rate: int = 16_000) -> list[np.ndarray]:
    return [part for _ in range(count) for part in (buzz(2, rate=rate), silence(0.5, rate))]


def test_silence_around_the_speech_goes():
    ready = clip.prepare(audio(silence(2), buzz(3), silence(1)), TEXT)
    assert 3.0 <= ready.audio.duration_s <= 3.5
    assert ready.speech_s == pytest.approx(3, abs=0.1)
    assert ready.warnings == ()


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_any_rate_and_channel_count(rate):
    mono = audio(*phrases(2, rate), rate=rate)
    ready = clip.prepare(Audio(np.repeat(mono.samples, 2, axis=0), rate), TEXT)
    assert ready.audio.samples.shape[0] == 1
    assert ready.audio.rate == min(rate, 48_000)
    assert ready.speech_s == pytest.approx(4.3, abs=0.1)


def test_a_long_clip_is_cut_at_a_pause():
    ready = clip.prepare(audio(*phrases(9)), "word " * 40)
    assert 13.5 < ready.audio.duration_s < 15
    assert ready.speech_s == pytest.approx(9 * 2.3, rel=0.03)  # what the whole transcript takes
    assert any("only" in warning for warning in ready.warnings)


def test_long_pauses_are_shortened():
    ready = clip.prepare(audio(buzz(2), silence(20), buzz(2), silence(3), buzz(1)), TEXT)
    assert 5 < ready.audio.duration_s < 6
    assert ready.speech_s == pytest.approx(5.6, abs=0.1)
    assert ready.warnings == ()


def test_a_long_recording_costs_no_memory():
    sound = audio(np.tile(np.append(buzz(2), silence(0.5)), 120))  # five minutes
    tracemalloc.start()
    clip.prepare(sound, "word " * 600)
    assert tracemalloc.get_traced_memory()[1] < 12 * sound.samples.nbytes
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("sound", "transcript", "message"),
    [
        (audio(np.zeros(64_000)), TEXT, "silent"),
        (audio(buzz(1.5), silence(3)), TEXT, "only 1.5 s of speech"),
        (audio(np.full(64_000, np.nan)), TEXT, "NaN"),
        (audio(np.append(buzz(4), np.inf)), TEXT, "infinite"),
        (audio(np.random.default_rng(0).normal(size=64_000) * 0.1), TEXT, "No voice"),
        (audio(tone(440)), TEXT, "No voice"),
        (audio(tone(220) + tone(277) + tone(330)), TEXT, "No voice"),
        (audio(buzz(4)), " ... ", "transcript is empty"),
        (audio(np.zeros(0)), TEXT, "empty"),
        (audio(buzz(4, rate=6_000), rate=6_000), TEXT, "6000 Hz"),
    ],
)
def test_unusable_clips_are_refused(sound, transcript, message):
    with pytest.raises(BadInputError, match=message):
        clip.prepare(sound, transcript)


def noisy() -> Audio:
    sound = audio(*phrases(2))
    noise = np.random.default_rng(0).normal(size=sound.samples.shape) * 0.02
    return Audio(sound.samples + noise.astype(np.float32), sound.rate)


@pytest.mark.parametrize(
    ("sound", "transcript", "message"),
    [
        (noisy(), TEXT, "noise"),
        (audio(np.clip(buzz(4) * 12, -1, 1)), TEXT, "clipped"),
        (audio(buzz(4)).resampled(8_000).resampled(24_000), TEXT, "telephone"),
        (audio(buzz(4, rate=8_000), rate=8_000), TEXT, "telephone"),
        (audio(buzz(4)), "word " * 30, "30 words"),
        (audio(buzz(4)), "one two", "2 words"),
    ],
)
def test_flaws_are_told(sound, transcript, message):
    (warning,) = clip.prepare(sound, transcript).warnings
    assert message in warning


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.02, 6)), max_size=8),
    st.sampled_from([8_000, 16_000, 44_100]),
)
def test_every_clip_is_used_or_refused(parts, rate):
    sounds = [buzz(s, rate=rate) if is_speech else silence(s, rate) for is_speech, s in parts]
    sound = audio(np.zeros(0), *sounds, rate=rate)
    try:
        ready = clip.prepare(sound, TEXT)
    except BadInputError:
        return
    assert clip.SHORTEST_SPEECH_S <= ready.speech_s <= sound.duration_s + 0.05
    assert ready.audio.duration_s <= min(sound.duration_s, clip.LONGEST_S) + 0.05
    assert np.isfinite(ready.audio.samples).all()


@pytest.mark.parametrize("hz", [70, 110, 180, 260, 420])
def test_pitch_of_a_known_voice(hz):
    measured = pitch.measure(audio(buzz(2, hz), silence(1)))
    assert measured.median_hz == pytest.approx(hz, rel=0.03)
    assert 0.01 < measured.log_std < 0.08
    assert measured.voiced_share == pytest.approx(2 / 3, abs=0.05)


@pytest.mark.parametrize("sound", [audio(np.zeros(0)), audio(np.zeros(8_000)), audio(silence(1))])
def test_no_pitch_without_a_voice(sound):
    assert pitch.measure(sound).median_hz == 0
