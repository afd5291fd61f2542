"""The reference clip's doctor: what it keeps of a recording and of its transcript."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import audio, chords, noise, phrases, room, silence, voice

from myspinbot.audio import Audio, read_audio
from myspinbot.errors import BadInputError
from myspinbot.voice import clip, pitch

TEXT = "one two three four five six seven eight nine ten eleven twelve"
ENGLISH = (
    "The irons weighed from three to four pounds, but heavier irons, seven or eight pounds weight."
)

estimated = partial(clip.prepare, language="de")
"""Prepare a clip whose words are laid out by their length: nobody can hear any in these sounds."""


@pytest.fixture(scope="module")
def woman(samples_dir) -> Audio:
    """Says ENGLISH."""
    return read_audio(samples_dir / "voice.wav")


def test_silence_around_the_speech_goes():
    ready = estimated(audio(silence(2), voice(6), silence(1)), TEXT)
    assert 5.8 <= ready.audio.duration_s <= 6.3
    assert ready.speech_s == pytest.approx(6, abs=0.15)
    assert ready.span_s == pytest.approx((1.88, 8.12), abs=0.1)
    assert ready.transcript == TEXT
    assert ready.warnings == ()


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_any_rate_and_channel_count(rate):
    mono = audio(*phrases(3, rate), rate=rate)
    for channels in (1, 2, 6):
        ready = estimated(Audio(np.repeat(mono.samples, channels, axis=0), rate), TEXT)
        assert ready.audio.samples.shape[0] == 1
        assert ready.audio.rate == min(rate, 48_000)
        assert ready.speech_s == pytest.approx(6.6, abs=0.2)
        assert ready.audio.loudness_lufs() == pytest.approx(-23, abs=0.5)


@pytest.mark.parametrize(
    "other",
    [
        lambda x: np.zeros_like(x),
        lambda x: 0.01 * np.random.default_rng(1).normal(size=x.shape),
        lambda x: -x,
        lambda x: -0.5 * x,
    ],
)
def test_the_better_channel_is_taken(other):
    good = audio(*phrases(3)).samples
    for channels in ([good, other(good)], [other(good), good]):
        stereo = Audio(np.concatenate(channels).astype(np.float32), 16_000)
        ready = estimated(stereo, TEXT)
        alone = estimated(Audio(good, 16_000), TEXT)
        assert ready.warnings == alone.warnings == ()
        assert np.abs(ready.audio.samples) == pytest.approx(np.abs(alone.audio.samples), abs=0.02)


def test_equal_channels_are_averaged_against_their_noise():
    good = audio(*phrases(3)).samples
    noises = np.random.default_rng(1).normal(size=(2, good.shape[1])) * 0.0025
    one = Audio((good + noises[:1]).astype(np.float32), 16_000)
    both = Audio((good + noises).astype(np.float32), 16_000)
    assert any("noise" in warning for warning in estimated(one, TEXT).warnings)
    assert estimated(both, TEXT).warnings == ()


def test_a_long_clip_is_cut_at_a_pause():
    ready = estimated(audio(*phrases(9)), "word " * 40)
    assert 13.5 < ready.audio.duration_s < 15
    assert ready.speech_s == pytest.approx(6 * 2.3 - 0.3, abs=0.2)
    assert len(ready.transcript.split()) == pytest.approx(40 * 6 / 9, abs=2)
    (warning,) = ready.warnings
    assert "only what is said from 0 s to 15 s" in warning


def test_a_long_clip_without_a_pause_is_cut_too():
    ready = estimated(audio(voice(40)), "word " * 80)
    assert 12 < ready.audio.duration_s <= clip.LONGEST_S
    assert len(ready.transcript.split()) == pytest.approx(2 * ready.audio.duration_s, abs=2)


def test_long_pauses_are_shortened():
    ready = estimated(audio(voice(2), silence(20), voice(2), silence(3), voice(2)), TEXT)
    assert 6 < ready.audio.duration_s < 7
    assert ready.speech_s == pytest.approx(6.6, abs=0.2)
    assert ready.span_s == pytest.approx((0, 29), abs=0.1)
    assert ready.warnings == ()


@pytest.mark.parametrize(
    "intro",
    [
        chords(audio(silence(12)), -40).samples[0] * 20,
        noise(audio(*phrases(6)), 5).samples[0],
        room(audio(*phrases(6)), 0.8).samples[0],
    ],
)
def test_a_good_stretch_is_preferred(intro):
    begin_s = len(intro) / 16_000
    ready = estimated(audio(intro, silence(0.5), *phrases(9)), "word " * 60)
    assert ready.span_s[0] >= begin_s - 2
    assert ready.audio.duration_s > 8
    (warning,) = ready.warnings
    assert "only what is said" in warning


def test_a_long_recording_costs_no_memory():
    sound = audio(np.tile(np.append(voice(2), silence(0.5)), 120))  # five minutes
    tracemalloc.start()
    estimated(sound, "word " * 600)
    assert tracemalloc.get_traced_memory()[1] < 12 * sound.samples.nbytes
    tracemalloc.stop()


def tone(hz: float) -> np.ndarray:
    return 0.1 * np.sin(2 * np.pi * hz * np.arange(64_000) / 16_000)


@pytest.mark.parametrize(
    ("sound", "transcript", "message"),
    [
        (audio(np.zeros(64_000)), TEXT, "silent"),
        (audio(voice(1.5), silence(3)), TEXT, r"only 1\.\d s of speech"),
        (audio(np.full(64_000, np.nan)), TEXT, "NaN"),
        (audio(np.append(voice(4), np.inf)), TEXT, "infinite"),
        (audio(np.random.default_rng(0).normal(size=64_000) * 0.1), TEXT, "No voice"),
        (audio(tone(440)), TEXT, "No voice"),
        (audio(tone(220) + tone(277) + tone(330)), TEXT, "No voice"),
        (Audio(chords(audio(silence(30)), -40).samples * 20, 16_000), TEXT, "No voice"),
        (audio(voice(4)), " ... ", "transcript is empty"),
        (audio(np.zeros(0)), TEXT, "empty"),
        (audio(voice(4, rate=6_000), rate=6_000), TEXT, "6000 Hz"),
    ],
)
def test_unusable_clips_are_refused(sound, transcript, message):
    with pytest.raises(BadInputError, match=message):
        clip.prepare(sound, transcript)


@pytest.mark.parametrize(
    ("sound", "transcript", "message"),
    [
        (noise(audio(*phrases(3)), 12), TEXT, "noise"),
        (audio(voice(6, rate=8_000), rate=8_000), TEXT, "telephone"),
        (audio(voice(4)), TEXT, "s of speech: 5 to 12 s make"),
        (audio(voice(6)), "words " * 40, "40 words"),
        (audio(voice(6)), "one two", "2 words"),
    ],
)
def test_flaws_are_told(sound, transcript, message):
    (warning,) = estimated(sound, transcript).warnings
    assert message in warning


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("这是一个用来测试声音的句子内容", "zh"),
        ("これはこえをためすための文です", "ja"),
        ("12 34 56", "de"),
    ],
)
def test_texts_without_words_of_letters(text, language):
    assert clip.prepare(audio(voice(5.5)), text, language=language).warnings == ()


def test_words_that_are_not_said_are_told():
    (warning,) = clip.prepare(audio(voice(6)), TEXT).warnings
    assert "does not seem to be what the clip says" in warning


def test_cancel_reaches_the_caller():
    class CancelledError(BaseException):
        pass

    def cancel(done, total):
        raise CancelledError

    with pytest.raises(CancelledError):
        clip.prepare(audio(voice(6)), TEXT, tick=cancel)


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.sampled_from("vsn"), st.floats(0.02, 6)), max_size=8),
    st.sampled_from([8_000, 11_025, 16_000, 44_100]),
    st.integers(1, 3),
    st.floats(0.001, 3),
)
def test_every_clip_is_used_or_refused(parts, rate, channels, gain):
    make = {
        "v": lambda s: voice(s, rate=rate),
        "s": lambda s: silence(s, rate),
        "n": lambda s: 50 * silence(s, rate),
    }
    mono = audio(np.zeros(0), *(make[kind](seconds) for kind, seconds in parts), rate=rate)
    sound = Audio(np.repeat(mono.samples * np.float32(gain), channels, axis=0), rate)
    try:
        ready = estimated(sound, TEXT)
    except BadInputError:
        return
    assert ready.audio.samples.dtype == np.float32
    assert np.isfinite(ready.audio.samples).all()
    assert ready.audio.duration_s <= min(sound.duration_s, clip.LONGEST_S) + 0.05
    assert 0 < ready.speech_s <= ready.audio.duration_s + 0.01
    assert 0 <= ready.span_s[0] < ready.span_s[1] <= sound.duration_s + 0.05
    assert ready.transcript in TEXT
    peak_dbfs = 20 * np.log10(np.abs(ready.audio.samples).max())
    assert peak_dbfs <= clip.PEAK_DBFS + 0.01
    is_limited = peak_dbfs == pytest.approx(clip.PEAK_DBFS, abs=0.01)
    assert is_limited or ready.audio.loudness_lufs() == pytest.approx(-23, abs=0.5)


@pytest.mark.weights
def test_a_good_clip_of_a_human(woman):
    ready = clip.prepare(woman, ENGLISH)
    assert ready.transcript == ENGLISH
    assert ready.warnings == ()
    assert ready.audio.loudness_lufs() == pytest.approx(-23, abs=0.1)


@pytest.mark.weights
def test_a_transcript_that_goes_on_ends_where_the_clip_does(woman):
    ready = clip.prepare(
        woman, f"{ENGLISH} They were as a rule not worn by day, and only at night."
    )
    assert ready.transcript == ENGLISH
    assert ready.warnings == ()
    half = Audio(woman.samples[:, : round(2.9 * woman.rate)], woman.rate)
    assert clip.prepare(half, ENGLISH).transcript.startswith("The irons weighed from three to four")
    assert "eight" not in clip.prepare(half, ENGLISH).transcript


@pytest.mark.weights
def test_words_that_are_not_in_the_transcript_are_cut_off(woman, samples_dir):
    pause = np.zeros((1, woman.rate // 2), np.float32)
    other = read_audio(samples_dir / "voice_man.wav").samples[:, : 3 * woman.rate]
    sound = Audio(np.concatenate([other, pause, woman.samples, pause, other], axis=1), woman.rate)
    ready = clip.prepare(sound, ENGLISH)
    begin_s = other.shape[1] / woman.rate + 0.5
    assert ready.transcript == ENGLISH
    assert ready.span_s == pytest.approx((begin_s, begin_s + woman.duration_s), abs=0.3)


@pytest.mark.weights
def test_a_long_transcript_is_cut_with_its_recording(woman):
    pause = np.zeros((1, woman.rate // 2), np.float32)
    sound = Audio(np.tile(np.concatenate([woman.samples, pause], axis=1), 5), woman.rate)
    ready = clip.prepare(sound, " ".join([ENGLISH] * 5))
    assert ready.transcript == f"{ENGLISH} {ENGLISH}"
    assert ready.span_s == pytest.approx((0, 2 * woman.duration_s + 0.5), abs=0.3)


@pytest.mark.weights
def test_a_wrong_transcript_of_the_right_length_is_told(woman):
    wrong = (
        "Every morning he walked along the empty beach and looked for shells beside the old pier."
    )
    (warning,) = clip.prepare(woman, wrong).warnings
    assert "does not seem to be what the clip says" in warning


@pytest.mark.parametrize("hz", [70, 110, 180, 260, 420])
def test_pitch_of_a_known_voice(hz):
    time_s = np.arange(32_000) / 16_000
    cycles = hz * (time_s + 0.01 * np.sin(2 * np.pi * time_s))
    measured = pitch.measure(audio(0.2 * (2 * (cycles % 1) - 1), silence(1)))
    assert measured.median_hz == pytest.approx(hz, rel=0.03)
    assert 0.01 < measured.log_std < 0.08
    assert measured.voiced_share == pytest.approx(2 / 3, abs=0.05)


@pytest.mark.parametrize("sound", [audio(np.zeros(0)), audio(np.zeros(8_000)), audio(silence(1))])
def test_no_pitch_without_a_voice(sound):
    assert pitch.measure(sound).median_hz == 0
