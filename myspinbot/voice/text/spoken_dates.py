"""How English says dates, years, days and times of day. Knows no phonemes.

A rule is given all words of a sentence and an index: it returns what to say for the words from
there on that it understands, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .written import Token

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_SHORT_MONTHS = {month[:3]: month for month in _MONTHS} | {"sept": "september"}
_DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "tues": "Tuesday",
    "wed": "Wednesday",
    "weds": "Wednesday",
    "thu": "Thursday",
    "thur": "Thursday",
    "thurs": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_WORDS_TOO = ("mar", "jan", "dec", "sat", "sun", "wed", "mon")
"""A full stop after these may only end the sentence: "I sat." """
_DAY = re.compile(r"(0?[1-9]|[12]\d|3[01])(st|nd|rd|th)?", re.IGNORECASE)
_DAY_RANGE = re.compile(r"([1-9]|[12]\d|3[01])[-–]([1-9]|[12]\d|3[01])")
_ISO = re.compile(r"([12]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?:T(\d\d:\d\d)\S*)?")
_NUMERIC = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2([12]\d{3}|\d\d)")
_YEAR = re.compile(r"(?:1[1-9]|20)\d\d")
_EARLY_YEAR = re.compile(r"10\d\d")
_DATE_YEAR = re.compile(r"[12]\d{3}")
_DECADE = re.compile(r"(1[1-9]|20)?([2-9]0|[01]0)['’]?s")
_YEAR_RANGE = re.compile(r"((?:1[1-9]|20)\d\d)[-–/](\d\d|(?:1[1-9]|20)\d\d)")
_TENS = (
    *("hundreds", "tens", "twenties", "thirties", "forties"),
    *("fifties", "sixties", "seventies", "eighties", "nineties"),
)
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?([ap]\.?m)?", re.IGNORECASE)
_HOUR = re.compile(r"(1[0-2]|[1-9])([ap]\.?m)", re.IGNORECASE)
_HALF_DAY = re.compile(r"[ap]\.?m", re.IGNORECASE)
_HOUR_NUMBER = re.compile(r"1[0-2]|[1-9]")
_BEFORE_A_YEAR = ("in", "since", "until", "till", "circa", "year", "ad", "by")


def date(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A whole date from `here` on: "Nov 25, 2026", "25 Nov. 2026", "2026-11-25", "11/25/2026"."""
    core = words[here].core
    if iso := _ISO.fullmatch(core):
        year, month, day, at = iso.groups()
        said = _full(int(year), int(month), int(day), language)
        return [f"{said}, {clock_said(at)}" if at else said]
    if numeric := _NUMERIC.fullmatch(core):
        return _numeric(numeric, language)
    month = _month(words, here)
    if month and (day := _day(words, here + 1)):
        return [month, day, *_year_after(words, here + 2)]
    if month and _DATE_YEAR.fullmatch(_core(words, here + 1)):
        return [month, year_said(int(_core(words, here + 1)))]
    if _DAY.fullmatch(core) and (month := _month(words, here + 1)):
        the = "" if here and words[here - 1].core.lower() == "the" else "the "
        return [f"{the}{ordinal(core)} of", month, *_year_after(words, here + 2)]
    return _lone(words, here)


