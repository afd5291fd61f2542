"""How English says quantities, ranges, fractions and other numbers. Knows no phonemes.

The rules take and return what those of `spoken_dates` do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .spoken_dates import time, year_said
from .spoken_digits import digits, in_halves, version
from .spoken_money import MAGNITUDES, money
from .spoken_units import unit
from .written import Token, core_after

_NUMBER = re.compile(r"[-−–]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)")
_QUANTITY = re.compile(r"(\d[\d,]*(?:\.\d+)?|\.\d+)(-?)([^\d\s,./-][^\d\s,.-]*[23]?(?:/\S+)?)")
_HOURS = re.compile(r"(\d{1,3})h(\d\d)(?:m|min)?|(\d{1,3})m(?:in)?(\d\d)s")
_OVEN = re.compile(r"(\d{3})([CF])")
_RANGE = re.compile(r"([$€£]?\d[\d,.:]*(?:%|[ap]\.?m)?)[-–—](-?[$€£]?\d[^-–]*)", re.IGNORECASE)
_FRACTION = re.compile(r"(\d+)[/⁄](\d+)")
_MARK = re.compile(r"(\d+\.\d+)/(\d+)")
_PARTS = {
    2: "half",
    3: "third",
    4: "quarter",
    5: "fifth",
    6: "sixth",
    7: "seventh",
    8: "eighth",
    16: "sixteenth",
    32: "thirty-second",
}
_VULGAR = {
    **{"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5"},
    **{"⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8"},
    "⅞": "7/8",
}
_COUNTS = ("", "one", "two", "three", "four", "five", "six", "seven")
_SCORE = re.compile(r"(\d{1,3}):(\d{1,3})")
_HEIGHT = re.compile(r"(\d{1,2})['’′](\d{1,2})?[\"”″]?")
_MOST_FEET = 12
"""More with a single prime are minutes."""
_PAIR = re.compile(r"(\d[\d.,]*[^\W\d_]+)/(\d[\d.,]*[^\W\d_]+)")
_TIMES = re.compile(r"(\d[\d,.]*)[x×]", re.IGNORECASE)
_GRID = re.compile(r"(\d[\d.]*)[x×](\d[\d.]*)(?:[x×](\d[\d.]*))?(?:-?([^\W\d_]+))?", re.IGNORECASE)
_MILLIONS = re.compile(r"(\d[\d,.]*)(M|bn|mn|tn)")
_SIMPLE = (
    (re.compile(r"\.\d+"), "0{0}"),
    (re.compile(r"(\d[\d,.]*%?)\+"), "{1} plus"),
)


def quantity(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A number and its unit: "5km", "10 km/h", "5 m²", "20 °C", "5 in."; also "2h30", 6'2"."""
    core = words[here].core
    attributive = bool(here) and words[here - 1].core.lower() in ("a", "an")  # a 5 inch nail
    if hours := _HOURS.fullmatch(core):
        first, last = ("hours", "minutes") if hours[1] else ("minutes", "seconds")
        return [f"{hours[1] or hours[3]} {first} {int(hours[2] or hours[4])} {last}"]
    if height := _HEIGHT.fullmatch(core):
        feet = f"{height[1]} foot" if height[2] or int(height[1]) <= _MOST_FEET else height[1]
        return [f"{feet} {height[2] or ''}".strip()]
    if oven := _OVEN.fullmatch(core):
        return [f"{oven[1]} degrees {'celsius' if oven[2] == 'C' else 'fahrenheit'}"]
    if match := _QUANTITY.fullmatch(core):
        name = unit(match[3], one=attributive or match[1] == "1" or match[2] == "-")
        if name and match[3] not in "kK":
            return [f"{match[1]} {name}"]
    count = fraction(words, here, language) or ([_signed(core)] if _NUMBER.fullmatch(core) else [])
    last = here + len(count) - 1
    sign = core_after(words, last) if count else ""
    if sign.lower() == "sq" and (name := unit(core_after(words, last + 1))):
        return [*count, "square", name]
    below_one = bool(count) and count[0].startswith(("one ", "three quarters"))
    name = unit(sign, one=attributive or count == ["1"] or bool(below_one))
    if not name or (sign == "in" and not words[last + 1].is_dotted):
        return None
    return [*count, name]


