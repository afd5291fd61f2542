"""Cuts a text that is too long for a net where a speaker would pause."""

from __future__ import annotations

import re
from collections.abc import Callable

_BORDER = re.compile(r"[.!?…;:,।؟،]+[\"'”’)]*\s+|[。！？；：，、]+[”」』]?|\s+")


def cut_to_fit(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Halve `text` at the best border until each part `fits`.

    Best is the one nearest the middle; a mark may be a quarter of the text farther off than a mere
    space. Only where there is no border is a word cut.
    """
    if fits(text) or len(text) < 2:
        return [text]
    borders = [
        (abs(2 * match.end() / len(text) - 1) + match.group().isspace() / 2, match.end())
        for match in _BORDER.finditer(text)
        if any(c.isalnum() for c in text[: match.start()])
        and any(c.isalnum() for c in text[match.end() :])
    ]
    cut = min(borders)[1] if borders else len(text) // 2
    return [part for half in (text[:cut], text[cut:]) for part in cut_to_fit(half.strip(), fits)]
