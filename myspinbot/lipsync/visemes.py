"""What the mouth does for each sound of speech: IPA symbols to mouth poses.

It knows phonetics, no timing and no face.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

CHANNELS: Final = ("jaw", "wide", "pucker", "upper", "lower", "press", "tuck", "tongue")
"""Order of a pose's values, each 0..1: jaw opening, corners apart, corners together and lips
forward, upper lip raised, lower lip lowered, lips pressed, lower lip under the upper teeth,
tongue tip at the upper teeth."""

JAW, WIDE, PUCKER, UPPER, LOWER, PRESS, TUCK, TONGUE = range(len(CHANNELS))


@dataclass(frozen=True)
class Viseme:
    """A mouth pose and how strongly a sound insists on it."""

    name: str
    pose: tuple[float, ...]
    """One value for each of `CHANNELS`."""
    strength: float = 1.0
    """Weight against the neighbours: low for sounds that the lips do not shape (k, h)."""
    bilabial: bool = False
    """The lips must meet."""
    labiodental: bool = False
    """The lower lip must meet the upper teeth."""


def _v(name: str, *pose: float, s: float = 1.0, bilabial: bool = False, labiodental: bool = False):
    return Viseme(name, pose, s, bilabial, labiodental)


SILENCE: Final = _v("silence", 0, 0, 0, 0, 0, 0, 0, 0, s=1.6)

VISEMES: Final = {
    viseme.name: viseme
    for viseme in (
        #              jaw   wide  puck  upper lower press tuck  tongue
        SILENCE,
        _v("p", 0.04, 0.00, 0.05, 0.00, 0.00, 0.80, 0.00, 0.0, s=1.3, bilabial=True),
        _v("m", 0.06, 0.00, 0.05, 0.00, 0.00, 0.55, 0.00, 0.0, s=1.3, bilabial=True),
        _v("f", 0.10, 0.12, 0.00, 0.42, 0.00, 0.00, 1.00, 0.0, s=1.5, labiodental=True),
        _v("th", 0.20, 0.12, 0.00, 0.25, 0.30, 0.00, 0.00, 1.0, s=0.9),
        _v("t", 0.15, 0.15, 0.00, 0.22, 0.35, 0.00, 0.00, 0.8, s=0.6),
        _v("l", 0.26, 0.10, 0.00, 0.20, 0.25, 0.00, 0.00, 0.9, s=0.6),
        _v("tap", 0.24, 0.10, 0.00, 0.15, 0.20, 0.00, 0.00, 0.7, s=0.4),
        _v("s", 0.08, 0.38, 0.00, 0.38, 0.50, 0.00, 0.00, 0.3, s=1.0),
        _v("sh", 0.12, 0.00, 0.60, 0.45, 0.48, 0.00, 0.00, 0.3, s=1.2),
        _v("r", 0.20, 0.00, 0.50, 0.18, 0.22, 0.00, 0.00, 0.2, s=0.8),
        _v("k", 0.22, 0.08, 0.00, 0.15, 0.22, 0.00, 0.00, 0.0, s=0.4),
        _v("h", 0.30, 0.05, 0.00, 0.10, 0.10, 0.00, 0.00, 0.0, s=0.25),
        _v("w", 0.10, 0.00, 1.00, 0.02, 0.06, 0.00, 0.00, 0.0, s=1.6),
        _v("j", 0.14, 0.55, 0.00, 0.20, 0.32, 0.00, 0.00, 0.2, s=0.9),
        _v("i", 0.18, 0.85, 0.00, 0.34, 0.46, 0.00, 0.00, 0.1),
        _v("ih", 0.34, 0.48, 0.00, 0.24, 0.30, 0.00, 0.00, 0.1, s=0.9),
        _v("e", 0.44, 0.58, 0.00, 0.24, 0.30, 0.00, 0.00, 0.0),
        _v("eh", 0.60, 0.40, 0.00, 0.20, 0.24, 0.00, 0.00, 0.0),
        _v("ae", 0.84, 0.45, 0.00, 0.25, 0.25, 0.00, 0.00, 0.0),
        _v("a", 0.95, 0.22, 0.00, 0.18, 0.20, 0.00, 0.00, 0.0),
        _v("aa", 1.00, 0.00, 0.06, 0.14, 0.18, 0.00, 0.00, 0.0),
        _v("uh", 0.66, 0.10, 0.00, 0.16, 0.20, 0.00, 0.00, 0.0),
        _v("schwa", 0.46, 0.08, 0.00, 0.14, 0.18, 0.00, 0.00, 0.0, s=0.6),
        _v("er", 0.46, 0.00, 0.38, 0.16, 0.20, 0.00, 0.00, 0.1, s=0.9),
        _v("aw", 0.80, 0.00, 0.45, 0.12, 0.16, 0.00, 0.00, 0.0),
        _v("o", 0.55, 0.00, 0.78, 0.06, 0.12, 0.00, 0.00, 0.0, s=1.2),
        _v("uu", 0.36, 0.00, 0.62, 0.06, 0.14, 0.00, 0.00, 0.0),
        _v("u", 0.27, 0.00, 0.96, 0.04, 0.14, 0.00, 0.00, 0.0, s=1.3),
        _v("y", 0.20, 0.00, 0.85, 0.10, 0.14, 0.00, 0.00, 0.1, s=1.2),
        _v("oe", 0.46, 0.00, 0.60, 0.12, 0.16, 0.00, 0.00, 0.0),
        _v("glottal", 0.22, 0.00, 0.00, 0.08, 0.10, 0.00, 0.00, 0.0, s=0.15),
    )
}  # fmt: skip

_SOUNDS: Final = {
    "p": "p b ɓ", "m": "m ɱ", "f": "f v ʋ ɸ β", "th": "θ ð", "t": "t d n ʈ ɖ ɳ ɗ ɲ ȵ",
    "l": "l ɫ ʎ ɭ ɬ ɮ", "tap": "ɾ r ɽ", "s": "s z ɕ ʑ", "sh": "ʃ ʒ ʂ ʐ", "r": "ɹ ɻ ʁ ʀ",
    "k": "k ɡ g ŋ x ɣ q ɢ χ ɴ c ɟ ç ʝ", "h": "h ɦ ħ ʕ", "w": "w ʍ ɥ", "j": "j",
    "i": "i", "ih": "ɪ ᵻ ɨ", "e": "e", "eh": "ɛ", "ae": "æ", "a": "a", "aa": "ɑ",
    "uh": "ʌ ɐ ɤ", "schwa": "ə ᵊ ɘ ɯ", "er": "ɜ ɝ ɚ ɞ", "aw": "ɔ ɒ", "o": "o", "uu": "ʊ",
    "u": "u ʉ", "y": "y ʏ", "oe": "ø œ ɵ", "glottal": "ʔ",
}  # fmt: skip
_BY_SYMBOL: Final = {
    symbol: VISEMES[name] for name, symbols in _SOUNDS.items() for symbol in symbols.split()
}
_WHOLE: Final = {
    # Two-part sounds: the first element of a diphthong is the longer one, a stop is short.
    "eɪ": (("e", 0.58), ("ɪ", 0.42)), "aɪ": (("a", 0.6), ("ɪ", 0.4)),
    "oʊ": (("o", 0.55), ("u", 0.45)), "əʊ": (("ɜ", 0.5), ("ʊ", 0.5)),
    "aʊ": (("a", 0.58), ("ʊ", 0.42)), "ɔɪ": (("ɔ", 0.58), ("ɪ", 0.42)),
    "tʃ": (("t", 0.35), ("ʃ", 0.65)), "dʒ": (("d", 0.35), ("ʒ", 0.65)),
    "ts": (("t", 0.4), ("s", 0.6)), "ʧ": (("t", 0.35), ("ʃ", 0.65)),
    "ʤ": (("d", 0.35), ("ʒ", 0.65)),
}  # fmt: skip


@lru_cache(maxsize=4096)
def visemes_of(symbol: str) -> tuple[tuple[Viseme, float], ...]:
    """Split one IPA sound into visemes, each with its share of the duration (they sum to 1).

    Length, stress, tone and diacritics are ignored. "" is silence; an unknown letter becomes a
    neutral vowel, since a slightly open mouth is never badly wrong.
    """
    decomposed = unicodedata.normalize(
        "NFD", unicodedata.normalize("NFC", symbol).replace("ç", "x")
    )
    plain = "".join(c for c in decomposed if c.isalpha() and unicodedata.category(c) != "Lm")
    plain += "ə" * decomposed.count("ᵊ")
    if not plain:
        return ((SILENCE, 1.0),)
    if plain in _WHOLE:
        return tuple((_BY_SYMBOL[part], share) for part, share in _WHOLE[plain])
    found = [_BY_SYMBOL.get(c.lower(), VISEMES["schwa"]) for c in plain]
    return tuple((viseme, 1 / len(found)) for viseme in found)