def fraction(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A fraction or a mark out of ten; with the whole number before it: "1 1/2", "1½"."""
    core, then = words[here].core, core_after(words, here)
    if said := _fraction(core):
        return [said]
    if core[-1:] in _VULGAR and core[:-1].isdigit():
        return [f"{core[:-1]} and {_after_and(core[-1])}"]
    following = _fraction(then)
    if core.isdigit() and following and following[-1].isalpha():
        return [f"{core} and", _after_and(then)]
    return None


def span(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A range, a score, a factor or a size: "10-20", "3:2", "3x", "1920x1080"."""
    core = words[here].core
    if match := _RANGE.fullmatch(core):
        return _range(match[1], match[2], words, here, language)
    if score := _SCORE.fullmatch(core):
        return [f"{score[1]} to {score[2]}"]
    if (factor := _TIMES.fullmatch(core)) and core_after(words, here) not in ("+", "=", "-"):
        return [f"{factor[1]} times"]
    if grid := _GRID.fullmatch(core):
        sides = [side for side in grid.groups()[:3] if side]
        tail = grid[4] and (unit(grid[4], one="-" in core) or grid[4])
        if "×" in core and not tail and len(sides) == 2 and max(map(len, sides)) < 3:
            return [f"{sides[0]} times {sides[1]}"]
        return [f"{' by '.join(map(in_halves, sides))} {tail or ''}".strip()]
    return None


def plain_number(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """Any other number: "-5", ".5", "100+", "5M", "#1", "1 000 000", "1080p", "747-400"."""
    core = words[here].core
    if core[:1] in ("-", "−", "–") and core[1:2].isdigit():
        unsigned = replace(words[here], core=core[1:])
        rest = number([unsigned, *words[here + 1 :]], 0, language) or [core[1:]]
        return [f"minus {rest[0]}", *rest[1:]]
    for pattern, form in _SIMPLE:
        if match := pattern.fullmatch(core):
            return [form.format(match[0], *match.groups())]
    if pair := _PAIR.fullmatch(core):  # 80kg/176lbs
        return [
            " ".join(
                _said([replace(words[here], core=part)], language)[0] for part in pair.groups()
            )
        ]
    if re.fullmatch(r"[#№]\d[\d.,-]*", core):
        return [f"number {core[1:].replace('-', ' ')}"]
    if match := _MILLIONS.fullmatch(core):
        return [f"{match[1]} {MAGNITUDES[match[2].lower()]}"]
    if re.fullmatch(r"\d+(ST|ND|RD|TH)", core):
        return [core.lower()]
    if re.fullmatch(r"\d{3,4}[pi]", core):
        return [f"{in_halves(core[:-1])} {core[-1].upper()}"]
    if re.fullmatch(r"\d[\d-]*-[\d-]*\d", core):
        return [core.replace("-", " ")]
    return None


_RULES = (digits, version, money, quantity, fraction, span, plain_number)


def number(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """What the first rule for numbers that fits says."""
    return next((said for rule in _RULES if (said := rule(words, here, language))), None)


def _range(
    first: str, last: str, words: Sequence[Token], here: int, language: str
) -> list[str] | None:
    """From one number to another; not so for parts of a name (747-400) or equal halves (50-50)."""
    low, high = (float(re.sub(r"\D", "", part) or 0) for part in (first, last))
    before = words[here - 1].core.lower() if here else ""
    joiner = " and " if before == "between" else " to "
    boeing, always = re.fullmatch(r"7\d7", first), (first, last) == ("24", "7")
    if low == high or (low > high and low >= 100) or boeing or always:
        joiner = " "
    if first[0] in "$€£" and last[0] not in "$€£":
        start, last = first[1:], first[0] + last
    else:
        start = _said([replace(words[here], core=first)], language)[0]
    rest = _said([replace(words[here], core=last), *words[here + 1 :]], language)
    return [f"{start}{joiner}{rest[0]}", *rest[1:]]


def _said(words: Sequence[Token], language: str) -> list[str]:
    core = words[0].core
    if re.fullmatch(r"(1[1-9]|20)\d\d", core):
        return [year_said(int(core))]
    return time(words, 0, language) or number(words, 0, language) or [core]


def _signed(core: str) -> str:
    if core[:1] in ("-", "−", "–"):
        return f"minus {core[1:]}"
    return f"0{core}" if core[:1] == "." else core


def _fraction(core: str) -> str:
    if mark := _MARK.fullmatch(core):
        return f"{mark[1]} out of {mark[2]}"
    match = _FRACTION.fullmatch(_VULGAR.get(core, core))
    if not match:
        return ""
    over, under = int(match[1]), int(match[2])
    if under in (10, 100) and over <= under:
        return f"{over} out of {under}"
    if not 0 < over < under or under not in _PARTS:
        return f"{over} {under}"
    count = _COUNTS[over] if over < len(_COUNTS) else str(over)
    part = _PARTS[under]
    return f"{count} {part if over == 1 else 'halves' if under == 2 else part + 's'}"


def _after_and(core: str) -> str:
    """A half rather than one half."""
    said = _fraction(core)
    return "a" + said.removeprefix("one") if said.startswith("one ") else said
