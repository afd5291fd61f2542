"""Kokoro's alphabet, one character per sound: token numbers, plain IPA, and eSpeak's sounds in it.

The inventory follows the vocabulary that hexgrad published with Kokoro-82M v1.0 (Apache-2.0).
"""

from __future__ import annotations

import unicodedata

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


def ipa(symbol: str) -> str:
    """One Kokoro symbol as IPA without stress; "" for stress, length, silence and punctuation."""
    if symbol in _MODIFIERS or symbol in STRESS or symbol in PUNCTUATION or symbol == " ":
        return ""
    return _IPA.get(symbol, symbol)


def from_espeak(sound: str, language: str) -> str:
    """One sound of eSpeak, stress mark in front, in Kokoro's alphabet; the unknown is dropped."""
    bare = unicodedata.normalize("NFC", sound).lstrip(STRESS)
    stress = sound[: len(sound) - len(sound.lstrip(STRESS))]
    table = _TABLES.get(language, _COMMON)
    mapped = table.get(bare) or "".join(table.get(c, c) for c in bare)
    if language == "en-us":
        mapped = mapped.replace("ː", "")
    mapped = "".join(c for c in mapped if c in VOCABULARY and c not in PUNCTUATION and c != " ")
    return stress + mapped if mapped else ""
