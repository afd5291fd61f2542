"""Kokoro's alphabet, one character per sound: token numbers, plain IPA, and eSpeak's sounds in it.

The inventory follows the vocabulary that hexgrad published with Kokoro-82M v1.0 (Apache-2.0).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from ...errors import BadInputError

PUNCTUATION = ';:,.!?—…"()“”'
STRESS = "ˈˌ"
_RUNS = (
    (1, ";:,.!?"),
    (9, '—…"()“” \u0303ʣʥʦʨᵝꭧAI'),
    (31, "O"),
    (33, "Q"),
    (35, "ST"),
    (39, "W"),
    (41, "Yᵊabcdef"),
    (50, "hijklmnopqrstuvwxyzɑɐɒæ"),
    (75, "βɔɕç"),
    (80, "ɖðʤə"),
    (85, "ɚɛɜ"),
    (90, "ɟ"),
    (92, "ɡ"),
    (99, "ɥ"),
    (101, "ɨɪʝ"),
    (110, "ɯɰŋɳɲɴø"),
    (118, "ɸθœ"),
    (123, "ɹ"),
    (125, "ɾɻ"),
    (128, "ʁɽʂʃʈʧ"),
    (135, "ʊʋ"),
    (138, "ʌɣɤ"),
    (142, "χʎ"),
    (147, "ʒʔ"),
    (156, "ˈˌː"),
    (162, "ʰ"),
    (164, "ʲ"),
    (169, "↓"),
    (171, "→↗↘"),
    (177, "ᵻ"),
)
VOCABULARY = {c: first + i for first, symbols in _RUNS for i, c in enumerate(symbols)}
"""Token number of each symbol; 0 is silence."""

_MODIFIERS = "ː\u0303ʰʲᵝ↓→↗↘"


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(">") for pair in text.split())


_IPA = _pairs("A>eɪ I>aɪ O>oʊ Q>əʊ W>aʊ Y>ɔɪ ʤ>dʒ ʧ>tʃ ʦ>ts ʣ>dz ʨ>tɕ ʥ>dʑ ꭧ>tʂ T>ɾ S>s ᵊ>ə ᵻ>ɪ")
_COMMON = _pairs("eɪ>A aɪ>I oʊ>O aʊ>W ɔɪ>Y əʊ>Q tʃ>ʧ dʒ>ʤ ts>ʦ dz>ʣ g>ɡ")
_ENGLISH = _COMMON | _pairs("əl>ᵊl l̩>ᵊl n̩>ᵊn m̩>ᵊm ɐ>ə x>k ç>k ʔ>t r>ɹ ɬ>l aɪə>Iə")
_TABLES = {
    "en-us": _ENGLISH
    | _pairs("ɜː>ɜɹ ɾ>T a>æ o>ɔ oː>ɔ oːɹ>ɔɹ ɛː>ɛɹ ɚ>əɹ aɪɚ>Iəɹ aʊɚ>Wəɹ")
    | _pairs("iː>i uː>u ɑː>ɑ ɔː>ɔ ɑːɹ>ɑɹ ɔːɹ>ɔɹ"),
    "en-gb": _ENGLISH | _pairs("eə>ɛː iə>ɪə ɾ>t oː>ɔː oːɹ>ɔː ɚ>ə aɪɚ>Iə aʊɚ>Wə"),
}
_WRITTEN = _pairs("ɝ>ɜɹ ɫ>l ʍ>w ɱ>m ʉ>u ɘ>ə ɵ>ə '>ˈ ’>ˈ :>ː")
"""What people write besides, in dictionaries and on keyboards."""
_SILENT_MARKS = ".-‿()\u0361\u035c\u032f\u0329\u200d"
_VOWELS = "AIOQWYaeiouyɐɑɒæɔəɚɛɜɨɪøœɯʊʌɤᵊᵻ"


def ipa(symbol: str) -> str:
    """One Kokoro symbol as IPA without stress; "" for stress, length, silence and punctuation."""
    if symbol in _MODIFIERS or symbol in STRESS or symbol in PUNCTUATION or symbol == " ":
        return ""
    return _IPA.get(symbol, symbol)


def from_espeak(sound: str, language: str) -> str:
    """One sound of eSpeak, stress mark in front, in Kokoro's alphabet; the unknown is dropped."""
    bare = _composed(sound).lstrip(STRESS)
    stress = sound[: len(sound) - len(sound.lstrip(STRESS))]
    table = _TABLES.get(language, _COMMON)
    mapped = table.get(bare) or "".join(table.get(c, c) for c in bare)
    if language == "en-us":
        mapped = mapped.replace("ː", "")
    mapped = "".join(c for c in mapped if c in VOCABULARY and c not in PUNCTUATION and c != " ")
    return stress + mapped if mapped else ""


def from_ipa(text: str, language: str = "en-us") -> str:
    """IPA as people write it, in Kokoro's alphabet; a stress mark goes before its vowel, as there.

    Kokoro's own symbols pass. Raises BadInputError that names the symbols it does not have.
    """
    bare = "".join(c for c in _composed(text) if c not in _SILENT_MARKS)
    read = _ipa_reader(language).sub(lambda m: _ipa_table(language)[m[0]], bare)
    if language == "en-us":
        read = read.replace("ː", "")
    unknown = {c for c in read if c not in VOCABULARY or c in PUNCTUATION}
    if unknown or not any(ipa(c) for c in read):
        named = " ".join(sorted(unknown)) or "no sound"
        raise BadInputError(
            f"The pronunciation /{text}/ has {named}, which the voice does not know. Write IPA "
            "such as /spˈɪnbɑt/; a link is written with its full address."
        )
    onset = f"([{STRESS}])([^{_VOWELS}{STRESS} ]+)(?=[{_VOWELS}])"
    return " ".join(re.sub(onset, r"\2\1", read).split())


def begins_with_vowel(text: str) -> bool:
    """Whether IPA begins with a vowel, stress mark aside."""
    return text.lstrip(f"{STRESS}' ")[:1] in _VOWELS


@cache
def _ipa_table(language: str) -> dict[str, str]:
    return _WRITTEN | _TABLES.get(language, _COMMON)


@cache
def _ipa_reader(language: str) -> re.Pattern[str]:
    longest_first = sorted(_ipa_table(language), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))


def _composed(text: str) -> str:
    """Letters with their accents as Kokoro has them: "ç" is one symbol, "ã" is two."""
    whole = unicodedata.normalize("NFC", text)
    return "".join(c if c in VOCABULARY else unicodedata.normalize("NFD", c) for c in whole)