def decade(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A decade or a range of years: "the 1990s", "'90s", "mid-1990s", "1914-18"."""
    core = words[here].core
    prefix, hyphen, rest = core.partition("-")
    if hyphen and prefix.isalpha():
        said = _decade(rest) or (year_said(int(rest)) if _YEAR.fullmatch(rest) else "")
        return [f"{prefix} {said}"] if said else None
    if hyphen and rest.isalpha() and (said := _decade(prefix)):
        return [f"{said} {rest}"]
    if span := _YEAR_RANGE.fullmatch(core):
        if len(span[2]) == 2 and int(span[2]) <= int(span[1][2:]):
            return None
        last = span[2] if len(span[2]) == 2 else year_said(int(span[2]))
        between = here and words[here - 1].core.lower() == "between"
        return [f"{year_said(int(span[1]))} {'and' if between else 'to'} {last}"]
    return [said] if (said := _decade(core)) else None


def year(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A bare number that is a year."""
    core = words[here].core
    before = words[here - 1].core.lower() if here else ""
    if _YEAR.fullmatch(core) or (_EARLY_YEAR.fullmatch(core) and before in _BEFORE_A_YEAR):
        return [year_said(int(core))]
    return None


def time(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A time of day: "3:05 pm", "15:30", "7am", "5 p.m."."""
    core, following = words[here].core, _core(words, here + 1)
    half_day = _letters(following) if _HALF_DAY.fullmatch(following) else ""
    if hour := _HOUR.fullmatch(core):
        return [f"{hour[1]} {_letters(hour[2])}"]
    if half_day and (_HOUR_NUMBER.fullmatch(core) or _CLOCK.fullmatch(core)):
        return [clock_said(core, True) if ":" in core else core, half_day]
    if _CLOCK.fullmatch(core):
        return [clock_said(core)]
    return None


def clock_said(written: str, in_half_day: bool = False) -> str:
    """Of "15:30", "3:05pm" or "1:30:05"; `in_half_day` if "am" or "pm" follows as a word."""
    match = _CLOCK.fullmatch(written)
    if not match:
        return written
    hour, minute, second, half = match.groups()
    parts = [str(int(hour))]
    if minute != "00" or second:
        parts.append(_two_digits(minute))
    elif not half and not in_half_day:
        parts.append("o'clock" if 1 <= int(hour) <= 12 else "hundred")
    if second:
        parts.append(_two_digits(second))
    return " ".join([*parts, *([_letters(half)] if half else [])])


def year_said(number: int) -> str:
    """Of 1000 to 2999: 1999 is "19 99", 1905 "19 oh 5", 2005 "2005"."""
    century, rest = divmod(number, 100)
    if century % 10 == 0 and rest < 10:
        return str(number)
    if rest == 0:
        return f"{century} hundred"
    return f"{century} oh {rest}" if rest < 10 else f"{century} {rest}"


def _decade(core: str) -> str:
    match = _DECADE.fullmatch(core)
    if not match or (not match[1] and match[2] in ("00", "10")):
        return ""  # 10s is ten seconds
    if core.startswith("2000"):
        return "2 thousands"
    return f"{match[1] or ''} {_TENS[int(match[2][0])]}".strip()


def _full(year: int, month: int, day: int, language: str) -> str:
    name, nth = _MONTHS[month - 1], ordinal(str(day))
    if language == "en-gb":
        return f"the {nth} of {name} {year_said(year)}"
    return f"{name} {nth}, {year_said(year)}"


def _numeric(match: re.Match[str], language: str) -> list[str] | None:
    """Month first in America unless that cannot be; a date with full stops starts with the day."""
    first, second = int(match[1]), int(match[3])
    month_first = language == "en-us" and match[2] != "."
    if first > 12 or (second <= 12 and not month_first):
        first, second = second, first
    if not (1 <= first <= 12 and 1 <= second <= 31) or (len(match[4]) == 2 and match[2] != "/"):
        return None
    year = int(match[4]) if len(match[4]) == 4 else 2000 + int(match[4]) - 100 * (match[4] > "50")
    return [_full(year, first, second, language)]


def _month(words: Sequence[Token], index: int) -> str:
    """The month written there, with a capital; "" if it is none."""
    core = _core(words, index)
    if not core[:1].isupper():
        return ""
    name = core.lower()
    return _SHORT_MONTHS.get(name, name if name in _MONTHS else "").capitalize()


def _day(words: Sequence[Token], index: int) -> str:
    core = _core(words, index)
    if span := _DAY_RANGE.fullmatch(core):
        return f"{ordinal(span[1])} to {ordinal(span[2])}"
    return ordinal(core) if _DAY.fullmatch(core) else ""


def _year_after(words: Sequence[Token], index: int) -> list[str]:
    core = _core(words, index)
    return [year_said(int(core))] if _DATE_YEAR.fullmatch(core) else []


def _lone(words: Sequence[Token], here: int) -> list[str] | None:
    """An abbreviated month or day of the week that stands by itself, or days from one to another.

    It needs its full stop or a comma, a time after it, or a hyphen inside.
    """
    token, core = words[here], words[here].core
    if not token.is_capitalised:
        return None
    names = [part.lower().strip(".") for part in re.split("[-–]", core)]
    parts = [_DAYS.get(name) or _SHORT_MONTHS.get(name) for name in names]
    if not all(parts):
        return None
    if len(parts) == 2:
        return [f"{parts[0]} to {parts[1]}"]
    following = _core(words, here + 1)
    dated = following[:1].isdigit() or bool(_month(words, here + 1))
    ends = here + 1 == len(words) or words[here + 1].is_capitalised
    dotted = token.is_dotted and not (core.lower() in _WORDS_TOO and ends)
    listed = token.closing.startswith(",") and core.lower() not in ("jan", "sun", "may", "mar")
    return [str(parts[0])] if len(parts) == 1 and (dotted or dated or listed) else None


def ordinal(day: str) -> str:
    """ "3rd" for "3", "03" or "3rd"."""
    number = int(re.sub(r"\D", "", day))
    tens, ones = divmod(number, 10)
    return f"{number}{'th' if tens == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(ones, 'th')}"


def _two_digits(number: str) -> str:
    return f"oh {number[1]}" if number[0] == "0" else number


def _letters(half_day: str) -> str:
    return f"{half_day[0].upper()}.M"


def _core(words: Sequence[Token], index: int) -> str:
    return words[index].core if index < len(words) else ""
