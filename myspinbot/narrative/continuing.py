"""Sentences from a model that continues text: asks for several, drops the bad, ranks the rest."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ..progress import Tick
from .composing import Draft, Plan, fill
from .llm import Continuation, ContinuingLLM, Passage, Sampling
from .prompts import ANYONE, CHAT, EXAMPLE, MANNER, REQUEST, STARTERS, SYSTEM
from .sentences import count_words, sentence_fault
from .timing import spoken_words

CANDIDATES = 6
ATTEMPTS = 5
"""Starters tried for one sentence; a model that fails so often has nothing to say."""
TEMPERATURE = 0.35
LONGEST_TOKENS = 30
LEAST_LIKELIHOOD = -1.9
"""Below this mean log probability SmolLM2-135M's sentences are mostly nonsense (read by hand)."""
SENTENCE_ENDS = (".", "!")
"""A question in the middle of a talk is mostly filler; it is not taken."""
CHARACTERS = "A-Za-z ,.!?'\\-"


class Continuations:
    """A `Source` that lets a model go on from the sentences so far."""

    def __init__(self, llm: ContinuingLLM, plan: Plan, tick: Tick):
        self._llm, self._plan, self._tick = llm, plan, tick
        self._passage: Passage | None = None
        self._read = ""
        self._starters = _starters(plan)
        self.rejected: list[str] = []
        """Why sentences were dropped."""

    def propose(self, draft: Draft, most_words: float) -> Sequence[str]:
        """Ask with one starter after the other until a sentence passes."""
        passage = self._caught_up(draft)
        for _ in range(min(ATTEMPTS, len(self._starters))):
            starter = fill(self._starters.pop(0), self._plan)
            if spoken_words(starter) + 4 > most_words:
                continue
            good = self._ask(passage, starter, draft, most_words)
            if good:
                return good
        return []

    def _caught_up(self, draft: Draft) -> Passage:
        if self._passage is None:
            system = SYSTEM.format(
                persona=self._plan.persona or ANYONE, manner=MANNER[self._plan.tone]
            )
            request = fill(REQUEST[self._plan.topic.kind], self._plan)
            prompt = CHAT.format(
                system=system, example=EXAMPLE, request=request, opening=draft.text
            )
            self._passage = self._llm.passage(prompt, self._report)
        elif draft.text != self._read:
            self._passage.extend(draft.text[len(self._read) :])
        self._read = draft.text
        return self._passage

    def _ask(self, passage: Passage, starter: str, draft: Draft, most_words: float) -> list[str]:
        sampling = Sampling(
            max_tokens=min(LONGEST_TOKENS, round(1.3 * most_words) + 4),
            temperature=TEMPERATURE,
            seed=self._plan.seed + 100 * len(self._starters),
            stop=(*SENTENCE_ENDS, "?"),
            characters=CHARACTERS,
        )
        start = f" {starter}" if starter else ""
        found = passage.continuations(CANDIDATES, sampling, self._report, start)
        ranked = sorted(found, key=lambda item: -worth(item))
        good = []
        for item in ranked:
            text = f"{starter}{item.text}{item.stopped_by}".strip()
            text = " ".join(text.replace(" - ", ", ").split())
            fault = self._fault(item, text, draft, most_words)
            if fault:
                self.rejected.append(f"{fault}: {text}")
            elif text not in good:
                good.append(text)
        return good

    def _fault(self, item: Continuation, text: str, draft: Draft, most_words: float) -> str:
        if item.stopped_by not in SENTENCE_ENDS:
            return "no statement" if item.stopped_by else "too long"
        if item.likelihood < LEAST_LIKELIHOOD:
            return "unlikely"
        if count_words(text) < 4 or spoken_words(text) > most_words:
            return "length"
        return sentence_fault(text, draft.text, self._plan.topic.text)

    def _report(self, done: int, total: int) -> None:
        plan = self._plan.words
        self._tick(min(count_words(self._read), plan), plan)


def worth(item: Continuation) -> float:
    """Likelihood, and a little for length: the likeliest sentences are short and say nothing."""
    return item.likelihood + 0.04 * min(count_words(item.text), 14)


def _starters(plan: Plan) -> list[str]:
    """Free, then by turns a shuffled starter and free again, so that talks differ by seed."""
    rest = [text for text in STARTERS if text]
    random.Random(plan.seed).shuffle(rest)
    order = [""]
    for text in rest:
        order += [text, ""]
    return order
