"""When each word and sound of a known text is said in a recording, and whether it is that text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice, pairwise
from typing import Any

import numpy as np

from ...audio import Audio
from ...errors import EngineError, MissingDependencyError
from ...progress import Tick, no_tick
from ...speech import Phoneme, Sentence, Speech, Word
from ..text.phonemes import LANGUAGES
from ..text.reading import ReadSentence, ReadWord, read
from .acoustic import FRAME_S, PhoneDecoder
from .arpabet import Pronunciation, from_dictionary, from_sounds
from .forced import TimedPiece, find_words
from .model_input import prepare
from .proportional import lay_out
from .word_graph import SpokenWord

AGREEMENT = 0.75
"""Least score of a text that is what is said. With 21 human clips, right texts reach .90 and more,
half of the text or a sentence too much .69 at most, and another text .03."""
_ENGLISH = ("en-us", "en-gb")
_PUNCTUATION = ".,;:!?…—–-()[]{}\"“”‘’«»*_'"
_LONG_GAP = 4
"""Words in a row that were not heard: worth telling, if the text agrees at large."""
_STRANGE_S = 2.0
"""Speech that is not in the text: worth telling."""


@dataclass(frozen=True)
class Alignment:
    """A text laid over a recording."""

    speech: Speech
    """Covers the recording; every word of the text is in it, in order."""
    heard: tuple[bool, ...]
    """Of each word of `speech`, whether it was heard; the others are laid over what lies between
    those that were. All False for "energy"."""
    method: str
    """"forced": words and sounds were heard; "energy": laid over the loud parts by their length."""
    score: float | None
    """The smaller of two shares, of the text that was heard and of the speech that is in the text;
    None for "energy"."""
    agrees: bool | None
    """False: the text is very likely not what is said; None: unknown."""
    note: str = ""
    """What a user should know, in plain words."""
    fit: float | None = None
    """How well the words sound like the recording, nats a frame: -3 to -4 is good, below -6 is
    chance; None when none was heard."""


def align(audio: Audio, text: str, language: str = "en-us", tick: Tick = no_tick) -> Alignment:
    """Find when each word of `text` is said in `audio`, of any rate, channels and length.

    English is heard (0.1 CPU-s per second); any other language, or a computer without pocketsphinx,
    gets an estimate. `tick` counts 10 ms of sound. Raises BadInputError for NaN, silence, an empty
    sound or an empty text.
    """
    language = _known(language)
    samples, is_speech = prepare(audio, tick)
    sentences: list[ReadSentence] = []
    for sentence in read(text, language):
        tick(0, len(is_speech))
        sentences.append(sentence)
    words = [word for sentence in sentences for word in sentence.words]
    if language in _ENGLISH:
        try:
            found = _listen(sentences, samples, is_speech, tick)
        except (MissingDependencyError, EngineError) as error:
            reason = f"no words could be heard, as {error}"
        else:
            timed = _with_missing(words, found.words, is_speech, audio.duration_s)
            speech = _speech(sentences, timed, audio.duration_s)
            score = _score(words, found)
            note = _doubts(words, found, score)
            heard = tuple(place in found.words for place in range(len(words)))
            return Alignment(speech, heard, "forced", score, score >= AGREEMENT, note, found.fit)
    else:
        reason = f"only English words can be heard, not {language}"
    timed = _with_missing(words, {}, is_speech, audio.duration_s)
    note = (
        f"The times are estimates from the loudness of the sound: {reason}. Words may be off by "
        "half a second, and whether the text is what is said was not checked."
    )
    speech = _speech(sentences, timed, audio.duration_s)
    return Alignment(speech, (False,) * len(words), "energy", None, None, note)


def _known(language: str) -> str:
    """Our name of a language tag: without a region that makes no difference here."""
    tag = language.strip().lower().replace("_", "-")
    if tag in LANGUAGES:
        return tag
    base = tag.split("-")[0]
    return "en-us" if base == "en" else base


@dataclass(frozen=True)
class _Found:
    """What was heard of the text."""

    words: Mapping[int, Word]
    """By their place in the text."""
    strange_s: float
    """Speech that is not in the text."""
    fit: float | None
    """Of the words, nats a frame."""


def _listen(
    sentences: Sequence[ReadSentence], samples: np.ndarray, is_speech: np.ndarray, tick: Tick
) -> _Found:
    decoder = PhoneDecoder()
    spoken: list[SpokenWord] = []
    parts_of: list[tuple[ReadWord, range]] = []
    for sentence in sentences:
        for word in sentence.words:
            ways = _pronunciations(decoder, word)
            parts_of.append((word, range(len(spoken), len(spoken) + len(ways))))
            begins = word is sentence.words[0]
            spoken += [SpokenWord(way, begins and not part) for part, way in enumerate(ways)]
    found = find_words(decoder, samples, is_speech, spoken, tick)
    words: dict[int, Word] = {}
    for place, (word, parts) in enumerate(parts_of):
        if all(part in found.words for part in parts):
            sounds = [p for part in parts for piece in found.words[part] for p in _sounds(piece)]
            words[place] = Word(word.text, sounds[0].start_s, sounds[-1].end_s, tuple(sounds))
    fit = found.nats / found.frames if found.frames else None
    return _Found(words, found.strange_s, fit)


def _pronunciations(decoder: PhoneDecoder, word: ReadWord) -> list[tuple[Pronunciation, ...]]:
    """The ways to say each part of a word: as eSpeak does, and as the dictionary has it."""
    if not word.parts:
        raise EngineError(f"eSpeak NG does not know how to say {word.text!r}")
    ways = [(from_sounds(part),) for part in word.parts]
    if len(ways) == 1:
        ((own,),) = ways
        written = word.text.lower().replace("’", "'").strip(_PUNCTUATION)
        others = [from_dictionary(phones, own) for phones in decoder.pronunciations(written)]
        ways = [(own, *others)]
    return ways


def _sounds(piece: TimedPiece) -> list[Phoneme]:
    """The sounds of a piece, of equal length."""
    sounds = piece.piece.sounds
    edges = np.linspace(piece.start_s, piece.end_s, len(sounds) + 1).tolist()
    return [
        Phoneme(sound.ipa, start_s, end_s, sound.stress)
        for sound, (start_s, end_s) in zip(sounds, pairwise(edges), strict=True)
    ]


def _with_missing(
    words: Sequence[ReadWord], found: Mapping[int, Word], is_speech: np.ndarray, duration_s: float
) -> list[Word]:
    """All words: those between two that were found are laid over the speech between them."""
    timed: list[Word] = []
    for is_found, places in groupby(range(len(words)), key=lambda place: place in found):
        run = list(places)
        if is_found:
            timed += [_within(found[place], duration_s) for place in run]
        else:
            start_s = timed[-1].end_s if timed else 0.0
            following = found.get(run[-1] + 1)
            end_s = following.start_s if following else duration_s
            timed += _laid_out([words[place] for place in run], is_speech, start_s, end_s)
    return timed


def _within(word: Word, duration_s: float) -> Word:
    """The word, ended where the sound ends: the last frame's border may lie a little after."""

    def ended(item: Any) -> Any:
        return replace(
            item, start_s=min(item.start_s, duration_s), end_s=min(item.end_s, duration_s)
        )

    return replace(ended(word), phonemes=tuple(ended(phoneme) for phoneme in word.phonemes))


