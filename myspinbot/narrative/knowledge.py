"""Facts for a chat model: a text in passages, and those of them that are nearest to a topic."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..errors import BadInputError
from .sentences import UNSPACED, count_words, split, words
from .vocabulary import AUXILIARIES, CLAUSE_WORDS, DETERMINERS, UNFINISHED

PASSAGE_WORDS = 80
FACTS_WORDS = 320
"""What a chat model gets at most; with the request it fits a context of 4096 tokens."""
MOST_CHARACTERS = 1_000_000
"""A thick book."""
K1, B = 1.2, 0.75
PREFIX_LETTERS = 5
EMPTY_WORDS = UNFINISHED | CLAUSE_WORDS | AUXILIARIES | DETERMINERS
"""English words that are rare in a short text by chance only."""


def split_passages(text: str) -> list[str]:
    """`text` in passages of at most 80 words, on one line each, in order.

    They end with a paragraph where that leaves them 40 words, else with a sentence; only a longer
    sentence is cut. Raises BadInputError for a text without words or of over a million characters.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadInputError(
            f"The knowledge has {len(text)} characters; {MOST_CHARACTERS} is the most. Give the "
            "chapters that matter."
        )
    found = [passage for passage in _packed(_paragraphs(text)) if count_words(passage)]
    if not found:
        raise BadInputError("The knowledge holds no words. Type some facts, or choose a file.")
    return found


def _paragraphs(text: str) -> Iterator[str]:
    """What empty lines, headings and list items set apart."""
    lines = "\n".join(text.splitlines())
    for part in re.split(r"\n\s*\n|\n(?=\s*(?:[-*\u2022#]|\d+[.)])\s)", lines):
        if paragraph := " ".join(part.split()):
            yield paragraph


def _packed(paragraphs: Iterable[str]) -> Iterator[str]:
    held, size = [], 0
    for paragraph in paragraphs:
        for sentence in split(paragraph):
            for piece in _pieces(sentence):
                length = count_words(piece)
                if size + length > PASSAGE_WORDS:
                    yield " ".join(held)
                    held, size = [], 0
                held.append(piece)
                size += length
        if size >= PASSAGE_WORDS / 2:
            yield " ".join(held)
            held, size = [], 0
    yield " ".join(held)


def _pieces(sentence: str) -> list[str]:
    """`sentence` halved until no piece is too long, between words if it has any."""
    if count_words(sentence) <= PASSAGE_WORDS:
        return [sentence]
    middle = len(sentence) // 2
    cut = sentence.rfind(" ", 1, middle)
    cut = middle if cut < 0 else cut
    halves = (sentence[:cut].strip(), sentence[cut:].strip())
    return [piece for half in halves if half for piece in _pieces(half)]


def lexical_scores(topic: str, passages: Sequence[str]) -> list[float]:
    """How well each passage matches the words of `topic`, 0 or more.

    BM25 with k1 1.2 and b 0.75 (Robertson and Zaragoza, The Probabilistic Relevance Framework,
    2009). Words count by their first five letters, which stands in for a stemmer in any language
    (Can et al., Information Retrieval on Turkish Texts, 2008), Chinese and Japanese by character,
    English function words of `topic` not at all.
    """
    bags = [Counter(_terms(passage)) for passage in passages]
    mean = sum(bag.total() for bag in bags) / max(1, len(bags)) or 1.0
    holders = Counter(term for bag in bags for term in bag)
    rarity = {
        term: math.log(1 + (len(bags) - holders[term] + 0.5) / (holders[term] + 0.5))
        for term in set(_terms(topic, EMPTY_WORDS) or _terms(topic))
    }
    scores = []
    for bag in bags:
        spread = K1 * (1 - B + B * bag.total() / mean)
        scores.append(
            sum(
                weight * bag[term] * (K1 + 1) / (bag[term] + spread)
                for term, weight in rarity.items()
                if term in bag
            )
        )
    return scores


def _terms(text: str, without: frozenset[str] = frozenset()) -> list[str]:
    spaced = (word for word in words(UNSPACED.sub(" ", text)) if word not in without)
    return UNSPACED.findall(text) + [word[:PREFIX_LETTERS] for word in spaced]


def cosine_scores(topic: Sequence[float], passages: Sequence[Sequence[float]]) -> list[float]:
    """Cosine of the embedding of the topic and that of each passage, -1..1."""
    length = math.hypot(*topic)
    return [
        sum(a * b for a, b in zip(topic, passage, strict=True))
        / (length * math.hypot(*passage) or 1.0)
        for passage in passages
    ]


def nearest(
    passages: Sequence[str], scores: Sequence[float], most_words: int = FACTS_WORDS
) -> list[str]:
    """The passages of the best `scores` while they fit into `most_words`, the best first.

    Equal scores keep the order of the text.
    """
    chosen, size = [], 0
    for index in sorted(range(len(passages)), key=lambda index: -scores[index]):
        size += count_words(passages[index])
        if size > most_words:
            break
        chosen.append(passages[index])
    return chosen
