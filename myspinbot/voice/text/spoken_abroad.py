"""How Spanish, French, Italian and Portuguese say what eSpeak leaves out or spells. No phonemes.

eSpeak reads their plain numbers, decimals and percentages itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .abroad_names import LANGUAGES, Names
from .spoken_names import roman_value
from .written import Token, core_after

_NUMBER = re.compile(r"[-−–]?\d[\d.,]*")
_MONEY_BEFORE = re.compile(r"((?:US|R)?\$|€|£|¥)(\d[\d.,]*)")
_MONEY_AFTER = re.compile(r"(\d[\d.,]*)(€|\$|£|¥)")
_CENTS = re.compile(r"(.*)[.,](\d\d)")
_QUANTITY = re.compile(r"(\d[\d.,]*)([^\d\W][^\d\W]*[²³23]?(?:/\w+)?|°[CF]?)")
_RANGE = re.compile(r"(\d[\d.,:]*)[-–](\d.*)")
_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]([12]\d{3})")
_ISO = re.compile(r"([12]\d{3})-(\d\d)-(\d\d)")
_HOURS = re.compile(r"(\d{1,2})(?:h(\d\d)|:00)", re.IGNORECASE)
_ORDINAL = re.compile(r"(\d+|[IVX]+)(?:e|ᵉ|è?me|ème)")
_ROMAN = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")
_NUMERO = re.compile(r"(?:n[.º°o]|nº|№|#)\.?(\d+)", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:https?://)?(?:[\w.+-]+@)?[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:/\S*)?|https?://\S+"
)
_LONGEST = 150
"""Letters of a word that is looked at."""
_SUM = re.compile(r"[\w.,]+(?:[=×÷][\w.,]+)+")


def foreign_forms(words: Sequence[Token], language: str) -> list[str]:
    """What to say for each word, "" where there is nothing; one of LANGUAGES of `abroad_names`."""
    names = LANGUAGES[language]
    clean = [replace(token, core=_printable(token.core)) for token in words]
    forms: list[str] = []
    while len(forms) < len(clean):
        here = len(forms)
        if clean[here].parts:
            forms.append(clean[here].respelled)
        else:
            forms += _said(clean, here, names)
    return forms


def _said(words: Sequence[Token], here: int, names: Names) -> list[str]:
    token, core, then = words[here], words[here].core, core_after(words, here)
    if core in names.signs:
        return [names.signs[core]]
    if not any(c.isalnum() for c in core):
        return [core if core in "@%+=" else ""]
    if (token.is_dotted or "." in core) and core.lower() in names.abbreviations:
        return [names.abbreviations[core.lower()]]
    if core.lower() in ("n", "nº", "n°", "no", "num", "núm") and then[:1].isdigit():
        return [names.number if core.lower() != "no" or token.is_dotted else core]
    for sign, number in ((then, core), (core, then)):  # 20 € and R$ 20
        if sign in names.currencies and _NUMBER.fullmatch(number):
            amount, _, rest = _money(number, sign, names).partition(" ")
            return [amount, rest]
    if _NUMBER.fullmatch(core) and (unit := _unit(core, then, names)):
        return [_signed(core, names), unit]
    return [_one(core, names)]


def _one(core: str, names: Names) -> str:
    """What one word says without those around it."""
    if core[0] in "-−–" and core[1:2].isdigit():
        return f"{names.minus} {_one(core[1:], names)}"
    if len(core) > _LONGEST:
        return core
    if match := _MONEY_BEFORE.fullmatch(core):
        return _money(match[2], match[1], names)
    if match := _MONEY_AFTER.fullmatch(core):
        return _money(match[1], match[2], names)
    if match := _DATE.fullmatch(core):
        return _date(int(match[1]), int(match[2]), match[3], names) or core
    if match := _ISO.fullmatch(core):
        return _date(int(match[3]), int(match[2]), match[1], names) or core
    if names.ordinal and (ordinal := _ordinal(core, names)):
        return ordinal
    if match := _HOURS.fullmatch(core):
        return (names.hours if match[2] else names.full_hour).format(*match.groups(""))
    if (match := _QUANTITY.fullmatch(core)) and (unit := _unit(match[1], match[2], names)):
        return f"{match[1]} {unit}"
    if match := _RANGE.fullmatch(core):
        return f"{match[1]} {names.to} {_one(match[2], names)}"
    if match := _NUMERO.fullmatch(core):
        return f"{names.number} {match[1]}"
    if _ADDRESS.fullmatch(core) and not core[0].isdigit():
        return _address(core, names)
    if _SUM.fullmatch(core):
        return " ".join(names.signs.get(part, part) for part in re.split("([=×÷])", core))
    return " ".join(core.replace("&", f" {names.signs['&']} ").replace("/", " ").split())


def _ordinal(core: str, names: Names) -> str:
    """XXe, 20e, Louis XIV, François Ier."""
    if core in ("Ier", "1er"):
        return names.first
    match = _ORDINAL.fullmatch(core)
    number = match[1] if match else core
    is_roman = len(number) > 1 or (match and number in "IVX")
    if is_roman and number.isupper() and _ROMAN.fullmatch(number):
        number = str(roman_value(number))
    elif not match:
        return ""
    return names.ordinal.format(number) if match else number


def _money(amount: str, sign: str, names: Names) -> str:
    one, many = names.currencies[sign]
    cents = _CENTS.fullmatch(amount)
    if cents and int(cents[2]):
        return f"{cents[1]} {one if cents[1] == '1' else many} {names.cents} {cents[2]}".strip()
    amount = cents[1] if cents else amount
    return f"{amount} {one if amount == '1' else many}"


def _unit(amount: str, sign: str, names: Names) -> str:
    pair = names.units.get(sign, ("", ""))
    return pair[0] if amount == "1" else pair[1]


def _signed(number: str, names: Names) -> str:
    return f"{names.minus} {number[1:]}" if number[0] in "-−–" else number


def _date(day: int, month: int, year: str, names: Names) -> str:
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return ""
    said = names.first if day == 1 else str(day)
    return names.date.format(said, names.months[month - 1], year)


def _address(core: str, names: Names) -> str:
    said = re.sub("^https?://", "", core).rstrip("/")
    signs = {".": names.dot, "/": "slash", "@": "@", "-": names.dash, "?": "", "=": "=", "_": ""}
    parts = (f" {signs[c]} " if c in signs else c for c in said)
    return " ".join("".join(parts).split())


def _printable(core: str) -> str:
    bare = re.sub(r"(?<=\d)\s(?=\d{3}(?:\D|$))", "", core)
    return re.sub(r"[*_`~|\\<>{}\[\]^]+", " ", bare).strip()
