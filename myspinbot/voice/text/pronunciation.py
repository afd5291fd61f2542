"""How a user wants words said: a list of `word = respelling` or `word = /IPA/`, and inline forms.

Inline it is `[SpinBot](/spˈɪnbɑt/)`, as Kokoro's users know it. The text keeps what it writes; only
what the engine says changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ...errors import BadInputError
from .alphabet import from_ipa

INLINE = re.compile(r"\[\s*([^\[\]\s][^\[\]]*)\]\(/([^/()]+)/\)")
"""The written words, and their sounds in IPA."""
_COMMENT = re.compile(r"^#.*|\s#\s.*")
_FORM = "write: word = respelling, or: word = /IPA/"


@dataclass(frozen=True)
class Entry:
    """One pronunciation."""

    written: str
    said: str
    """A respelling, or IPA without its slashes."""
    is_ipa: bool


@dataclass(frozen=True)
class Span:
    """Where a text has words with a pronunciation of their own."""

    start: int
    end: int
    entry: Entry


@dataclass(frozen=True)
class Pronunciations:
    """A list of entries; a longer one wins over a shorter one."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Pronunciations:
        """Read one entry a line; blank lines and `# comments` are skipped.

        Raises BadInputError that names the line which is no entry, or whose IPA is unknown.
        """
        entries: dict[str, Entry] = {}
        for number, line in enumerate(text.splitlines(), 1):
            bare = _COMMENT.sub("", line.strip()).strip()
            if not bare:
                continue
            try:
                entry = _entry(bare)
            except BadInputError as error:
                raise BadInputError(f"Pronunciations, line {number}: {error}") from error
            if entry.written in entries:
                raise BadInputError(
                    f"Pronunciations, line {number}: {entry.written!r} has one already: keep one."
                )
            entries[entry.written] = entry
        return cls(tuple(entries.values()))

    def spans(self, text: str) -> list[Span]:
        """Words of `text` with a pronunciation, in order: inline ones, and whole-word matches.

        A list entry matches any case, unless it has a capital after a word's first letter.
        """
        found = []
        for match in self._pattern.finditer(text):
            if match.lastindex == 2:
                entry = Entry(" ".join(match[1].split()), match[2].strip(), True)
            else:
                entry = self._longest_first[(match.lastindex or 0) - 3]
            found.append(Span(match.start(), match.end(), entry))
        return found

    def relevant(self, text: str) -> list[list[str]]:
        """The entries that `text` uses, [written, said] each, said as it was listed."""
        used = {span.entry: None for span in self.spans(text)}
        return [[e.written, f"/{e.said}/" if e.is_ipa else e.said] for e in used]

    def respelled(self, text: str) -> str:
        """`text` as an engine without phonemes should read it; raises BadInputError for IPA."""

        def said(entry: Entry) -> str:
            if entry.is_ipa:
                raise BadInputError(
                    f"{entry.written!r} is to be said as /{entry.said}/, but this engine reads no "
                    "IPA. Respell it in the list of pronunciations, as in: SpinBot = spin bot"
                )
            return entry.said

        return _replaced(text, self.spans(text), said)

    @cached_property
    def _longest_first(self) -> list[Entry]:
        return sorted(self.entries, key=lambda entry: -len(entry.written))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Groups 1 and 2 are an inline form's, n + 3 that of the n-th longest entry."""
        return re.compile("|".join([INLINE.pattern, *map(_matcher, self._longest_first)]))


NONE = Pronunciations()


def shown(text: str) -> str:
    """`text` as a reader should see it: inline forms without their sounds."""
    return INLINE.sub(r"\1", text)


def check_inline(text: str) -> None:
    """Raise BadInputError for an inline form with sounds that nobody can say."""
    for match in INLINE.finditer(text):
        from_ipa(match[2])


def _entry(line: str) -> Entry:
    written, equals, said = (part.strip() for part in line.partition("="))
    if not equals or not written or not said:
        raise BadInputError(f"{line!r} has no word, = and pronunciation: {_FORM}.")
    is_ipa = said[0] == "/"
    if is_ipa and (len(said) < 3 or said[-1] != "/" or "/" in said[1:-1].strip()):
        raise BadInputError(f"{said!r} is no IPA between two slashes: {_FORM}.")
    if is_ipa:
        said = said[1:-1].strip()
        from_ipa(said)
    elif not any(c.isalnum() for c in said):
        raise BadInputError(f"{said!r} has no letters to say: {_FORM}.")
    return Entry(" ".join(written.split()), said, is_ipa)


def _matcher(entry: Entry) -> str:
    words = entry.written.split()
    pattern = r"\s+".join(re.escape(word).replace("'", "['’]") for word in words)
    before = r"(?<!\w)" if entry.written[0].isalnum() else ""
    after = r"(?!\w)" if entry.written[-1].isalnum() else ""
    exact = any(c.isupper() for word in words for c in word[1:])
    return f"{before}({pattern}){after}" if exact else f"{before}((?i:{pattern})){after}"


def _replaced(text: str, spans: list[Span], said: Callable[[Entry], str]) -> str:
    parts, position = [], 0
    for span in spans:
        parts += [text[position : span.start], said(span.entry)]
        position = span.end
    return "".join([*parts, text[position:]])
