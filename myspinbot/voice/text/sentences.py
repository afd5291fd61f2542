"""Cut a text into sentences short enough to be spoken in one go. Loses no word and repeats none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ...errors import BadInputError
from .pronunciation import INLINE, shown

NO_WORDS = "The text to speak has no words (only spaces, signs or emoji): write at least one word."
_CLOSERS = "\"'”’»)]}*_"
_OPENERS = "\"'“‘«([{¿¡*_-–—•"
_END = re.compile(rf"[.!?…。！？؟।۔]+[{re.escape(_CLOSERS)}]*$")
_CLAUSE_END = re.compile(rf"([;:—–]|--)[{re.escape(_CLOSERS)}]*$")
_COMMA_END = re.compile(rf"[,)][{re.escape(_CLOSERS)}]*$")
_BULLET = re.compile(r"([-*•–]|\d{1,3}[.)])$")
_ABBREVIATION = re.compile(
    r"[Mm]rs?|[Dd]r|[Ss]t|Ms|Prof|Rev|Gen|Lt|Col|Sgt|Capt|Maj|Adm|Gov|Sen|Rep|Hon|Mt|Jr|Sr|Inc|Ltd|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thu|Thurs|Fri|Sat|Sun|Corp|Co|"
    r"Ave|Blvd|Rd|Hwy|Tel|Ref|Ph\.D|[Vv]s|[Cc]f|[Aa]pprox|[Dd]ept|incl|excl|al|"
    r"[Ee]\.g|[Ii]\.e|[Uu]\.[SsKk]|a\.k\.a"
)
_BEFORE_NUMBER = re.compile(r"no|nos|figs?|vol|ch|sec|eq|pp?|art|apt|ext|est|ca?")
_INITIALS = re.compile(r"(?:[A-Z]\.){1,2}[A-Z]")
_JOINER = re.compile(r"and|but|or|so|because|which|while|when|where|although|that|if|then|who")
_SHORT_LINE = 60
_GLUE = "\0"
_EASTERN_STOP = re.compile(r"[。！？；，、]+[」』”’）]*(?=[^\s」』”’）])")


def split_sentences(text: str, limit: int = 200, first_limit: int = 100) -> list[str]:
    """Sentences of at most about `limit` characters; a digit, said as a word, counts as seven.

    A longer one is cut at the best clause border, comma or space; only a single long word exceeds
    the limit. A first sentence over `first_limit` is cut at a comma, so that sound starts early.
    White space is normalised; every sentence holds a letter or digit. Raises BadInputError if the
    text has none.
    """
    if not any(c.isalnum() for c in text):
        raise BadInputError(NO_WORDS)
    sentences = voiced([s for block in _blocks(text) for s in sentences_of(block, limit)])
    sentences[:1] = early(sentences[0], first_limit)
    return [" ".join(sentence) for sentence in voiced(sentences)]


def written_words(text: str) -> list[str]:
    """Words as the text writes them, punctuation included; an inline pronunciation is one.

    Languages without spaces are parted after their full stops and commas.
    """
    parted = _EASTERN_STOP.sub(r"\g<0> ", text)
    glued = INLINE.sub(lambda form: _GLUE.join(form[0].split()), parted).split()
    return [word.replace(_GLUE, " ") if "](/" in word else word for word in glued]


def one_line_forms(text: str) -> str:
    """`text` with no line break inside an inline pronunciation."""
    return INLINE.sub(lambda form: " ".join(form[0].split()), text)


def sentences_of(words: Sequence[str], limit: int | None = None) -> list[list[str]]:
    """The sentences of one paragraph; with a `limit`, the longer ones are cut."""
    whole = _sentences(words)
    return [part for s in whole for part in _cut(s, limit)] if limit else list(whole)


def _blocks(text: str) -> Iterator[list[str]]:
    """Words of each paragraph, heading or list item."""
    block: list[str] = []
    previous = ""
    for line in one_line_forms(text).splitlines():
        words = written_words(line)
        if block and (not words or starts_block(previous, words)):
            yield block
            block = []
        block.extend(words)
        previous = line.strip()
    if block:
        yield block


def starts_block(previous: str, words: Sequence[str]) -> bool:
    """Whether the line of `words` begins anew after the line `previous`, or goes on with it."""
    if len(words) > 1 and _BULLET.match(words[0]):
        return True
    ended = previous[-1:] in ".!?:;…"
    heading = len(previous) < _SHORT_LINE and previous[-1:] not in ",-–—"
    return ended or (heading and words[0].lstrip(_OPENERS)[:1].isupper())


def _sentences(words: Sequence[str]) -> Iterator[list[str]]:
    sentence: list[str] = []
    for word, following in pairwise([*words, ""]):
        sentence.append(word)
        if not following or ends_sentence(word, following, len(sentence) == 1):
            yield sentence
            sentence = []


def ends_sentence(word: str, following: str, first: bool = False) -> bool:
    """Whether a sentence ends between two written words; `first`: `word` begins it."""
    if not _END.search(word):
        return False
    start = following.lstrip(_OPENERS)[:1]
    if start.islower():
        return False
    core = word.rstrip(_CLOSERS).strip(_OPENERS)
    if core[-1:] != ".":
        return True
    if first and _BULLET.match(word):
        return False
    stem = core[:-1]
    initial = len(stem) == 1 and stem.isalpha() and stem not in "iI"
    if stem.lower() in ("a.m", "p.m") and following[:2].isupper():  # 5 p.m. EST
        return False
    initials = _INITIALS.fullmatch(stem) and stem not in ("A.M", "P.M")
    if _ABBREVIATION.fullmatch(stem) or (
        start.isdigit() and _BEFORE_NUMBER.fullmatch(stem.lower())
    ):
        return False
    return not (initial or initials)


def weight(words: Sequence[str]) -> int:
    """Length in characters as they are said: a digit counts as seven."""
    shorter = map(shown, words)
    return sum(1 + len(word) + 6 * sum(c.isdigit() for c in word) for word in shorter)


def _cut(words: list[str], limit: int) -> list[list[str]]:
    """Halve at the best place until every piece fits."""
    total = weight(words)
    if total <= limit or len(words) < 2:
        return [words]
    best, lowest = 1, float("inf")
    before = 0
    for index in range(1, len(words)):
        before += weight(words[index - 1 : index])
        balance = abs(2 * before - total) / total  # 0 in the middle, 1 at the ends
        cost = balance + _roughness(words[index - 1], words[index])
        if cost < lowest:
            best, lowest = index, cost
    return _cut(words[:best], limit) + _cut(words[best:], limit)


def _roughness(word: str, following: str) -> float:
    """How much a cut between two words hurts: 0 after a clause to 1 inside a phrase."""
    if _CLAUSE_END.search(word) or ends_sentence(word, following):
        return 0.0
    if _COMMA_END.search(word):
        return 0.2
    return 0.6 if _JOINER.fullmatch(following.lower()) else 1.0


def early(words: list[str], limit: int) -> list[list[str]]:
    """Cut a long first sentence at its first comfortable comma."""
    if weight(words) > limit:
        for index in range(1, len(words)):
            head = weight(words[:index])
            borders = _roughness(words[index - 1], words[index]) <= 0.2
            if borders and limit * 0.25 <= head <= limit and weight(words[index:]) >= limit * 0.25:
                return [words[:index], words[index:]]
    return [words]


def voiced(sentences: Sequence[list[str]]) -> list[list[str]]:
    """Join pieces without a letter or digit to a neighbour."""
    joined: list[list[str]] = []
    for sentence in sentences:
        silent = not any(c.isalnum() for word in sentence for c in word)
        if joined and (silent or not any(c.isalnum() for word in joined[-1] for c in word)):
            joined[-1] = joined[-1] + sentence
        else:
            joined.append(sentence)
    return joined
