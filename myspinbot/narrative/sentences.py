"""Words and sentences: counting, splitting, and what is wrong with them. Knows no model."""

from __future__ import annotations

import re
import unicodedata

from .vocabulary import (
    FILLERS,
    FIRST_PERSON,
    META_WORDS,
    NAMES,
    PRIVATE_WORDS,
    UNFINISHED,
    UNFIT_WORDS,
)

WORD = re.compile(r"[^\W_]+(?:['\u2019\-][^\W_]+)*")
LONG_WORD_CHARACTERS = 15
"""Text without spaces (Thai, an URL) is counted as one word per so many characters."""
ENDS = ".!?"
END = re.compile(
    r"[.!?\u061f\u0964\u2026]+[\"'\u201c\u201d\u2019\u00bb)]*(?=\s|$)"
    r"|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d\u2019]*"  # Chinese, Japanese: no space follows
)
"""Where a sentence may end, in every script that the pack's voices speak."""
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
"""A character of Chinese or Japanese, which has no spaces: two take as long as a word."""
ABBREVIATIONS = frozenset(
    ("mr", "mrs", "ms", "dr", "st", "mt", "vs", "etc", "prof", "jr", "sr", "e.g", "i.e", "ph.d")
)
INITIAL = re.compile(r"(?:^|\.)[^\W\d_]")
"""How "J", "U.S" or "a.m" ends, without its last full stop."""


def words(text: str) -> list[str]:
    """The words of `text` in lower case."""
    return [word.lower().replace("\u2019", "'") for word in WORD.findall(text)]


def count_words(text: str) -> int:
    """How many words a speaker has to say."""
    unspaced = len(UNSPACED.findall(text))
    rest = words(UNSPACED.sub(" ", text)) if unspaced else words(text)
    return -(-unspaced // 2) + sum(-(-len(word) // LONG_WORD_CHARACTERS) for word in rest)


def split(text: str) -> list[str]:
    """The sentences of `text`; a full stop inside a number or after a title does not end one."""
    sentences, start = [], 0
    for match in END.finditer(text):
        if match.group() == "." and _abbreviated(text[start : match.start()], text[match.end() :]):
            continue
        sentences.append(text[start : match.end()].strip())
        start = match.end()
    if text[start:].strip():
        sentences.append(text[start:].strip())
    return sentences


def _abbreviated(before: str, after: str) -> bool:
    """Whether the full stop between the two belongs to its word."""
    word = before.rsplit(" ", 1)[-1].lower().lstrip("(\"'")
    if word == "no":
        return after.lstrip()[:1].isdigit()
    return word in ABBREVIATIONS or (word != "i" and bool(INITIAL.fullmatch(word[-2:])))


def one_line(text: str) -> str:
    """`text` on one line, without characters that cannot be seen."""
    joiners_gone = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return " ".join("".join(c if c.isprintable() else " " for c in joiners_gone).split())


def phrases(text: str) -> list[tuple[str, ...]]:
    """Each four words in a row."""
    said = words(text)
    return list(zip(said, said[1:], said[2:], said[3:], strict=False))


def trigrams(text: str) -> list[tuple[str, str, str]]:
    """Each three words in a row, within sentences."""
    found = []
    for sentence in split(text):
        said = words(sentence)
        found += zip(said, said[1:], said[2:], strict=False)
    return found


def content(text: str) -> list[str]:
    """The words that carry meaning: longer than three letters, no function words."""
    return [word for word in words(text) if len(word) > 3 and word not in UNFINISHED]


def sentence_fault(sentence: str, so_far: str, topic: str) -> str:
    """Why a model's `sentence` must not follow `so_far`, or "" when it may."""
    said, known = words(sentence), set(words(topic))
    if not sentence.endswith(tuple(ENDS)) or not said:
        return "unfinished"
    if said[-1] in UNFINISHED | ABBREVIATIONS or len(said[-1]) == 1:
        return "ends in the middle"
    if not sentence.isprintable() or re.search(
        r"[^\w ,.!?'\u2019\-:]|_|\d|  | [,.!?]|-{2}", sentence
    ):
        return "characters"
    if re.search(r"(?<![^\W\d_])['\u2019]|['\u2019](?![^\W\d_])", sentence):
        return "dangling quote"
    for kind, unwanted in (
        ("meta", META_WORDS),
        ("unfit", UNFIT_WORDS),
        ("private", PRIVATE_WORDS),
    ):
        if (unwanted - known).intersection(said):
            return kind
    if any(filler in sentence.lower() for filler in FILLERS):
        return "filler"
    initials = "".join(word[0] for word in words(topic))
    names = [word for word in WORD.findall(sentence)[1:] if word[0].isupper() and word not in NAMES]
    if any(name.lower() not in known | {initials} for name in names):
        return "name"
    return repetition(sentence, so_far)


def repetition(sentence: str, so_far: str) -> str:
    """What `sentence` says twice, within itself or after `so_far`, or ""."""
    meaning = [word.rstrip("s") for word in content(sentence)]
    if len(set(meaning)) < len(meaning):
        return "repeats a word"
    if set(trigrams(sentence)).intersection(trigrams(so_far)):
        return "repeats a phrase"
    if so_far and said_first(split(so_far)[-1]) == said_first(sentence):
        return "begins like the last"
    before = [set(content(earlier)) for earlier in split(so_far)]
    new = set(content(sentence))
    if any(2 * len(new & old) > len(new) for old in before if new):
        return "repeats a thought"
    return ""


def said_first(sentence: str) -> str:
    """The first word, without what an apostrophe hangs on it."""
    return (words(sentence) or [""])[0].split("'")[0]


def narration_fault(narration: str, topic: str) -> str:
    """Why a whole `narration` about `topic` cannot be shown, or ""."""
    if not narration or not narration.isprintable():
        return "not printable"
    if narration.rstrip("\"'\u201d\u2019)")[-1:] not in ENDS:
        return "no full sentence at the end"
    if not FIRST_PERSON.intersection(words(narration)):
        return "not first person"
    wanted = set(content(topic))
    if wanted and not wanted.intersection(words(narration)):
        return "off topic"
    if (META_WORDS - set(words(topic))).intersection(words(narration)):
        return "meta words"
    said = trigrams(narration)
    if len(set(said)) < len(said):
        return "repeats a phrase"
    return "dangling quote" if narration.count('"') % 2 else ""
