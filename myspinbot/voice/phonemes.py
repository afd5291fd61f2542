"""From written words to the symbols Kokoro reads, so that each word keeps its own sounds."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .alphabet import STRESS, from_espeak, ipa
from .espeak import Espeak, Sound
from .spoken_words import spoken_forms

LANGUAGES = {
    "en-us": "en-us",
    "en-gb": "en",
    "es": "es",
    "fr": "fr",
    "it": "it",
    "pt-br": "pt-br",
}
"""Our name of each language, and eSpeak's."""
_LONGEST_WORD = 40
"""Letters; eSpeak cuts a word off after some 160 sounds."""
_MOST_MERGED = 3
"""Words that eSpeak says in one breath with the one before; more have gone wrong."""
_WRITTEN = re.compile(r"\S+?[—…](?=\w)|\S+")
"""A word; a dash or an ellipsis inside ends it: "an idea—one that works"."""
_SIGNED = re.compile(r"(?<![-.])[-.][\d$€£]")
"""Where -5, -$5 or .5 begins."""
_CLAUSE_MARKS = ";:,.!?—…"
_PAUSES = {"–": "—", "―": "—", "-": "—", "«": "“", "»": "”", "„": "“", "…": "…", "¿": "", "¡": ""}


@dataclass(frozen=True)
class SpokenWord:
    """One word of a text with its sounds."""

    text: str
    """As the text writes it, punctuation included."""
    symbols: str
    """Kokoro's symbols with stress marks, never empty; spaces part the words of a number."""
    before: str = ""
    """Opening punctuation that Kokoro reads."""
    after: str = ""
    """Closing punctuation that Kokoro reads; a dash that stands alone comes as " —"."""


def to_symbols(words: Sequence[SpokenWord]) -> str:
    """The line Kokoro reads, one character per token."""
    return " ".join(word.before + word.symbols + word.after for word in words)


class Phonemes:
    """Grapheme to phoneme for one of LANGUAGES."""

    def __init__(self, language: str = "en-us") -> None:
        self.language = language
        self._espeak = Espeak(LANGUAGES[language])

    def words(self, text: str) -> tuple[SpokenWord, ...]:
        """The words of one sentence, in order.

        Those without a sound (emoji, lone signs) are left out; a dash between words is a pause.
        """
        tokens = [_Token.of(word) for word in _WRITTEN.findall(text)]
        cores = [token.core for token in tokens]
        if self.language.startswith("en"):
            forms = spoken_forms(cores, [token.closing.startswith(".") for token in tokens])
        else:
            forms = [core if any(c.isalnum() for c in core) else "" for core in cores]
        forms = [_breathable(form) for form in forms]
        sounds = self._sounds(tokens, forms)
        spoken: list[SpokenWord] = []
        for index, (token, heard) in enumerate(zip(tokens, sounds, strict=True)):
            symbols = self._symbols(heard)
            if any(ipa(symbol) for symbol in symbols):
                after = _pause(tokens, forms, index)
                spoken.append(SpokenWord(token.text, symbols, token.opening_mark, after))
            elif spoken and token.is_dash and not spoken[-1].after:
                spoken[-1] = replace(spoken[-1], after=" —")
        return tuple(spoken)

    def _sounds(self, tokens: Sequence[_Token], forms: Sequence[str]) -> list[list[Sound]]:
        """eSpeak's sounds for each token of the sentence, found through their positions."""
        line, starts = "", []
        for index, form in enumerate(forms):
            starts.append(len(line))
            stop = _pause(tokens, forms, index)[:1]
            line += f"{form}{stop if stop in _CLAUSE_MARKS else ''} " if form else ""
        found: list[list[Sound]] = [[] for _ in tokens]
        for sound in self._espeak.sounds(line):
            found[self._owner(sound, line, starts)].append(sound)
        self._split_merged(forms, found)
        return found

    @staticmethod
    def _owner(sound: Sound, line: str, starts: Sequence[int]) -> int:
        """Index of the token that made `sound`."""
        position = max(sound.position, 0)
        while position < len(line) - 1 and line[position] == " ":
            position += 1  # eSpeak points at the space before a word that it replaces
        return max(bisect_right(starts, position) - 1, 0)

    def _split_merged(self, forms: Sequence[str], found: list[list[Sound]]) -> None:
        """Give words that eSpeak said in one breath ("of the") their own sounds again."""
        for index in range(len(forms) - 1, 0, -1):
            if not forms[index] or found[index]:
                continue
            alone = self._espeak.sounds(forms[index])
            before = next((i for i in range(index - 1, -1, -1) if found[i]), None)
            if before is None:
                found[index] = alone
                continue
            silent = [i for i in range(before + 1, index + 1) if forms[i]]
            if len(silent) > _MOST_MERGED:
                for i in (before, *silent):
                    found[i] = self._espeak.sounds(forms[i])
                continue
            heard = found[before]
            first = [
                s for i in range(before, index) if forms[i] for s in self._espeak.sounds(forms[i])
            ]
            if len(heard) > len(first) or _distance(heard, first) > _distance(heard, first + alone):
                cuts = range(1, len(heard))
                cut = min(
                    cuts, key=lambda c: _distance(heard[:c], first) + _distance(heard[c:], alone)
                )
                found[before], found[index] = heard[:cut], heard[cut:]
            else:
                found[index] = alone

    def _symbols(self, sounds: Sequence[Sound]) -> str:
        """The sounds of one written word in Kokoro's alphabet; a space between its spoken words."""
        symbols = ""
        for previous, sound in zip([None, *sounds], sounds, strict=False):
            parted = previous is not None and previous.word != sound.word
            symbols += " " * parted + from_espeak(sound.ipa, self.language)
        return " ".join(symbols.split()).replace("ɹɹ", "ɹ")


