"""What Piper reads for a text, and when it says each written word. Knows no net."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import groupby

from ...speech import Phoneme, Word
from ..text.abroad_names import LANGUAGES as ABROAD
from ..text.alphabet import STRESS, from_ipa, ipa
from ..text.pronunciation import Entry, Pronunciations
from ..text.sentences import ends_sentence
from ..text.spoken_abroad import foreign_forms
from ..text.spoken_words import spoken_forms, stem
from ..text.written import Token, tokens_of

Phonemize = Callable[[str], list[list[str]]]
"""A line to the phonemes of its sentences; what stands in [[ ]] is phonemes already."""
_PAUSES = {mark: mark for mark in ";:,.!?"} | {"—": ";", "…": ","}
"""Marks of a text, and what eSpeak is given for them."""
_ONE_SOUND = ("eɪ", "aɪ", "oʊ", "aʊ", "ɔɪ", "əʊ", "tʃ", "dʒ")
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\[\]]")
_ENDINGS = ("s", "'s", "’s")


@dataclass(frozen=True)
class Said:
    """One phoneme of a line."""

    symbol: str
    """Of Piper's alphabet: an IPA character, a mark, a space or punctuation."""
    owner: int | None
    """Index of the written word it belongs to; None for spaces and punctuation."""
    start_s: float = 0.0
    end_s: float = 0.0


@dataclass(frozen=True)
class _Spoken:
    """One written word."""

    text: str
    line: str
    """What eSpeak reads for it; IPA stands in [[ ]]."""
    pause: str = ""


def read(
    text: str, language: str, pronunciations: Pronunciations, phonemize: Phonemize
) -> tuple[list[str], list[list[Said]]]:
    """The words of `text` that can be said, as it writes them, and the phonemes of its sentences.

    Numbers and signs are put into words first, where the pack knows how for `language`.
    """
    words = list(_spoken(tokens_of(text, pronunciations), language, phonemize))
    alone = [_flat(phonemize(word.line)) for word in words]
    sounding = [i for i, phonemes in enumerate(alone) if any(map(_is_sound, phonemes))]
    words, alone = [words[i] for i in sounding], [alone[i] for i in sounding]
    if not words:
        return [], []
    sentences = phonemize(" ".join(word.line + word.pause for word in words))
    owners = iter(_owners(_flat(sentences), alone))
    return [word.text for word in words], [
        [Said(symbol, next(owners)) for symbol in sentence] for sentence in sentences if sentence
    ]


def _flat(sentences: Sequence[Sequence[str]]) -> list[str]:
    return [phoneme for sentence in sentences for phoneme in sentence]


def _spoken(tokens: Sequence[Token], language: str, phonemize: Phonemize) -> Iterator[_Spoken]:
    """The words with a pause after them; a dash between words is a pause."""
    is_english = language.startswith("en")
    for index, (token, form) in enumerate(zip(tokens, _forms(tokens, language), strict=True)):
        line = _plain(form).rstrip(", ")
        if token.has_ipa:
            line = _with_ipa(token, language)
        elif is_english and line and not token.parts and stem(token.core)[1]:
            line += f"[[{_ending(_flat(phonemize(line))[-1:])}]]"
        if line:
            pause = _pause(tokens, index) or "," * form.endswith(",")
            dashed = index + 1 < len(tokens) and tokens[index + 1].is_dash
            yield _Spoken(token.text, line, pause or ";" * dashed)


def _forms(tokens: Sequence[Token], language: str) -> list[str]:
    """What to say for each word, "" for nothing."""
    if language.startswith("en"):
        return spoken_forms(tokens, language)
    if language in ABROAD:
        return foreign_forms(tokens, language)
    said = (token.respelled or token.core for token in tokens)
    return [core if any(c.isalnum() for c in core) else "" for core in said]


def _plain(text: str) -> str:
    """`text` without what eSpeak or Piper would choke on or take for phonemes."""
    return _UNREADABLE.sub(" ", text)


def _with_ipa(token: Token, language: str) -> str:
    """A word with IPA in it: SpinBot, SpinBot's, SpinBot-like. Kokoro's own symbols pass, too."""
    line, said = "", ""
    for part in token.parts:
        if isinstance(part, Entry) and part.is_ipa:
            from_ipa(part.said, language)  # refuses what is none
            own = "".join(ipa(c) or c for c in part.said)
            said = unicodedata.normalize("NFD", own)
            line += f"[[{said}]]"
        elif said and part in _ENDINGS and language.startswith("en"):
            line = line.removesuffix("]]") + f"{_ending(said[-1:])}]]"
        else:
            line += _plain(part.said if isinstance(part, Entry) else part)
    return line


