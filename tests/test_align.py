"""Alignment: words land where they are said, a wrong text shows, all else is an estimate."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.audio import Audio, read_audio
from myspinbot.errors import BadInputError
from myspinbot.speech import Speech
from myspinbot.voice.activity import HOP_S, levels_db, runs, speech_frames
from myspinbot.voice.alignment.align import Alignment, align
from myspinbot.voice.alignment.arpabet import VOWELS, from_dictionary, from_sounds, phones_of
from myspinbot.voice.alignment.proportional import lay_out
from myspinbot.voice.text.reading import Sound, read

ROOT = Path(__file__).parent.parent
OTHER = "Later, we simply let life proceed in its own direction, toward its own fate."
SOUNDS = (*"pbtdkɡmnŋfvθðszʃʒhlɹwjɾʔxɪiəɜʌɒæʊøʘ", "tʃ", "dʒ", "ts", "oʊ", "əʊ")


@pytest.fixture(scope="session")
def clip(samples_dir) -> Audio:
    return read_audio(samples_dir / "voice.wav")


@pytest.fixture(scope="session")
def transcript(samples_dir) -> str:
    return (samples_dir / "voice.txt").read_text("utf-8").strip()


@pytest.fixture(scope="session")
def aligned(clip, transcript) -> Alignment:
    return align(clip, transcript)


def padded(audio: Audio, before_s: float, after_s: float) -> Audio:
    width = (round(before_s * audio.rate), round(after_s * audio.rate))
    return Audio(np.pad(audio.samples, ((0, 0), width)), audio.rate)


def joined(*pieces: Audio) -> Audio:
    return Audio(np.concatenate([piece.samples for piece in pieces], axis=1), pieces[0].rate)


def starts(speech: Speech) -> np.ndarray:
    return np.array([word.start_s for word in speech.words])


def hum(*loud: bool, piece_s: float = 0.5) -> Audio:
    """A rough tone with pauses."""
    time_s = np.arange(round(piece_s * 16_000)) / 16_000
    tone = np.sin(2 * np.pi * 150 * time_s) * (1 + np.sin(2 * np.pi * 5 * time_s)) / 4
    pieces = [tone if piece else 0 * tone for piece in loud]
    return Audio(np.concatenate(pieces)[None].astype(np.float32), 16_000)


def check_spans(found: Alignment, audio: Audio, text: str) -> None:
    """Every word once, in order, inside the sound, and all parts inside of their whole."""
    speech = found.speech
    assert speech.duration_s == audio.duration_s
    assert len(found.heard) == len(speech.words)
    assert " ".join(word.text for word in speech.words).split() == text.split()
    for parts in (speech.sentences, speech.words, speech.phonemes):
        edges = [edge for part in parts for edge in (part.start_s, part.end_s)]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= audio.duration_s
    for sentence in speech.sentences:
        assert sentence.start_s == sentence.words[0].start_s
        assert sentence.end_s == sentence.words[-1].end_s
        for word in sentence.words:
            assert not word.phonemes or word.phonemes[0].start_s == word.start_s
            assert not word.phonemes or word.phonemes[-1].end_s == word.end_s


# --- how a text is read


def test_a_number_is_one_word_with_many_sounds():
    (sentence,) = read("Dr. Smith paid $3.50.", "en-us")
    assert [word.text for word in sentence.words] == ["Dr.", "Smith", "paid", "$3.50."]
    assert [len(word.parts) for word in sentence.words] == [1, 1, 1, 5]
    assert "".join(sound.ipa for sound in sentence.words[3].parts[1]) == "dɑlɚz".replace("ɚ", "əɹ")


def test_a_language_that_espeak_speaks_has_sounds_and_another_has_none():
    (german,) = read("Guten Tag!", "de")
    assert [len(word.sounds) for word in german.words] == [5, 3]
    assert german.words[0].sounds[1] == Sound("u", 1)
    (klingon,) = read("nuqneH qa'pla", "tlh")
    assert [word.sounds for word in klingon.words] == [(), ()]
    assert [word.size for word in klingon.words] == [6, 5]


# --- ARPAbet


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("nurse", "N ER S"),
        ("around", "AH R AW N D"),
        ("choosing", "CH UW Z IH NG"),
        ("water", "W AO T ER"),
    ],
)
def test_words_in_arpabet(text: str, phones: str):
    (sentence,) = read(text, "en-us")
    assert " ".join(phones_of(from_sounds(sentence.words[0].sounds))) == phones


@given(st.lists(st.builds(Sound, st.sampled_from(SOUNDS), st.integers(0, 2)), max_size=12))
def test_no_sound_is_lost_in_arpabet(sounds):
    pieces = from_sounds(sounds)
    assert [sound for piece in pieces for sound in piece.sounds] == sounds
    assert all(phone.isalpha() and phone.isupper() for phone in phones_of(pieces))


def test_a_dictionary_takes_stress_and_schwa_from_the_text():
    (sentence,) = read("record", "en-us")
    own = from_sounds(sentence.words[0].sounds)
    other = from_dictionary(("R", "EH", "K", "ER", "D"), own)
    assert phones_of(other) == ("R", "EH", "K", "ER", "D")
    stress = [piece.sounds[0].stress for piece in other if piece.phones[0] in VOWELS]
    assert stress == [piece.sounds[0].stress for piece in own if piece.phones[0] in VOWELS]
    assert max(stress) == 1
    assert from_dictionary(phones_of(own), own) == own


# --- estimates


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=30),
    st.lists(st.booleans(), min_size=1, max_size=200),
    st.floats(0, 1),
    st.floats(0, 2),
)
def test_laid_out_spans_are_in_order_and_inside(sizes, frames, start_s, length_s):
    spans = lay_out(sizes, np.array(frames), start_s, start_s + length_s)
    assert len(spans) == len(sizes)
    edges = [edge for span in spans for edge in span]
    assert all(a <= b + 1e-9 for a, b in pairwise(edges))
    assert start_s <= edges[0]
    assert edges[-1] <= start_s + length_s + 1e-9


def test_words_are_laid_over_the_speech_and_not_over_pauses():
    speech = np.repeat([0, 1, 0, 1, 0], [50, 100, 100, 200, 50]).astype(bool)
    spans = lay_out([4, 5, 9, 8], speech, 0.0, 5.0)
    assert spans[0][0] == pytest.approx(0.5)
    assert spans[1][1] == pytest.approx(1.5)
    assert spans[2][0] == pytest.approx(2.5)
    assert spans[3][1] == pytest.approx(4.5)
    assert spans[2][1] == pytest.approx(2.5 + 2 * 9 / 17)


def test_another_language_is_estimated_and_says_so():
    audio = hum(False, True, True, False, True, False)
    found = align(audio, "Guten Tag, Anna.", "de-DE")
    check_spans(found, audio, "Guten Tag, Anna.")
    assert (found.method, found.score, found.agrees) == ("energy", None, None)
    assert not any(found.heard)
    assert "only English words can be heard, not de" in found.note
    first, second, third = found.speech.words
    assert first.start_s == pytest.approx(0.5, abs=0.05)
    assert second.end_s == pytest.approx(1.5, abs=0.05)
    assert third.start_s == pytest.approx(2.0, abs=0.05)
    assert [phoneme.symbol for phoneme in first.phonemes][:2] == ["ɡ", "u"]


def test_without_pocketsphinx_english_is_estimated_and_the_note_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    found = align(hum(True, False, True), "Hello there.")
    assert found.method == "energy"
    assert "pip install pocketsphinx" in found.note


def test_nothing_heavy_is_imported_before_it_is_used():
    code = "import sys, myspinbot.voice.alignment.align; sys.exit('pocketsphinx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# --- bad input


@pytest.mark.parametrize(
    ("audio", "text", "message"),
    [
        (hum(True), " … ", "text is empty"),
        (Audio(np.zeros((1, 0), np.float32), 16_000), "Hello.", "sound is empty"),
        (Audio(np.zeros((2, 16_000), np.float32), 16_000), "Hello.", "silent"),
        (Audio(np.full((1, 16_000), 0.3, np.float32), 16_000), "Hello.", "silent"),
        (Audio(np.full((1, 16_000), np.nan, np.float32), 16_000), "Hello.", "NaN"),
    ],
)
def test_what_cannot_be_aligned_is_refused(audio, text, message):
    with pytest.raises(BadInputError, match=message):
        align(audio, text)


@pytest.mark.parametrize("length", [10, 200, 700])
def test_a_sound_too_short_for_any_word_gets_all_words_in_it(length):
    audio = Audio(hum(True).samples[:, :length], 16_000)
    found = align(audio, "Hello there.")
    check_spans(found, audio, "Hello there.")
    assert not found.agrees


# --- real speech


@pytest.mark.weights
def test_a_right_text_agrees_and_its_words_lie_on_the_sound(aligned, clip, transcript):
    check_spans(aligned, clip, transcript)
    assert (aligned.method, aligned.agrees, aligned.note) == ("forced", True, "")
    assert aligned.score > 0.95
    assert all(aligned.heard)
    loud = speech_frames(levels_db(clip.resampled(16_000)))
    for word in aligned.speech.words:
        inside = loud[round(word.start_s / HOP_S) : round(word.end_s / HOP_S)]
        assert inside.mean() > 0.6, word
    pauses = [(a * HOP_S, b * HOP_S) for a, b in runs(~loud) if (b - a) * HOP_S > 0.15]
    assert len(pauses) >= 2
    for first_s, last_s in pauses:
        following = min(abs(start_s - last_s) for start_s in starts(aligned.speech))
        assert following < 0.06 or last_s > aligned.speech.words[-1].end_s, (first_s, last_s)


@pytest.mark.weights
def test_sounds_have_their_symbols_and_stress(aligned):
    spoken = {word.text: word.phonemes for word in aligned.speech.words}
    assert [p.symbol for p in spoken["seven"]] == ["s", "ɛ", "v", "ə", "n"]
    assert [p.stress for p in spoken["seven"]] == [0, 1, 0, 0, 0]
    assert all(0.02 < p.end_s - p.start_s < 0.4 for p in spoken["seven"])


@pytest.mark.weights
@pytest.mark.parametrize(
    ("rate", "channels", "gain"), [(8_000, 1, 1.0), (44_100, 2, 0.01), (48_000, 1, 1.9)]
)
def test_rate_channels_and_level_change_little(aligned, clip, transcript, rate, channels, gain):
    other = Audio(np.repeat(clip.resampled(rate).samples * gain, channels, axis=0), rate)
    found = align(other, transcript)
    assert found.agrees
    error_s = np.abs(starts(found.speech) - starts(aligned.speech))
    assert np.median(error_s) < 0.015
    assert error_s.max() < 0.15


@pytest.mark.weights
def test_silence_around_shifts_the_words(aligned, clip, transcript):
    longer = padded(clip, 1.5, 2.0)
    found = align(longer, transcript)
    check_spans(found, longer, transcript)
    assert found.agrees
    error_s = starts(found.speech) - starts(aligned.speech) - 1.5
    assert np.abs(error_s).max() < 0.05


@pytest.mark.weights
def test_british_readings_are_heard_too(clip, transcript):
    found = align(clip, transcript, "en-gb")
    assert found.agrees
    four = next(word for word in found.speech.words if word.text == "four")
    assert four.phonemes[0].symbol == "f"


def wrong_texts(transcript: str) -> dict[str, str]:
    words = transcript.split()
    half = len(words) // 2
    mixed = [words[i] for i in np.random.default_rng(0).permutation(len(words))]
    return {
        "another": OTHER,
        "first half": " ".join(words[:half]),
        "second half": " ".join(words[half:]),
        "shuffled": " ".join(mixed),
        "a sentence too much": f"{transcript} {OTHER}",
        "a sentence too early": f"{OTHER} {transcript}",
    }


@pytest.mark.weights
@pytest.mark.parametrize("kind", wrong_texts(""))
def test_a_wrong_text_does_not_agree(clip, transcript, kind):
    text = wrong_texts(transcript)[kind]
    found = align(clip, text)
    check_spans(found, clip, text)
    assert found.agrees is False
    assert "very likely not what is said" in found.note


@pytest.mark.weights
def test_words_that_are_said_keep_their_place_next_to_others(
    aligned, clip, transcript, samples_dir
):
    stranger = read_audio(samples_dir / "voice_man.wav").mono().resampled(clip.rate)
    both = joined(stranger, clip, stranger)
    found = align(both, transcript)
    check_spans(found, both, transcript)
    error_s = starts(found.speech) - starts(aligned.speech) - stranger.duration_s
    assert np.median(np.abs(error_s)) < 0.02
    assert found.agrees is False


@pytest.mark.weights
def test_a_long_recording_is_heard_in_stretches(aligned, clip, transcript):
    pause = Audio(np.zeros((1, clip.rate), np.float32), clip.rate)
    long = joined(*[clip, pause] * 6)
    text = " ".join([transcript] * 6)
    found = align(long, text)
    check_spans(found, long, text)
    assert found.agrees
    period_s = clip.duration_s + 1
    expected = np.concatenate([starts(aligned.speech) + i * period_s for i in range(6)])
    error_s = np.abs(starts(found.speech) - expected)
    assert np.median(error_s) < 0.02
    assert error_s.max() < 0.2


@pytest.mark.weights
def test_a_passage_that_nobody_says_is_named_and_shifts_nothing(aligned, clip, transcript):
    pause = Audio(np.zeros((1, clip.rate), np.float32), clip.rate)
    text = f"{transcript} {transcript} {OTHER} {transcript} {transcript} {transcript}"
    found = align(joined(*[clip, pause] * 5), text)
    assert found.agrees
    assert "words in a row were not heard: “Later, we simply" in found.note
    error_s = starts(found.speech)[-len(aligned.speech.words) :] - starts(aligned.speech)
    assert np.abs(error_s - 4 * (clip.duration_s + 1)).max() < 0.2
    unheard = [
        word.text
        for word, is_heard in zip(found.speech.words, found.heard, strict=True)
        if not is_heard
    ]
    assert " ".join(unheard) == OTHER


@pytest.mark.weights
def test_progress_is_frequent_and_never_goes_back(clip, transcript):
    seen: list[tuple[int, int]] = []
    clock: list[float] = [time.thread_time()]

    def tick(done: int, total: int) -> None:
        seen.append((done, total))
        clock.append(time.thread_time())

    align(joined(*[clip] * 3), " ".join([transcript] * 3), tick=tick)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {round(3 * clip.duration_s / HOP_S)}
    assert np.diff(clock).max() < 1


@pytest.mark.weights
@pytest.mark.parametrize("after", [0, 5, 60])
def test_cancel_comes_through(clip, transcript, after):
    class CancelError(Exception):
        pass

    count = 0

    def tick(done: int, total: int) -> None:
        nonlocal count
        count += 1
        if count > after:
            raise CancelError

    with pytest.raises(CancelError):
        align(joined(*[clip] * 3), " ".join([transcript] * 3), tick=tick)
    assert count == after + 1
