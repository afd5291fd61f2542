"""How English says what it writes with digits, signs and abbreviations. Knows no phonemes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .spoken_dates import date, decade, time, year
from .spoken_names import address, name
from .spoken_numbers import number
from .spoken_short import short
from .spoken_signs import LEADING, SIGNS, calculation, leads, plain, printable, sign
from .written import Token

_CAPITALS_S = re.compile(
    r"([A-Za-z]{0,12}?[A-Z]{2,12}|(?:[A-Z]\.){2,6}|PhD|[A-Z]{1,9}\d{1,9}"
    r"|(?:1[1-9]|20)\d[1-9](?=['’]))['’]?s"
)
_LONGEST = 150
"""Letters of a word that the rules look at."""
_RULES = (sign, short, date, time, decade, number, year, name, address, calculation)


def spoken_forms(words: Sequence[Token], language: str = "en-us") -> list[str]:
    """What to say for each word; "" where there is nothing to say. A form may be several words.

    Words with a pronunciation of their own keep it. What `stem` cuts off is not in the form.
    """
    clean = [replace(token, core=printable(stem(token.core)[0])) for token in words]
    forms: list[str] = []
    while len(forms) < len(clean):
        token = clean[len(forms)]
        if token.parts:
            forms.append(token.respelled)
        else:
            forms += _said(clean, len(forms), language)
    return forms


def stem(core: str) -> tuple[str, bool]:
    """A word without the s of "GPUs", "NASA's" or "2026's", which eSpeak would not say.

    And whether it had one.
    """
    match = _CAPITALS_S.fullmatch(core)
    return (match[1], True) if match else (core, False)


def _said(words: Sequence[Token], here: int, language: str) -> list[str]:
    """The forms of as many words as the first rule that fits understands, else of one."""
    core = words[here].core
    if leads(core):
        rest = [*words[:here], replace(words[here], core=core[1:]), *words[here + 1 :]]
        said = _said(rest, here, language)
        return [f"{LEADING[core[0]]} {said[0]}", *said[1:]]
    for rule in _RULES if len(core) <= _LONGEST else ():
        said = rule(words, here, language)
        if said and not any(token.parts for token in words[here : here + len(said)]):
            return said
    return [plain(core) if any(c.isalnum() or c in SIGNS for c in core) else ""]
