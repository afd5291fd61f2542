"""Puts a narration together sentence by sentence until it has the planned words. Knows no model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .prompts import (
    CLOSINGS,
    COMMON_CLOSINGS,
    OPENINGS,
    PERSONA_OPENINGS,
    PERSONA_QUESTION_OPENINGS,
    PERSONA_STATEMENT_OPENINGS,
    QUESTION_OPENINGS,
    STATEMENT_OPENINGS,
    TEMPLATE_PARAGRAPHS,
)
from .sentences import trigrams
from .timing import Pace, spoken_words
from .topics import Topic

SHORTEST_CLOSING = 5
LONGEST_CLOSING = 17
"""With so many words left, one last sentence of ours ends the talk in time."""
REMARK_WORDS = 16
"""A talk of less is its first sentence, and perhaps a closing."""
LEAST_WORDS = 8
"""No room for a sentence of less."""
ESTIMATE_WORDS = 3
"""By so much the weighted words of a sentence may be wrong."""
CLOSINGS_TRIED = 4
"""Those nearest by estimate; the voice is asked how long each of them really takes."""


@dataclass
class Plan:
    """What is to be written."""

    topic: Topic
    persona: str
    tone: str
    duration_s: float
    """Of the audio that the voice makes of the narration."""
    pace: Pace
    seed: int

    @property
    def words(self) -> int:
        """How many words of average length fit in."""
        return max(4, round(self.pace.words(self.duration_s)))


@dataclass
class Draft:
    """What is written so far."""

    plan: Plan
    sentences: list[str] = field(default_factory=list)
    from_templates: int = 0
    """How many sentences between the first and the last come from TEMPLATE_PARAGRAPHS."""
    from_model: int = 0

    @property
    def text(self) -> str:
        return " ".join(self.sentences)

    @property
    def missing(self) -> float:
        """Words still to write; below 0 when there are too many."""
        return self.missing_with()

    def missing_with(self, sentence: str = "") -> float:
        """Words still to write after `sentence`."""
        pace = self.plan.pace
        text = f"{self.text} {sentence}".strip()
        return pace.words(self.plan.duration_s) - pace.words(pace.seconds(text))


class Source(Protocol):
    """Where sentences come from."""

    def propose(self, draft: Draft, most_words: float) -> Sequence[str]:
        """Sentences of up to `most_words` that may follow, best first; none when it has no more."""
        ...


def opening(plan: Plan) -> str:
    """The first sentence: it names the topic (and the persona where that fits the length)."""
    plain, personal = {
        "question": (QUESTION_OPENINGS, PERSONA_QUESTION_OPENINGS),
        "statement": (STATEMENT_OPENINGS, PERSONA_STATEMENT_OPENINGS),
    }.get(plan.topic.kind, (OPENINGS[plan.tone], PERSONA_OPENINGS))
    filled = [fill(text, plan) for text in (personal if plan.persona else ()) + plain]
    if plan.words < REMARK_WORDS:  # no room for more: the first sentence is the talk
        return min(filled, key=lambda text: abs(plan.words - spoken_words(text)))
    fitting = [text for text in filled if spoken_words(text) <= 0.7 * plan.words]
    if not fitting:
        return min(filled, key=spoken_words)
    # With a persona its openings come first in the list and are preferred.
    preferred = [text for text in fitting if text in filled[: len(personal)]]
    pool = preferred if plan.persona and preferred else fitting
    return random.Random(plan.seed).choice(pool)


def fill(template: str, plan: Plan) -> str:
    """`template`, which is always ours, with the user's topic and persona in it."""
    topic = plan.topic
    return template.format(topic=topic.text, tell=topic.tell, on=topic.on, persona=plan.persona)


def compose(plan: Plan, source: Source | None) -> Draft:
    """Write `plan`: opening, sentences of `source`, templates where it has no more, closing."""
    draft = Draft(plan, [opening(plan)])
    if source is not None:
        draft.from_model = _add_from(source, draft)
    draft.from_templates = _add_from(Templates(plan.seed), draft)
    close(draft)
    return draft


def _add_from(source: Source, draft: Draft) -> int:
    added = 0
    while (most := _room(draft)) >= LEAST_WORDS:
        found = source.propose(draft, most)
        if not found:
            break
        draft.sentences.append(best_fit(found, draft))
        added += 1
    return added


def _room(draft: Draft) -> float:
    """The longest sentence that may come now; 0 when the closing fills what is left."""
    missing = draft.missing
    if len(draft.sentences) == 1 and missing <= LONGEST_CLOSING + 2:
        return missing + max(1, 0.06 * draft.plan.words)  # the only sentence of a short talk
    return missing - SHORTEST_CLOSING if missing > LONGEST_CLOSING else 0


def best_fit(proposals: Sequence[str], draft: Draft) -> str:
    """The best proposal, unless only one of the next two lets the narration end in time."""
    far = draft.missing - spoken_words(proposals[0]) > SHORTEST_CLOSING + ESTIMATE_WORDS
    if far:
        return proposals[0]
    return min(proposals[:3], key=lambda text: round(_gap(draft.missing_with(text))))


def _gap(missing: float) -> float:
    """How many words too few or too many there will be, if `missing` are left for the closing."""
    closing = max(0.0, SHORTEST_CLOSING - missing)
    return min(abs(missing), closing)


class Templates:
    """Sentences that suit nearly any topic, in their order; a seed chooses the paragraphs."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)
        self._paragraphs = list(TEMPLATE_PARAGRAPHS)
        self._rest: list[str] = []

    def propose(self, draft: Draft, most_words: float) -> Sequence[str]:
        """Go on with the paragraph, or with the next one that chance and the room allow."""
        said = set(trigrams(draft.text))
        while self._rest or self._paragraphs:
            if not self._rest:
                chance = self._chance(draft.missing)
                paragraph = self._paragraphs.pop(0)
                self._rest = list(paragraph) if self._random.random() <= chance else []
                continue
            text = self._rest.pop(0)
            if spoken_words(text) <= most_words and not said.intersection(trigrams(text)):
                return [text]
            self._rest = []  # what follows refers to the sentence left out
        return []

    def _chance(self, missing: float) -> float:
        left = sum(spoken_words(text) for paragraph in self._paragraphs for text in paragraph)
        # Half as much again as needed: rather all told too early than too little at the end.
        return 1.5 * missing / left


def close(draft: Draft) -> None:
    """Add the last sentence, the one that comes nearest to the planned length, or none."""
    rng = random.Random(draft.plan.seed + 1)
    said = set(trigrams(draft.text))
    closings = [*CLOSINGS[draft.plan.tone], *COMMON_CLOSINGS]
    rng.shuffle(closings)
    closings = [text for text in closings if not said.intersection(trigrams(text))]
    missing = draft.missing
    nearest = sorted(closings, key=lambda text: abs(missing - spoken_words(text)))
    best = min(("", *nearest[:CLOSINGS_TRIED]), key=lambda text: abs(draft.missing_with(text)))
    if best:
        draft.sentences.append(best)
