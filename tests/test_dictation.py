"""Words heard in a sound whose text is not known."""

import numpy as np
import pytest

from myspinbot.audio import Audio, read_audio
from myspinbot.voice.alignment import dictation
from myspinbot.voice.alignment.dictation import hear_words

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def clip(samples_dir):
    return read_audio(samples_dir / "voice.wav")


def test_most_words_of_a_clip_are_heard_with_the_times_of_their_sounds(clip):
    heard = hear_words(clip)
    assert heard is not None
    said = [word.text.lower().strip(".,") for word in heard.words]
    for word in ["three", "to", "four", "pounds", "but", "heavy", "or", "seven", "eight"]:
        assert word in said
    assert all(word.phonemes for word in heard.words)
    assert heard.duration_s == pytest.approx(clip.duration_s)


@pytest.mark.parametrize("name", ["silence", "noise", "backwards", "nothing"])
def test_what_is_no_english_speech_gives_no_words(clip, name):
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 3 * clip.rate))
    samples = {
        "silence": np.zeros((1, 3 * clip.rate)),
        "noise": noise,
        "backwards": clip.samples[:, ::-1],
        "nothing": np.zeros((1, 0)),
    }[name]
    assert hear_words(Audio(np.ascontiguousarray(samples, np.float32), clip.rate)) is None


def test_another_language_gives_no_words(models_dir):
    from myspinbot.voice.engines.kokoro import Kokoro

    engine = Kokoro.load(models_dir)
    text = "Buenos días, me llamo Pablo y vivo cerca de la playa con mi madre."
    spoken = engine.synthesize(text, engine.stock_style("ef_dora"), language="es")
    assert hear_words(Audio(spoken.samples, engine.sample_rate)) is None


def test_a_cancel_passes_through(clip):
    class CancelledError(Exception):
        pass

    def tick(done, total):
        if done > 100:
            raise CancelledError

    with pytest.raises(CancelledError):
        hear_words(clip, tick)


def test_a_long_sound_in_another_tongue_is_given_up_after_its_beginning(clip, monkeypatch):
    monkeypatch.setattr(dictation, "_BEGINNING_S", 5)
    backwards = np.ascontiguousarray(clip.samples[:, ::-1])
    long = Audio(np.resize(backwards, (1, 12 * clip.rate)), clip.rate)
    lengths_s = []
    assert hear_words(long, lambda done, total: lengths_s.append(total / 100)) is None
    assert max(lengths_s) == pytest.approx(5, abs=0.1)
