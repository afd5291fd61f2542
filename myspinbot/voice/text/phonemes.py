"""From written words to the symbols Kokoro reads, so that each word keeps its own sounds."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .alphabet import STRESS, from_espeak, from_ipa, ipa
from .espeak import Espeak, Sound
from .markup import without_links
from .pronunciation import NONE, Entry, Pronunciations
from .sentences import ends_sentence
from .spoken_abroad import foreign_forms
from .spoken_words import spoken_forms, stem
from .written import Token, tokens_of

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
_ENDINGS = ("'s", "’s", "s")
_CLAUSE_MARKS = ";:,.!?—…"


@dataclass(frozen=True)
class SpokenWord:
    """One word of a text with its sounds."""

    text: str
    """As the text writes it, punctuation included."""
    symbols: str
    """Kokoro's symbols with stress marks, never empty; spaces part the words of a number, commas
    the groups of a telephone number."""
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

    def words(
        self, text: str, pronunciations: Pronunciations | None = None
    ) -> tuple[SpokenWord, ...]:
        """The words of one sentence, in order, those of `pronunciations` said as it says.

        Words without a sound (emoji, lone signs) are left out; a dash between words is a pause.
        Raises BadInputError for an inline pronunciation with unknown sounds.
        """
        tokens = tokens_of(without_links(text), pronunciations or NONE)
        read = spoken_forms if self._is_english else foreign_forms
        forms = [_breathable(form) for form in read(tokens, self.language)]
        sounds = self._sounds(tokens, forms)
        spoken: list[SpokenWord] = []
        for index, (token, heard) in enumerate(zip(tokens, sounds, strict=True)):
            symbols = self._own(token) if token.has_ipa else heard
            if self._is_english and symbols and not token.parts and stem(token.core)[1]:
                symbols += _ending_s(symbols)
            if any(ipa(symbol) for symbol in symbols):
                after = _pause(tokens, forms, index)
                spoken.append(SpokenWord(token.text, symbols, token.opening_mark, after))
            elif spoken and token.is_dash and not set(spoken[-1].after) & set(_CLAUSE_MARKS):
                spoken[-1] = replace(spoken[-1], after=spoken[-1].after + " —")
        return tuple(spoken)

    @property
    def _is_english(self) -> bool:
        return self.language.startswith("en")

    def _own(self, token: Token) -> str:
        """The symbols of a word with IPA in it: SpinBot, SpinBot's, SpinBot-like."""
        said: list[str] = []
        for part in token.parts:
            if isinstance(part, Entry) and part.is_ipa:
                said.append(from_ipa(part.said, self.language))
            elif self._is_english and said and part in _ENDINGS:
                said[-1] += _ending_s(said[-1])
            else:
                text = part.said if isinstance(part, Entry) else part
                said.append(self._symbols(self._espeak.sounds(text)))
        return " ".join(filter(None, said))

    def _sounds(self, tokens: Sequence[Token], forms: Sequence[str]) -> list[str]:
        """eSpeak's symbols for each token of the sentence, found through their positions."""
        line, starts = "", []
        for index, form in enumerate(forms):
            starts.append(len(line))
            stop = _pause(tokens, forms, index)[:1]
            apart = "| " if form.startswith("the ") else ""  # else "on the 5th" has no seam
            if form:
                line += f"{apart}{form.rstrip(',')}{stop if stop in _CLAUSE_MARKS else ''} "
        found: list[list[Sound]] = [[] for _ in tokens]
        for sound in self._espeak.sounds(line):
            found[self._owner(sound, line, starts)].append(sound)
        self._split_merged(forms, found)
        return [
            self._symbols(heard, line if ", " in form else "")
            for heard, form in zip(found, forms, strict=True)
        ]

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
            holds_both = len(heard) > len(first) or (
                _distance(heard, first) > _distance(heard, first + alone)
            )
            if len(heard) > 1 and holds_both:
                cuts = range(1, len(heard))
                cut = min(
                    cuts, key=lambda c: _distance(heard[:c], first) + _distance(heard[c:], alone)
                )
                found[before], found[index] = heard[:cut], heard[cut:]
            else:
                found[index] = alone

    def _symbols(self, sounds: Sequence[Sound], line: str = "") -> str:
        """The sounds of one written word in Kokoro's alphabet; a space between its spoken words.

        `line`: what eSpeak read, if a comma in it parts the word.
        """
        symbols = ""
        for previous, sound in zip([None, *sounds], sounds, strict=False):
            if previous is not None and previous.word != sound.word:
                symbols += ", " if ", " in line[previous.position : sound.position] else " "
            symbols += from_espeak(sound.ipa, self.language)
        return " ".join(symbols.split()).replace("ɹɹ", "ɹ")


def _ending_s(symbols: str) -> str:
    """How an English plural or genitive ends after these sounds."""
    last = symbols[-1]
    return "ᵻz" if last in "szʃʒʧʤ" else "s" if last in "ptkfθT" else "z"


def _breathable(form: str) -> str:
    """Part endless words, which eSpeak would not finish, and spell endless numbers.

    Many full stops inside words (a.a. a.a. ...) overflow a buffer of eSpeak 1.52 and end the
    process: only those of decimals and of U.S.A stay, which are safe.
    """
    form = re.sub(r"\.(?!(?<=[A-Z]\.)[A-Z]|(?<=\d\.)\d)", " ", form)
    form = re.sub(r"\d{16,}", lambda digits: " ".join(digits[0]), form)
    return re.sub(rf"\S{{{_LONGEST_WORD}}}", r"\g<0> ", form)


def _pause(tokens: Sequence[Token], forms: Sequence[str], index: int) -> str:
    """Closing punctuation of a token; an abbreviation inside a sentence ends without pause."""
    mark, following = tokens[index].closing_mark, tokens[index + 1 : index + 2]
    if forms[index].endswith(",") and (not mark or mark[0] not in _CLAUSE_MARKS):
        return "," + mark  # between the groups of a telephone number
    if mark.startswith(".") and following:
        ended = ends_sentence(tokens[index].text, following[0].text, first=index == 0)
        return mark if ended else mark[1:]
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
