"""The words of a text as it writes them, taken apart for reading them aloud."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .alphabet import begins_with_vowel
from .pronunciation import Entry, Pronunciations

_WRITTEN = re.compile(
    r"(?<!\S)[1-9]\d{0,2}(?:(?:\s000)+(?!\w)|(?:\s\d{3})+[.,]\d\d(?!\w))\S*"
    r"|(?<![^\s,;.!?])(?![^\s/@]*[/@])\S*?[a-z]{2}(?:[,;](?=[A-Za-z]{2})|[.!?](?=[A-Z][a-z]))"
    r"|\S+?[—…](?=\w)|\S+"
)
"""A word, or 10 000; a dash or an ellipsis inside ends it: "an idea—one that works".

So does a full stop or a comma without its space: "no space.Like here".
"""
_SIGNED = re.compile(r"(?<![-.])[-.–][\d$€£]")
"""Where -5, -$5 or .5 begins."""
_HEIGHT = re.compile(r"\d+['’′](?:\d+[\"”″])?(?!\w)|\d+″")
"""6'2": its closing mark is no quote."""
_INNER = "&%@#+/§‰′″"
_PAUSES = {"–": "—", "―": "—", "-": "—", "«": "“", "»": "”", "„": "“", "…": "…", "¿": "", "¡": ""}
_EASTERN = str.maketrans("。！？；，、：「」", ".!?;,,:“”")
_EMOTICON = re.compile(r"(?:[:;=][-'o^]?[)(\]\[DPpOo3|/\\*]+|<+3+|[xX]D+|[oO]_[oO]|¯.*¯)[.,!?]*")
_FIRST_MASK = 0xF0000
_MASK = re.compile("[\U000f0000-\U000ffffd]")


@dataclass(frozen=True)
class Token:
    """A written word taken apart."""

    text: str
    opening: str
    core: str
    closing: str
    parts: tuple[str | Entry, ...] = ()
    """The core with its own pronunciations in it; () if it has none."""

    @classmethod
    def of(cls, text: str) -> Token:
        """Part `text` from its outer punctuation."""
        if _EMOTICON.fullmatch(text):
            return cls(text, "", "", "")

        def is_outer(c: str) -> bool:
            return unicodedata.category(c)[0] in "PZ" and c not in _INNER

        if height := _HEIGHT.match(text):
            return cls(text, "", height[0], text[height.end() :])
        start = next((i for i, c in enumerate(text) if not is_outer(c)), len(text))
        if start and _SIGNED.match(text, start - 1):
            start -= 1
        end = next((i for i in range(len(text), start, -1) if not is_outer(text[i - 1])), start)
        return cls(text, text[:start], text[start:end], text[end:])

    @property
    def is_dotted(self) -> bool:
        """Whether a full stop follows."""
        return self.closing.startswith(".")

    @property
    def is_label(self) -> bool:
        """Whether it looks like the mark of a list item: a) or (a)."""
        return len(self.core) == 1 and self.closing.startswith(")")

    @property
    def is_dash(self) -> bool:
        return bool(self.opening) and not self.core and all(c in "-–—―" for c in self.opening)

    @property
    def is_capitalised(self) -> bool:
        return self.core[:1].isupper()

    @property
    def respelled(self) -> str:
        """The core with respellings in it; for IPA stands a word that begins like it.

        So the words before it are said as they should be: "the owl", "a dog".
        """
        return "".join(part if isinstance(part, str) else _stand_in(part) for part in self.parts)

    @property
    def has_ipa(self) -> bool:
        return any(isinstance(part, Entry) and part.is_ipa for part in self.parts)

    @property
    def opening_mark(self) -> str:
        marks = self.opening.translate(_EASTERN)
        marks = marks.replace('"', "“").replace("«", "“").replace("„", "“")
        return "".join(c for c in marks if c in "(“")[:1]

    @property
    def closing_mark(self) -> str:
        """At most one pause and one closing quote or bracket."""
        written = self.closing.translate(_EASTERN).replace("“", "”")
        written = written.replace("...", "…").replace("--", "—").replace('"', "”")
        written = re.sub(r"^\.(?=[,;:?!])", "", written)  # of an abbreviation
        marks = "".join(_PAUSES.get(c, c) for c in written)
        pause = next((c for c in marks if c in ";:,.!?—…"), "")
        quote = next((c for c in marks if c in "”)"), "")
        return pause + quote


def _stand_in(entry: Entry) -> str:
    if not entry.is_ipa:
        return entry.said
    return "owl" if begins_with_vowel(entry.said) else "dog"


def core_after(words: Sequence[Token], here: int) -> str:
    """The core of the next word; "" if there is none or punctuation comes before it."""
    if here + 1 >= len(words) or words[here].closing.strip(")"):
        return ""
    return words[here + 1].core


def tokens_of(text: str, pronunciations: Pronunciations) -> list[Token]:
    """The words of `text`, in order; a phrase with one pronunciation is one word."""
    spans = pronunciations.spans(text)
    if not spans:
        return [Token.of(word) for word in _WRITTEN.findall(text)]
    entries: list[Entry] = []
    parts, position = [], 0
    for span in spans:
        own = _word_by_word(span.entry, text[span.start : span.end])
        masks = (chr(_FIRST_MASK + len(entries) + i) for i in range(len(own)))
        parts += [_MASK.sub("", text[position : span.start]), " ".join(masks)]
        entries += own
        position = span.end
    masked = "".join([*parts, _MASK.sub("", text[position:])])
    return [_unmasked(Token.of(word), entries) for word in _WRITTEN.findall(masked)]


def _word_by_word(entry: Entry, written: str) -> list[Entry]:
    """One entry a word if the pronunciation has as many, so that each word can be timed."""
    shown = entry.written if written.startswith("[") else " ".join(written.split())
    words, said = shown.split(), entry.said.split()
    if len(words) != len(said):
        return [Entry(shown, entry.said, entry.is_ipa)]
    return [Entry(*pair, entry.is_ipa) for pair in zip(words, said, strict=True)]


def _unmasked(token: Token, entries: Sequence[Entry]) -> Token:
    def written(text: str) -> str:
        return _MASK.sub(lambda mask: entries[ord(mask[0]) - _FIRST_MASK].written, text)

    if not _MASK.search(token.text):
        return token
    found = (entries[ord(mask) - _FIRST_MASK] for mask in _MASK.findall(token.core))
    parts: list[str | Entry] = []
    for text in _MASK.split(token.core):
        parts += [text, next(found, "")]
    return Token(
        written(token.text),
        token.opening,
        written(token.core),
        token.closing,
        tuple(part for part in parts if part),
    )