def _breathable(form: str) -> str:
    """Part endless words, which eSpeak would not finish, and spell endless numbers."""
    form = re.sub(r"\d{16,}", lambda digits: " ".join(digits[0]), form)
    return re.sub(rf"\S{{{_LONGEST_WORD}}}", r"\g<0> ", form)


def _pause(tokens: Sequence[_Token], forms: Sequence[str], index: int) -> str:
    """Closing punctuation of a token; an abbreviation inside a sentence ends without pause."""
    mark, following = tokens[index].closing_mark, tokens[index + 1 : index + 2]
    if mark.startswith(".") and following:
        expanded = forms[index] != tokens[index].core
        if expanded or following[0].core[:1].islower():
            return mark[1:]
    return mark


def _distance(left: Sequence[Sound], right: Sequence[Sound]) -> int:
    """Edit distance between two runs of sounds, stress aside."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            change = diagonal + (a.ipa.lstrip(STRESS) != b.ipa.lstrip(STRESS))
            diagonal, row[j] = row[j], min(change, row[j] + 1, row[j - 1] + 1)
    return row[-1]


@dataclass(frozen=True)
class _Token:
    """A written word taken apart."""

    text: str
    opening: str
    core: str
    closing: str

    @classmethod
    def of(cls, text: str) -> _Token:
        def is_outer(c: str) -> bool:
            return unicodedata.category(c)[0] in "PZ" and c not in "&%@#+/"

        start = next((i for i, c in enumerate(text) if not is_outer(c)), len(text))
        if start and _SIGNED.match(text, start - 1):
            start -= 1
        end = next((i for i in range(len(text), start, -1) if not is_outer(text[i - 1])), start)
        return cls(text, text[:start], text[start:end], text[end:])

    @property
    def is_dash(self) -> bool:
        return not self.core and all(c in "-–—―" for c in self.opening)

    @property
    def opening_mark(self) -> str:
        marks = self.opening.replace('"', "“").replace("«", "“").replace("„", "“")
        return "".join(c for c in marks if c in "(“")[:1]

    @property
    def closing_mark(self) -> str:
        """At most one pause and one closing quote or bracket."""
        written = self.closing.replace("...", "…").replace("--", "—").replace('"', "”")
        marks = "".join(_PAUSES.get(c, c) for c in written)
        pause = next((c for c in marks if c in ";:,.!?—…"), "")
        quote = next((c for c in marks if c in "”)"), "")
        return pause + quote
