"""How English says numbers digit by digit: telephones, cards, accounts, versions.

The rules take and return what those of `spoken_dates` do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .spoken_dates import year_said
from .written import Token

_PART = re.compile(r"\+?\d{1,5}(?:[-.]\d{2,4})*")
_NUMBER = re.compile(
    r"(?:\+\d{1,3}[-. ]?)?(?:1[-. ])?\d{3}[-. ]\d{3}[-. ]\d{4}|(?:1-)?\d{3}-\d{4}"
    r"|\+(?=(?:\D*\d){8,15}\D*$)\d{1,3}(?:[-. ]?\d{2,5}){2,5}"
    r"|0\d{2,5}(?:[- ]\d{2,5}){1,4}|\d{4}(?:[- ]\d{4}){2,4}|\d{3}-\d{2}-\d{4}|\d\d-\d\d-\d\d"
)
_MOST_PARTS = 6
_UNPARTED = re.compile(r"\+\d{7,15}|\d{7,}\d(?!000)\d{3}")
_NAMED = ("no", "number", "account", "code", "pin", "id", "isbn", "zip", "order", "ref", "ending")
"""A number after one of these is a name, not an amount."""
_NAME = re.compile(r"\d{4,}|\d+(?:-\d+)+")
_VERSION = re.compile(r"([vV]?\d+(?:\.\d+){2,}|[vV]\d+(?:\.\d+)*)(?:-([a-z]+)\.?(\d*))?")
_PROGRAMS = (
    *("python", "ios", "android", "ubuntu", "macos", "cuda", "node", "java", "php", "ruby"),
    *(
        "node.js",
        "django",
        "pytorch",
        "torch",
        "rust",
        "go",
        "linux",
        "kernel",
        "version",
        "release",
    ),
)
_GRAPHICS = ("rtx", "gtx", "rx")


def digits(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """Telephone, card and account numbers, in groups with pauses between."""
    size = 0
    for count in range(1, _MOST_PARTS + 1):
        parts = [token.core for token in words[here : here + count]]
        if len(parts) < count or not _PART.fullmatch(parts[-1]):
            break
        if _NUMBER.fullmatch(" ".join(parts)):
            size = count
        if words[here + count - 1].closing.strip(")"):
            break
    if size:
        said = [_grouped(token.core) for token in words[here : here + size]]
        return [*(f"{form}," for form in said[:-1]), said[-1]]
    core = words[here].core
    before = [token.core.lower() for token in words[max(here - 2, 0) : here]]
    after_state = re.fullmatch(r"\d{5}", core) and re.fullmatch("[a-z]{2}", "".join(before[-1:]))
    named = (before and before[-1] in _NAMED) or "ending" in before
    if _NAME.fullmatch(core) and (named or (after_state and words[here - 1].core.isupper())):
        return [_grouped(core)]
    if _UNPARTED.fullmatch(core):
        sign, number = ("+", core[1:]) if core[0] == "+" else ("", core)
        groups = re.findall(r"\d{4}$|\d{3}(?!\d?$)|\d+", number)
        return [_grouped(sign + "-".join(groups))]
    return None


def version(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """ "v2.1", "1.2.3", "Python 3.11", "192.168.0.1", "RTX 4090"."""
    core, before = words[here].core, words[here - 1].core.lower() if here else ""
    if match := _VERSION.fullmatch(core):
        numbers = match[1].lstrip("vV").split(".")
        is_address = len(numbers) == 4 and core[0].isdigit() and all(int(n) < 256 for n in numbers)
        said = (" dot " if is_address else " point ").join(numbers)
        said = " ".join([said, match[2] or "", match[3] or ""]).strip()
        return [said if core[0].isdigit() else f"version {said}"]
    if before in _PROGRAMS and re.fullmatch(r"\d+\.\d{2,}", core):
        return [core.replace(".", " point ")]
    if before in _GRAPHICS and re.fullmatch(r"\d{4}", core):
        return [in_halves(core)]
    return None


def in_halves(number: str) -> str:
    """1920 is "19 20" as in a size or a model; numbers of other lengths stay."""
    if re.fullmatch(r"[1-9]\d[1-9]\d", number):
        return year_said(int(number))
    return number


def _grouped(written: str) -> str:
    said = ", ".join(" ".join(group) for group in re.findall(r"\d+", written))
    return f"plus {said}" if written[0] == "+" else said
