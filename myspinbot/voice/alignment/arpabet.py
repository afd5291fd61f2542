"""English sounds as the acoustic model names them (ARPAbet), and back to IPA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ..text.reading import Sound

VOWELS = frozenset(
    ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
)


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(">") for pair in text.split())


_IPA = _pairs(
    "AA>ɑ AE>æ AH>ʌ AO>ɔ AW>aʊ AY>aɪ B>b CH>tʃ D>d DH>ð EH>ɛ ER>ɜ EY>eɪ F>f G>ɡ HH>h IH>ɪ IY>i "
    "JH>dʒ K>k L>l M>m N>n NG>ŋ OW>oʊ OY>ɔɪ P>p R>ɹ S>s SH>ʃ T>t TH>θ UH>ʊ UW>u V>v W>w Y>j Z>z "
    "ZH>ʒ"
)
_PHONE = {sound: phone for phone, sound in _IPA.items()} | _pairs(
    "ɒ>AA ə>AH ɐ>AH ɚ>ER əʊ>OW o>OW e>EY a>AE ɨ>IH y>UW ø>ER œ>ER ɾ>T ʔ>T x>K ç>HH r>R ʁ>R ɬ>L "
    "ɲ>N ɯ>UW ɤ>AH β>V ɣ>G"
)
_SEVERAL = {"ts": ("T", "S"), "dz": ("D", "Z"), "tɕ": ("CH",), "dʑ": ("JH",), "tʂ": ("CH",)}


@dataclass(frozen=True)
class Piece:
    """What of a word belongs together: "ts" is two phones, ER is a vowel and an r."""

    phones: tuple[str, ...]
    """ARPAbet without stress, never empty."""
    sounds: tuple[Sound, ...]
    """The same as IPA."""


Pronunciation = tuple[Piece, ...]


def phones_of(pronunciation: Pronunciation) -> tuple[str, ...]:
    return tuple(phone for piece in pronunciation for phone in piece.phones)


def from_sounds(sounds: Sequence[Sound]) -> Pronunciation:
    """ARPAbet of a spoken word's sounds; what English does not have becomes a neighbour of it."""
    pieces: list[Piece] = []
    index = 0
    while index < len(sounds):
        sound = sounds[index]
        rest = [other.ipa for other in sounds[index + 1 : index + 3]]
        if sound.ipa in ("ɜ", "ə") and rest[:1] == ["ɹ"] and not _is_vowel(rest[1:]):
            pieces.append(Piece(("ER",), tuple(sounds[index : index + 2])))
            index += 1
        else:
            pieces.append(Piece(_phones(sound.ipa), (sound,)))
        index += 1
    return tuple(pieces)


def _is_vowel(following: Sequence[str]) -> bool:
    return bool(following) and _PHONE.get(following[0]) in VOWELS


def _phones(ipa: str) -> tuple[str, ...]:
    if ipa in _SEVERAL:
        return _SEVERAL[ipa]
    return (_PHONE.get(ipa) or _PHONE.get(ipa[:1], "AH"),)


def from_dictionary(phones: Sequence[str], like: Pronunciation) -> Pronunciation:
    """IPA for a dictionary's `phones`, with the sounds and stress of `like` where they agree."""
    known = [piece.phones[0] if len(piece.phones) == 1 else "" for piece in like]
    sounds: dict[int, tuple[Sound, ...]] = {}
    for block in SequenceMatcher(None, known, list(phones), autojunk=False).get_matching_blocks():
        for step in range(block.size):
            sounds[block.b + step] = like[block.a + step].sounds
    stresses = [p.sounds[0].stress for p in like if VOWELS & set(p.phones)]
    vowels = [index for index, phone in enumerate(phones) if phone in VOWELS]
    same_beat = len(stresses) == len(vowels)
    stress = dict(zip(vowels, stresses, strict=True)) if same_beat else {}
    return tuple(
        Piece((phone,), sounds.get(index) or _default(phone, stress.get(index, 0)))
        for index, phone in enumerate(phones)
    )


def _default(phone: str, stress: int) -> tuple[Sound, ...]:
    if phone == "ER":
        return (Sound("ɜ" if stress else "ə", stress), Sound("ɹ"))
    if phone == "AH" and not stress:
        return (Sound("ə"),)
    return (Sound(_IPA[phone], stress),)
