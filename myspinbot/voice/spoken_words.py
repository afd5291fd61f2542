"""How English says what it writes with digits, signs and abbreviations. Knows no phonemes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_ABBREVIATIONS = {
    "dr": "doctor",
    "mr": "mister",
    "mrs": "missus",
    "ms": "miz",
    "prof": "professor",
    "rev": "reverend",
    "gen": "general",
    "lt": "lieutenant",
    "col": "colonel",
    "sgt": "sergeant",
    "capt": "captain",
    "gov": "governor",
    "sen": "senator",
    "jr": "junior",
    "sr": "senior",
    "st": "saint",
    "mt": "mount",
    "vs": "versus",
    "etc": "et cetera",
    "approx": "approximately",
    "dept": "department",
    "fig": "figure",
    "vol": "volume",
    "jan": "january",
    "feb": "february",
    "aug": "august",
    "sept": "september",
    "oct": "october",
    "nov": "november",
    "dec": "december",
}
_ALWAYS = ("dr", "mr", "mrs", "vs", "etc", "prof", "approx")
"""Written without a full stop too (the others could be words)."""
_LATIN = {"e.g": "for example", "i.e": "that is", "a.k.a": "also known as"}
_UNITS = {
    "km": "kilometer",
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "kg": "kilogram",
    "g": "gram",
    "mg": "milligram",
    "ms": "millisecond",
    "s": "second",
    "kb": "kilobyte",
    "mb": "megabyte",
    "gb": "gigabyte",
    "tb": "terabyte",
    "fps": "frame per second",
    "mph": "mile per hour",
    "km/h": "kilometer per hour",
    "°": "degree",
    "°c": "degree celsius",
    "°f": "degree fahrenheit",
    "hz": "hertz",
    "khz": "kilohertz",
    "mhz": "megahertz",
    "ghz": "gigahertz",
}
_CURRENCIES = {
    "$": ("dollar", "cent"),
    "€": ("euro", "cent"),
    "£": ("pound", "penny"),
    "¥": ("yen", ""),
    "₹": ("rupee", "paisa"),
}
_MAGNITUDES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion"}
_SIGNS = "&%+=@"
_MONEY = re.compile(r"([$€£¥₹])(\d[\d,]*)(?:\.(\d+))?(k|m|b|bn)?", re.IGNORECASE)
_QUANTITY = re.compile(r"(\d[\d,]*(?:\.\d+)?)([a-z°]+(?:/h)?)", re.IGNORECASE)
_YEAR = re.compile(r"(1[1-9]|20)(\d\d)(s|'s)?")
_DECADE = re.compile(r"([2-9])0'?s")
_TENS = (
    *("", "", "twenties", "thirties", "forties"),
    *("fifties", "sixties", "seventies", "eighties", "nineties"),
)
_RANGE = re.compile(r"(?!\d{3}-\d{4}$)(\d[\d,.:]*)[-–](\d[^-–]*)")
"""Not a telephone number."""
_FRACTIONS = {
    "1/2": "one half",
    "1/3": "one third",
    "2/3": "two thirds",
    "1/4": "one quarter",
    "3/4": "three quarters",
    "½": "one half",
    "⅓": "one third",
    "⅔": "two thirds",
    "¼": "one quarter",
    "¾": "three quarters",
}
_TIME = re.compile(r"(\d{1,2}):(\d\d)")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]?|Ph\.D|[Mm]\.Sc|[Bb]\.Sc")
_ADDRESS = re.compile(
    r"(?:https?://)?(?:[\w.+-]+@)?[\w-]+(?:\.[a-z][\w-]*)+(?:[/?#]\S*)?|https?://\S+"
)


def spoken_forms(words: Sequence[str], dotted: Sequence[bool]) -> list[str]:
    """What to say for each of `words` (no outer punctuation); "" where there is nothing to say.

    `dotted`: whether a full stop follows the word. A form may be several words.
    """
    forms = [_one(_printable(word), dot) for word, dot in zip(words, dotted, strict=True)]
    for index, word in enumerate(words[:-1]):
        following = words[index + 1]
        money = _MONEY.fullmatch(word)
        unit = _unit(following) if re.fullmatch(r"-?[\d,.]*\d", word) else ""
        if money and following.lower() in ("thousand", "million", "billion", "trillion"):
            forms[index] = word[1:]
            forms[index + 1] = f"{following} {_CURRENCIES[word[0]][0]}s"
        elif word.lower() == "no" and dotted[index] and following[:1].isdigit():
            forms[index] = "number"
        elif word.lower() == "st" and dotted[index] and not following[:1].isupper():
            forms[index] = "street"
        elif unit:
            forms[index + 1] = unit if word == "1" else _plural(unit)
    return forms


def _printable(word: str) -> str:
    """Drop pictures, marks of markdown and invisible characters."""
    kept = (
        c
        for c in unicodedata.normalize("NFC", word)
        if c == "°" or (unicodedata.category(c) not in _UNSAID and c not in "*_`~|\\<>{}[]^")
    )
    return "".join(kept)


_UNSAID = ("So", "Sk", "Cs", "Co", "Cn", "Cc", "Cf", "Me")


def _one(word: str, dotted: bool) -> str:
    if not any(c.isalnum() or c in _SIGNS for c in word):
        return ""
    lower = word.lower().rstrip(".")
    if (dotted and lower in _ABBREVIATIONS) or lower in _ALWAYS:
        return _ABBREVIATIONS[lower]
    if lower in _LATIN:
        return _LATIN[lower]
    if _INITIALS.fullmatch(word) and "." in word:
        letters = word.replace(".", "").upper()
        return letters if "A" in letters else " ".join(letters)  # a lone A would be an article
    if _ADDRESS.fullmatch(word) and not word[0].isdigit():
        return _address(word)
    if word in _FRACTIONS or any(c.isdigit() for c in word):
        return _number(word)
    if re.fullmatch(r"(?=[IVX]{2,})X{0,3}(IX|IV|V?I{0,3})", word):
        return str(_roman(word))
    return word.replace("/", " ")


def _number(word: str) -> str:
    if word in _FRACTIONS:
        return _FRACTIONS[word]
    if word[0] in "-−":
        return f"minus {_number(word[1:])}"
    if word[0] == ".":
        return f"0{word}"
    if money := _MONEY.fullmatch(word):
        return _money(*money.groups())
    if decade := _DECADE.fullmatch(word):
        return _TENS[int(decade[1])]
    if year := _YEAR.fullmatch(word):
        return _year(year[1], year[2], bool(year[3]))
    if span := _RANGE.fullmatch(word):
        return " to ".join(_number(part) for part in span.groups())
    if time := _TIME.fullmatch(word):
        minutes = "" if time[2] == "00" else time[2]
        return f"{time[1]} {'oh ' + minutes[1] if minutes.startswith('0') else minutes}".strip()
    quantity = _QUANTITY.fullmatch(word)
    if quantity and (unit := _unit(quantity[2])):
        return f"{quantity[1]} {unit if quantity[1] == '1' else _plural(unit)}"
    if quantity and quantity[2] == "M":
        return f"{quantity[1]} million"
    if re.fullmatch(r"#\d+", word):
        return f"number {word[1:]}"
    if re.fullmatch(r"[\d-]+", word):
        return word.replace("-", " ")
    return word.replace("/", " ")


def _unit(word: str) -> str:
    """The unit that a sign stands for, or ""; a single capital is none (5G, 2M), nor is Ms."""
    return "" if word == "Ms" else _UNITS.get(word if len(word) == 1 else word.lower(), "")


def _money(sign: str, whole: str, fraction: str | None, magnitude: str | None) -> str:
    unit, part = _CURRENCIES[sign]
    if magnitude:
        amount = f"{whole}.{fraction}" if fraction else whole
        return f"{amount} {_MAGNITUDES[magnitude.lower()]} {_plural(unit)}"
    said = f"{whole} {unit if whole == '1' else _plural(unit)}"
    if not fraction or not int(fraction):
        return said
    if len(fraction) != 2 or not part:
        return f"{whole}.{fraction} {_plural(unit)}"
    cents = f"{int(fraction)} {part if fraction == '01' else _plural(part)}"
    return cents if whole == "0" else f"{said} and {cents}"


def _plural(unit: str) -> str:
    if unit in ("yen", "hertz") or unit.endswith("hertz"):
        return unit
    head, space, rest = unit.partition(" ")
    return {"penny": "pence", "paisa": "paise"}.get(head, head + "s") + space + rest


def _year(century: str, rest: str, plural: bool) -> str:
    if century == "20" and rest[0] == "0":
        said = f"2000 {int(rest) or ''}".strip() if rest != "00" else "2000"
    elif rest == "00":
        said = f"{century} hundred"
    elif rest[0] == "0":
        said = f"{century} oh {rest[1]}"
    else:
        said = f"{century} {rest}"
    if not plural:
        return said
    decade = _TENS[int(rest[0])]
    return f"{century} {decade}" if rest[1] == "0" and decade else said + "s"


def _address(word: str) -> str:
    said = re.sub(r"^https?://", "", word).rstrip("/")
    names = {
        ".": " dot ",
        "@": " at ",
        "/": " slash ",
        "-": " dash ",
        "?": " ",
        "#": " ",
        "=": " equals ",
    }
    return "".join(names.get(c, c) for c in said)


def _roman(word: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[c] for c in word]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-a if a < b else a for a, b in pairs)
