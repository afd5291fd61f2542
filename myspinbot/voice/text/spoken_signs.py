"""How English says signs, sums and powers, and which characters it does not say at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from .written import Token

SIGNS = {
    "&": "and",
    "%": "percent",
    "+": "plus",
    "=": "equals",
    "@": "at",
    "×": "times",
    "÷": "divided by",
    "−": "minus",
    "±": "plus or minus",
    "≈": "approximately",
    "~": "about",
    "≠": "is not",
    "≤": "at most",
    "≥": "at least",
    "<": "less than",
    ">": "greater than",
    "√": "the square root of",
    "∞": "infinity",
    "‰": "per mille",
    "§": "section",
    "#": "number",
    "№": "number",
    "°": "degrees",
}
LEADING = {"~": "about", "≈": "about", "<": "less than", ">": "more than", "≤": "at most"} | {
    "≥": "at least",
    "±": "plus or minus",
    "§": "section",
    "√": "the square root of",
    "№": "number",
}
_INSIDE = SIGNS | {"*": "times", "/": "over", "-": "minus", "^": "to the power of"}
_SUM = re.compile(r"[\w.,()√⁻]*[\w)](?:(?:[-+×÷*/^≈≠≤≥<>−±]|[=<>!]?=)-?[\w.,(√⁻]+)+\)?")
_BETWEEN_NUMBERS = {"*": "times", "/": "divided by", "-": "to", "–": "to"}
_POWER = re.compile(r"(\w+?|\d[\d,.]*)([²³⁴-⁹¹⁰⁻]+|\^-?\w+)")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_EXPONENTIAL = re.compile(r"(\d(?:\.\d+)?)[eE]([+-]?)(\d{1,3})")
_UNSAID = ("So", "Sk", "Cs", "Co", "Cn", "Cc", "Cf", "Me")
_EASTERN = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
"""What eSpeak's English would call "Chinese letter"."""
_PLAINER = (
    (re.compile(r"(?<=\w)\*\*(?=\w)"), "^"),
    (re.compile(r"&&"), "&"),
    (re.compile(r">="), "≥"),
    (re.compile(r"<="), "≤"),
    (re.compile(r"!="), "≠"),
    (re.compile(r"(?<=\d)\s(?=\d{3}(?:\D|$))"), ""),
)
_ARROWS = ("→", "←", "↑", "↓", "⇒", "⇐", "↔", "->", "=>", "-->")


def sign(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A sign that stands alone: "7 - 3 = 4", "5 x 4", "§"."""
    token, before, following = words[here], words[here - 1 : here], words[here + 1 : here + 2]
    between = bool(before and following and following[0].core[:1].isdigit())
    after_number = between and before[0].core[:1].isdigit() and not before[0].closing.strip(")")
    if after_number and token.text in _BETWEEN_NUMBERS:
        in_a_sum = any(word.core == "=" for word in words[here + 2 : here + 5])
        return ["minus" if in_a_sum and token.text in "-–" else _BETWEEN_NUMBERS[token.text]]
    if between and token.core in ("x", "×"):
        return ["by" if before[0].core[-1:].isdigit() or before[0].core[-1:] == "m" else "times"]
    return [SIGNS[token.core]] if token.core in SIGNS else None


def printable(word: str) -> str:
    """Drop pictures, marks of markup, invisible characters and what eSpeak cannot read."""
    if word in _ARROWS:
        return ""
    for pattern, plain in _PLAINER:
        word = pattern.sub(plain, word)
    kept = (
        c
        for c in unicodedata.normalize("NFC", word)
        if c in "°^`" or (unicodedata.category(c) not in _UNSAID and not _EASTERN.match(c))
    )
    bare = "".join(kept).strip("*_`|\\{}[]^")
    return bare if leads(bare) else bare.strip("~<>") or bare


def leads(core: str) -> bool:
    """Whether a word begins with a sign that is said before the rest: ~5, <1%, §3."""
    return core[:1] in LEADING and (core[1:2].isdigit() or core[1:2] in ("$", "€", "£", ".", "-"))


def calculation(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A sum, a power or a number with an exponent: "2+2=4", "mc²", "1.5e-3"."""
    core = words[here].core
    if match := _EXPONENTIAL.fullmatch(core):
        minus = "minus " if match[2] == "-" else ""
        return [f"{match[1]} times 10 to the {minus}{match[3]}"]
    if match := _POWER.fullmatch(core):
        return [f"{plain(match[1])} {_power(match[2])}"]
    if _SUM.fullmatch(core) and re.search(r"[=×÷*+≈≠≤≥<>−^±]", core):
        parts = re.findall(r"[\w.,²³⁴-⁹⁰¹⁻]+|[<>!=]?=|[^\w\s]", core)
        return [" ".join(map(_sum_part, parts))]
    return None


def _sum_part(part: str) -> str:
    if match := _POWER.fullmatch(part):
        return f"{_factors(match[1])} {_power(match[2])}"
    part = "=" if part == "==" else part
    return _INSIDE.get(part, part.replace("_", " ") if part[0].isalnum() else "")


def _factors(letters: str) -> str:
    """The m and c of mc²."""
    return (
        letters if re.search("[aeiouy]", letters) else re.sub(r"(?<=[a-z])(?=[a-z])", " ", letters)
    )


def _power(exponent: str) -> str:
    bare = exponent.translate(_RAISED).lstrip("^")
    if bare in ("2", "3"):
        return "squared" if bare == "2" else "cubed"
    return f"to the power of {bare.replace('-', 'minus ')}"


def plain(core: str) -> str:
    """A word without the marks in it."""
    core = re.sub(r"(?<=\d)-(?=\d)|(?<=[A-Za-z])\.(?=\d)", " ", core)
    bare = re.sub(r"[*_`~|\\<>{}()\[\]^/]+", " ", core.replace("+", " plus ").replace("&", " and "))
    return " ".join(bare.split())
