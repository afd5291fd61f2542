"""How English says amounts of money. Knows no phonemes.

The rule takes and returns what those of `spoken_dates` do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .spoken_units import CURRENCIES, plural, unit
from .written import Token, core_after

MAGNITUDES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "b": "billion",
    "bn": "billion",
    "t": "trillion",
    "tn": "trillion",
}
_MAGNITUDE_WORDS = ("hundred", "thousand", "million", "billion", "trillion")
_SIGNS = "|".join(re.escape(sign) for sign in sorted(CURRENCIES, key=len)[::-1] if len(sign) < 4)
_CODES = "|".join(code for code in CURRENCIES if code.isalpha())
_AMOUNT = r"(\d[\d,]*)(?:\.(\d+))?(bn|mn|tn|[kmbt])?"
_BEFORE = re.compile(rf"({_SIGNS}){_AMOUNT}", re.IGNORECASE)
_AFTER = re.compile(rf"(\d[\d,]*)(?:[.,](\d\d))?(€|£|¢|₽|₺|{_CODES})")
_PERIODS = {"mo": "month", "wk": "week", "d": "day", "ea": "each", "pp": "person"}
_BARE = re.compile(_AMOUNT, re.IGNORECASE)
_BARE_BEFORE = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+)(?:[.,](\d\d))?")


def money(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """An amount of money from `here` on: "$3.50", "US$5", "€1.5m", "5 EUR", "$3.5 million"."""
    core, then = _decimal_comma(words[here].core), core_after(words, here)
    one = bool(here) and words[here - 1].core.lower() in ("a", "an")  # a $5 million house
    if core[:1] in "-−":
        unsigned = replace(words[here], core=core[1:])
        rest = money([unsigned, *words[here + 1 :]], 0, language) if core[1:] else None
        return [f"minus {rest[0]}", *rest[1:]] if rest else None
    if core in CURRENCIES and _BARE.fullmatch(then):
        return _sign_apart(words, here, language)
    if match := _BEFORE.fullmatch(core):
        name = CURRENCIES[match[1].upper()][0]
        if then.lower() in _MAGNITUDE_WORDS and not match[4]:
            return [_decimal(match[2], match[3]), f"{then} {name if one else plural(name)}"]
        return [_said(match[1], match[2], match[3], match[4], one)]
    if after := _AFTER.fullmatch(core):
        return [_said(after[3], after[1], after[2], None)]
    if then in CURRENCIES and (match := _BARE_BEFORE.fullmatch(core)):
        amount, _, rest = _said(then, match[1], match[2], None).partition(" ")
        return [amount, rest]
    return _with_more(core)


def _sign_apart(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """ "EUR 20" and "$ 5 million": the first word says the number, the second the currency."""
    joined = replace(words[here + 1], core=words[here].core + words[here + 1].core)
    said = money([joined, *words[here + 2 :]], 0, language)
    if not said:
        return None
    if len(said) > 1:
        return [said[0], "", *said[1:]]
    amount, _, rest = said[0].partition(" ")
    return [amount, rest]


def _with_more(core: str) -> list[str] | None:
    """ "$5/month", "$20-a-month", "$100+"."""
    for sign, joiner in (("/", "per"), ("-", ""), ("+", "plus")):
        amount, found, rest = core.partition(sign)
        match = _BEFORE.fullmatch(amount)
        if not found or not match or not (rest.replace("-", "").isalpha() or sign == "+"):
            continue
        if sign == "-":
            name = CURRENCIES[match[1].upper()][0]
            return [f"{_decimal(match[2], match[3])} {name} {rest.replace('-', ' ')}"]
        more = _PERIODS.get(rest) or unit(rest, one=True) or rest
        return [f"{_said(match[1], match[2], match[3], match[4])} {joiner} {more}".strip()]
    return None


def _decimal(whole: str, fraction: str | None) -> str:
    return f"{whole}.{fraction}" if fraction else whole


def _decimal_comma(core: str) -> str:
    """ "€349,99" and "5,50" as English writes them."""
    return re.sub(r"(?<=\d),(\d\d)(?=$|[€£])", r".\1", core)


def _said(
    sign: str, whole: str, fraction: str | None, magnitude: str | None, one: bool = False
) -> str:
    name, part = CURRENCIES[sign.upper()]
    if magnitude:
        number = f"{_decimal(whole, fraction)} {MAGNITUDES[magnitude.lower()]}"
        return f"{number} {name if one else plural(name)}"
    said = f"{whole} {name if one or whole == '1' else plural(name)}"
    if not fraction or not int(fraction):
        return said
    if len(fraction) != 2 or not part:
        return f"{_decimal(whole, fraction)} {plural(name)}"
    cents = f"{int(fraction)} {part if fraction == '01' else plural(part)}"
    return cents if whole == "0" else f"{said} and {cents}"