def _laid_out(
    words: Sequence[ReadWord], is_speech: np.ndarray, start_s: float, end_s: float
) -> list[Word]:
    laid: list[Word] = []
    spans = lay_out([word.size for word in words], is_speech, start_s, end_s)
    for word, (first_s, last_s) in zip(words, spans, strict=True):
        edges = pairwise(np.linspace(first_s, last_s, len(word.sounds) + 1).tolist())
        sounds = [
            Phoneme(sound.ipa, *edge, sound.stress)
            for sound, edge in zip(word.sounds, edges, strict=True)
        ]
        laid.append(Word(word.text, first_s, last_s, tuple(sounds)))
    return laid


def _speech(sentences: Sequence[ReadSentence], words: Sequence[Word], duration_s: float) -> Speech:
    """The words in their sentences."""
    timed: list[Sentence] = []
    rest = iter(words)
    for sentence in sentences:
        own = tuple(islice(rest, len(sentence.words)))
        timed.append(Sentence(sentence.text, own[0].start_s, own[-1].end_s, own))
    return Speech(tuple(timed), duration_s)


def _score(words: Sequence[ReadWord], found: _Found) -> float:
    said = sum(words[place].size for place in found.words) / sum(word.size for word in words)
    heard_s = sum(word.end_s - word.start_s for word in found.words.values())
    return min(said, heard_s / max(heard_s + found.strange_s, FRAME_S))


def _doubts(words: Sequence[ReadWord], found: _Found, score: float) -> str:
    """What of the text and the sound does not agree, in plain words."""
    if score < AGREEMENT:
        return (
            f"The text is very likely not what is said: only {score:.0%} of both agree. Check "
            "that it holds exactly the words of the recording."
        )
    runs = groupby(range(len(words)), key=found.words.__contains__)
    longest = max((list(run) for known, run in runs if not known), key=len, default=[])
    notes: list[str] = []
    if len(longest) >= _LONG_GAP:
        said = " ".join(words[place].text for place in longest[:8])
        notes.append(f"{len(longest)} words in a row were not heard: “{said} …”.")
    if found.strange_s > _STRANGE_S:
        notes.append(f"{found.strange_s:.1f} s of speech or noise are not in the text.")
    return " ".join(notes)
