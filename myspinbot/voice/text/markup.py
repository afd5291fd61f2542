"""What markup says about a text: its blocks, and its words without the marks."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from .sentences import starts_block


class Kind(Enum):
    """What a block is, as far as a reader pauses differently after it."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    ITEM = "item"
    LINE = "line"
    """Ended by a line break only."""


@dataclass(frozen=True)
class Block:
    """Words that belong together."""

    text: str
    """White space normalised."""
    kind: Kind


_FENCE = re.compile(r"\s*(?:```|~~~)[^`~]*$")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$")
_RULE = re.compile(r"\s*([-*_=])(\s*\1){2,}\s*$")
_QUOTED = re.compile(r"^\s*(?:>\s?)+(?!\d)")
_BULLET = re.compile(r"\s*[-*+•–◦▪‣]\s+(?:\[[ xX]\]\s+)?(?=\S)")
_NUMBERED = re.compile(r"\s*(?:\d{1,3}[.)]|\(?[A-Za-z]\)|\(\d{1,3}\))\s+\S")
_TABLE_LINE = re.compile(r"\s*\|?(\s*:?-+:?\s*\|)+(\s*:?-+:?\s*)?$")
_TARGET_LINE = re.compile(r"\s*\[[^\[\]^]+\]:\s+<?(https?:|\.?/|#)\S*(\s+[\"'(].*)?$")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]+\]:?")
_COMMENT = re.compile(r"<!--.{0,5000}?-->", re.DOTALL)
_TAG = re.compile(
    r"</?(?:a|b|i|u|s|p|em|strong|br|hr|div|span|img|h[1-6]|ul|ol|li|code|pre|kbd|sub|sup|small|"
    r"mark|center|table|thead|tbody|tr|td|th|details|summary|blockquote|font)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"!?\[(?!\s*pause\s+[\d.]+\s*m?s\s*\])([^\[\]]*)\]"
    r"(?:\((?!/[^/()]+/\))[^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+[\"'][^()]*[\"'])?\)"
    r"|\[(?!\s*pause\b)[^\[\]\d]*\])",
    re.IGNORECASE,
)
"""An inline pronunciation, [word](/IPA/), is none; nor are two pauses in a row."""
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>")
_EMPHASIS = re.compile(
    r"(?<![\w*])(\*{1,3})(?=[^\s*])(.{1,300}?)(?<=[^\s*])\1(?![\w*])"
    r"|(?<![\w_])(_{1,3})(?=[^\s_])(.{1,300}?)(?<=[^\s_])\3(?![\w_])"
    r"|(~~)(?=\S)(.{1,300}?)(?<=\S)~~"
)
_ESCAPE = re.compile(r"\\([*_`#\[\]()~>\\-])")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
_UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")
_DEEPEST = 4
"""Marks inside marks."""


def blocks(text: str) -> Iterator[Block]:
    """The paragraphs, headings, list items and table rows of a plain or Markdown text, in order.

    Marks, link targets and HTML tags are gone; a table's cells come with commas between.
    """
    reader = _Reader()
    for line in _COMMENT.sub(" ", _UNSEEN.sub("", text)).splitlines():
        yield from filter(_has_text, reader.read(line))
    yield from filter(_has_text, reader.end(Kind.PARAGRAPH))


def without_links(text: str) -> str:
    """`text` with only the words of its Markdown links; inline pronunciations stay."""
    return _repeated(_LINK, r"\1", text)


def plain(text: str) -> str:
    """One block without the marks of Markdown and HTML; inline pronunciations stay."""
    text = _AUTOLINK.sub(r"\1", _FOOTNOTE.sub("", text))
    text = _TAG.sub(lambda tag: " " if "br" in tag[0].lower() else "", text)
    text = without_links(text).replace("`", "")
    text = _repeated(_EMPHASIS, lambda m: m[2] or m[4] or m[6], text)
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), _ESCAPE.sub(r"\1", text))


def _repeated(
    pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str], text: str
) -> str:
    for _ in range(_DEEPEST):
        text, count = pattern.subn(replacement, text)
        if not count:
            break
    return text


def _has_text(block: Block) -> bool:
    return bool(block.text)


class _Reader:
    """Collects lines into blocks."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._kind = Kind.PARAGRAPH
        self._in_code = False

    def read(self, line: str) -> Iterator[Block]:
        """Take one line; yields the block that it ends, and itself if it is a whole one."""
        line = line if self._in_code else _QUOTED.sub("", line)
        if _FENCE.match(line):
            self._in_code = not self._in_code
            yield from self.end(Kind.PARAGRAPH)
        elif self._in_code:
            yield Block(" ".join(line.split()), Kind.LINE)
        elif not line.strip() or _TABLE_LINE.match(line) or _TARGET_LINE.match(line):
            yield from self.end(Kind.PARAGRAPH)
        elif _RULE.match(line):
            underlined = line.strip()[0] in "=-"
            yield from self.end(Kind.HEADING if underlined else Kind.PARAGRAPH)
        elif heading := _HEADING.match(line):
            yield from self.end(Kind.PARAGRAPH)
            yield Block(_normal(heading[1]), Kind.HEADING)
        elif line.strip()[0] == "|" and line.strip()[-1] == "|" and line.count("|") > 2:
            yield from self.end(Kind.PARAGRAPH)
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            yield Block(_normal(", ".join(cell for cell in cells if cell)), Kind.ITEM)
        else:
            yield from self._prose(line)

    def _prose(self, line: str) -> Iterator[Block]:
        bullet = _BULLET.match(line)
        if bullet or _NUMBERED.match(line):
            yield from self.end(Kind.LINE)
            self._kind = Kind.ITEM
            line = line[bullet.end() :] if bullet else line
        elif self._lines and starts_block(self._lines[-1].strip(), line.split()):
            yield from self.end(Kind.LINE)
        self._lines.append(line)

    def end(self, kind: Kind) -> Iterator[Block]:
        """Yield what is collected; an item stays one, whatever ends it."""
        if self._lines:
            kind = Kind.ITEM if self._kind is Kind.ITEM else kind
            yield Block(_normal(" ".join(self._lines)), kind)
        self._lines, self._kind = [], Kind.PARAGRAPH


def _normal(text: str) -> str:
    return " ".join(plain(text).split())
