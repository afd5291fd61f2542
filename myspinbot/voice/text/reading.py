"""How a text is read: its sentences and written words, each with its sounds. Knows no time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import BadInputError, EngineError, MissingDependencyError
from .alphabet import STRESS, ipa
from .espeak import Espeak
from .phonemes import LANGUAGES, Phonemes
from .sentences import split_sentences


@dataclass(frozen=True)
class Sound:
    """One sound of a word."""

    ipa: str
    """Without stress or length marks."""
    stress: int = 0
    """0 none, 1 primary, 2 secondary."""


@dataclass(frozen=True)
class ReadWord:
    """One written word with what is said for it."""

    text: str
    """As the text writes it, punctuation included."""
    parts: tuple[tuple[Sound, ...], ...]
    """The sounds of each spoken word: "$3.50" has five. Empty where nobody knows the sounds."""

    @property
    def sounds(self) -> tuple[Sound, ...]:
        return tuple(sound for part in self.parts for sound in part)

    @property
    def size(self) -> int:
        """Roughly how long it takes to say: its sounds, or else its letters; at least 1."""
        return len(self.sounds) or max(1, sum(c.isalnum() for c in self.text))


@dataclass(frozen=True)
class ReadSentence:
    """A sentence and its words; those without a sound are left out."""

    text: str
    words: tuple[ReadWord, ...]


def read(text: str, language: str) -> Iterator[ReadSentence]:
    """Cut `text` into sentences of words and look up, one by one, how they sound in `language`.

    A language ("en-us", "de") that eSpeak does not know has words without sounds. Raises
    BadInputError when there is nothing to say.
    """
    if not any(c.isalnum() for c in text):
        raise BadInputError("The text is empty: write the words that are said in the sound.")
    silent = True
    for sentence in split_sentences(text):
        if words := _words(sentence, language):
            silent = False
            yield ReadSentence(sentence, words)
    if silent:
        raise BadInputError(f"Nothing in {text[:60]!r} can be said in {language}: check the text.")


def _words(sentence: str, language: str) -> tuple[ReadWord, ...]:
    try:
        if language in LANGUAGES:
            spoken = Phonemes(language).words(sentence)
            return tuple(
                ReadWord(word.text, tuple(tuple(_sounds(part)) for part in word.symbols.split()))
                for word in spoken
            )
        return tuple(_spoken_alone(word, language) for word in _written(sentence))
    except (EngineError, MissingDependencyError):  # nobody knows the sounds
        return tuple(ReadWord(word, ()) for word in _written(sentence))


def _written(sentence: str) -> list[str]:
    return [word for word in sentence.split() if any(c.isalnum() for c in word)]


def _sounds(symbols: str) -> Iterator[Sound]:
    """The sounds of Kokoro's symbols; marks of length are dropped."""
    stress = 0
    for symbol in symbols:
        if symbol in STRESS:
            stress = 1 + STRESS.index(symbol)
        elif sound := ipa(symbol):
            yield Sound(sound, stress)
            stress = 0


def _spoken_alone(word: str, language: str) -> ReadWord:
    parts: dict[int, list[Sound]] = {}
    for sound in Espeak(language).sounds(word):
        bare = sound.ipa.lstrip(STRESS).replace("ː", "")
        stress = 1 + STRESS.index(sound.ipa[0]) if sound.ipa[0] in STRESS else 0
        if bare:
            parts.setdefault(sound.word, []).append(Sound(bare, stress))
    return ReadWord(word, tuple(map(tuple, parts.values())))
