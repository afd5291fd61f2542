"""Topic in, narration of the asked length out; or the user's own text. Always gives a narration."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from ..errors import BadInputError
from ..progress import Tick, no_tick
from .composing import Draft, Plan, compose
from .continuing import Continuations
from .llm import ContinuingLLM
from .prompts import MANNER
from .sentences import count_words, narration_fault
from .stage import stage_prompt
from .topics import read_persona, read_topic

TONES = tuple(MANNER)
TEMPLATE_LANGUAGES = frozenset({"en"})
WORDS_PER_MINUTE = 150.0

logger = logging.getLogger("myspinbot.narrative")


@dataclass(frozen=True)
class Narration:
    """What the bot says and how its picture looks."""

    narration: str
    stage_prompt: str
    report: dict[str, Any] = field(default_factory=dict)
    """engine, planned_words, words, planned_s, expected_s, fallback ("" or why), and counts."""


def write(
    topic: str,
    *,
    persona: str = "",
    tone: str = "warm",
    language: str = "en",
    duration_s: float = 15.0,
    words_per_minute: float = WORDS_PER_MINUTE,
    llm: ContinuingLLM | None = None,
    seed: int = 0,
    tick: Tick = no_tick,
) -> Narration:
    """Write a first-person narration about `topic` that takes about `duration_s` (3..600) to say.

    Code writes the first and last sentence, `llm` those between; what it cannot deliver, templates
    do, and the report says so. Without an `llm` all of it is templates. `tick` counts words.
    Raises BadInputError for an empty topic, an unknown tone, language or length.
    """
    check_settings(tone, language, duration_s, words_per_minute, llm)
    subject = read_topic(topic)
    planned = max(4, round(duration_s * words_per_minute / 60))
    plan = Plan(subject, read_persona(persona), tone, planned, seed)
    source = Continuations(llm, plan, tick) if llm is not None else None
    draft = compose(plan, source)
    reason = fallback_reason(draft, llm)
    if fault := narration_fault(draft.text, subject.text) if source else "":
        draft, reason = compose(plan, None), f"the model's text was rejected: {fault}"
    if reason:
        logger.info("Narration about %r uses templates: %s", subject.text, reason)
    tick(planned, planned)
    report = length_report(draft.text, words_per_minute) | {
        "engine": llm.name if llm is not None and draft.from_model else "template",
        "planned_words": planned,
        "planned_s": duration_s,
        "model_sentences": draft.from_model,
        "template_sentences": draft.from_templates,
        "fallback": reason,
        "topic": subject.text,
        "topic_shortened": subject.shortened,
    }
    return Narration(draft.text, stage_prompt(subject.text, plan.persona, tone), report)


def direct(
    text: str,
    *,
    persona: str = "",
    tone: str = "warm",
    words_per_minute: float = WORDS_PER_MINUTE,
) -> Narration:
    """Take the user's own `text`; only spaces change. Raises BadInputError when empty.

    Lines stay: headings and lists are spoken with pauses.
    """
    check_tone(tone)
    narration = "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    if not narration:
        raise BadInputError("The narration is empty. Write what the bot should say.")
    report = length_report(narration, words_per_minute) | {"engine": "direct", "fallback": ""}
    return Narration(narration, stage_prompt(narration, read_persona(persona), tone), report)


def length_report(text: str, words_per_minute: float) -> dict[str, Any]:
    """How many words `text` has and how long they take."""
    words = count_words(text)
    return {"words": words, "expected_s": round(60 * words / words_per_minute, 1)}


def fallback_reason(draft: Draft, llm: ContinuingLLM | None) -> str:
    """Why templates were used between the first and the last sentence, or ""."""
    if llm is None:
        return "no language model"
    body = draft.from_model + draft.from_templates
    if not body:
        return "no room or no fitting sentence between the first and the last"
    if not draft.from_templates:
        return ""
    return f"{draft.from_templates} of {body} sentences: nothing from the model passed the checks"


def check_tone(tone: str) -> None:
    """Raise BadInputError unless `tone` is one of TONES."""
    if tone not in TONES:
        raise BadInputError(f"Unknown tone {tone!r}. Use one of: {', '.join(TONES)}.")


def check_settings(
    tone: str,
    language: str,
    duration_s: float,
    words_per_minute: float,
    llm: ContinuingLLM | None,
) -> None:
    """Raise BadInputError for settings nothing can be written with."""
    check_tone(tone)
    known = llm.languages if llm is not None else TEMPLATE_LANGUAGES
    if language not in known:
        raise BadInputError(
            f"{llm.name if llm else 'The template'} cannot write {language!r}, only "
            f"{', '.join(sorted(known))}. Give your own text, or use a larger language model."
        )
    if not 3 <= duration_s <= 600:
        raise BadInputError(f"A narration lasts 3 to 600 seconds, not {duration_s:g}.")
    if not 60 <= words_per_minute <= 300:
        raise BadInputError(f"Speech has 60 to 300 words per minute, not {words_per_minute:g}.")