def _ending(last: Sequence[str]) -> str:
    """How an English plural or genitive sounds after the sound `last`."""
    sound = "".join(last)
    return "ᵻz" if sound in ("s", "z", "ʃ", "ʒ") else "s" if sound in (*"ptkfθ",) else "z"


def _pause(tokens: Sequence[Token], index: int) -> str:
    """For eSpeak; the full stop of an abbreviation inside a sentence is none."""
    mark = next((c for c in tokens[index].closing_mark if c in _PAUSES), "")
    following = tokens[index + 1 : index + 2]
    if mark == "." and following:
        ended = ends_sentence(tokens[index].text, following[0].text, first=index == 0)
        return mark if ended else ""
    return _PAUSES.get(mark, "")


def _is_sound(symbol: str) -> bool:
    """Whether it is a letter of IPA, no mark of stress, length or manner."""
    return bool(symbol) and unicodedata.category(symbol[0]) in ("Ll", "Lo", "Lu")


def _is_silent(symbol: str) -> bool:
    return unicodedata.category(symbol[0])[0] in "PZ"


def _is_mark(symbol: str) -> bool:
    """Whether it tells nothing of a word: function words change their stress in a sentence."""
    return symbol in STRESS or _is_silent(symbol)


def _owners(heard: Sequence[str], alone: Sequence[Sequence[str]]) -> list[int | None]:
    """The word that each phoneme of a line belongs to, by the likeness to each word said alone.

    eSpeak says "had been" and "out of the" in one breath, and numbers in several words.
    """
    own = [(p, i) for i, word in enumerate(alone) for p in word if not _is_mark(p)]
    places = [i for i, phoneme in enumerate(heard) if not _is_mark(phoneme)]
    found: list[int | None] = [None] * len(heard)
    matcher = SequenceMatcher(None, [heard[i] for i in places], [p for p, _ in own], autojunk=False)
    for _, start, stop, first, last in matcher.get_opcodes():
        for step, place in enumerate(places[start:stop]):
            like = first + step * (last - first) // (stop - start) if last > first else first - 1
            found[place] = own[max(like, 0)][1]
    following = None
    for place in reversed(range(len(heard))):  # a stress mark belongs to the sound after it
        if _is_silent(heard[place]):
            found[place] = following = None
        elif heard[place] in STRESS:
            found[place] = following
        following = found[place]
    return found


def time_words(texts: Sequence[str], said: Sequence[Said]) -> tuple[Word, ...]:
    """Words and their sounds from timed phonemes.

    A space without punctuation belongs half to each neighbour, so that fluent speech has no holes;
    punctuation is silence. A word that was swallowed is joined to the one before.
    """
    owned = (phoneme for phoneme in _without_spaces(said) if phoneme.owner is not None)
    groups = [(owner, tuple(_sounds(list(g)))) for owner, g in groupby(owned, lambda p: p.owner)]
    groups = [(owner, sounds) for owner, sounds in groups if sounds]
    ends = [*(owner for owner, _ in groups[1:]), len(texts)]
    return tuple(
        Word(" ".join(texts[start:end]), sounds[0].start_s, sounds[-1].end_s, sounds)
        for start, end, (_, sounds) in zip([0, *ends], ends, groups, strict=False)
    )


def _without_spaces(said: Sequence[Said]) -> list[Said]:
    """Share the spaces between sounds out to their neighbours."""
    shared = list(said)
    for i in range(1, len(said) - 1):
        before, space, after = said[i - 1 : i + 2]
        if space.symbol == " " and before.owner is not None and after.owner is not None:
            middle_s = (space.start_s + space.end_s) / 2
            shared[i - 1] = replace(shared[i - 1], end_s=middle_s)
            shared[i + 1] = replace(after, start_s=middle_s)
    return shared


def _sounds(said: Sequence[Said]) -> list[Phoneme]:
    """The phonemes of one word: marks join the sound that they belong to."""
    found: list[Phoneme] = []
    start_s, stress, previous = None, 0, ""
    for phoneme in said:
        symbol, begin_s = phoneme.symbol, phoneme.start_s if start_s is None else start_s
        if symbol in STRESS:
            start_s, stress = begin_s, 1 + STRESS.index(symbol)
        elif _is_sound(symbol) and found and previous + symbol in _ONE_SOUND:
            found[-1] = replace(found[-1], symbol=previous + symbol, end_s=phoneme.end_s)
        elif _is_sound(symbol):
            found.append(Phoneme(symbol, begin_s, phoneme.end_s, stress))
            start_s, stress = None, 0
        elif found and start_s is None:
            accent = symbol if unicodedata.combining(symbol[0]) else ""
            whole = unicodedata.normalize("NFC", found[-1].symbol + accent)
            found[-1] = replace(found[-1], symbol=whole, end_s=phoneme.end_s)
        previous = symbol
    return found
