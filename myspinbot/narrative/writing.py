"""Topic in, narration of the asked length out; or the user's own text. Always gives a narration."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import BadInputError, EngineError, ServerError
from ..progress import Tick, no_tick
from .asking import Asked, Request, ask, length_fault
from .chat import ChatLLM
from .composing import Draft, Plan, close, compose
from .continuing import Continuations
from .llm import ContinuingLLM
from .picturing import stage_prompt_from
from .prompts import MANNER
from .sentences import count_words, narration_fault, split
from .stage import stage_prompt
from .timing import AVERAGE, Pace
from .topics import read_persona, read_topic

TONES = tuple(MANNER)
TEMPLATE_LANGUAGES = frozenset({"en"})

logger = logging.getLogger("myspinbot.narrative")


@dataclass(frozen=True)
class Narration:
    """What the bot says and how its picture looks."""

    narration: str
    stage_prompt: str
    report: dict[str, Any] = field(default_factory=dict)
    """engine, planned_words, words, planned_s, expected_s (both of audio), fallback ("" or why),
    and counts: attempts of a chat model, or sentences of the model and of the templates; with facts
    passages (those that were used), or knowledge (why none was)."""

    @property
    def outcome(self) -> str:
        """How the model that was asked did: "ok"; "repaired": asked again, or templates filled
        gaps; "fallback": nothing of its is used."""
        report = self.report
        if "template" in (report["engine"], report.get("stage_prompt_by")):
            return "fallback"
        whole = report.get("attempts", 1) == 1 and not report.get("template_sentences")
        return "ok" if whole and not report["fallback"] else "repaired"


@dataclass(frozen=True)
class Written:
    """A narration, and how it came about."""

    narration: str
    stage_prompt: str
    engine: str
    fallback: str
    counts: dict[str, int]


def write(
    topic: str,
    *,
    persona: str = "",
    tone: str = "warm",
    language: str = "en",
    duration_s: float = 15.0,
    pace: Pace = AVERAGE,
    llm: ContinuingLLM | ChatLLM | None = None,
    seed: int = 0,
    facts: Sequence[str] = (),
    tick: Tick = no_tick,
) -> Narration:
    """Write a first-person narration about `topic` for an audio of `duration_s` (3..600).

    The length is planned with the voice's `pace` and corrected by whole sentences.

    A chat model writes all of it, in any `language`, and is told to use no facts but `facts` if
    there are any. For a continuing model code writes the first and last sentence. What a model
    cannot deliver, templates do, and the report says so; without an `llm` all of it is templates.
    `tick` counts words. Raises BadInputError for an empty topic, an unknown tone, language or
    length; ServerError when a server fails; EngineError when a model wrote nothing usable in a
    language that has no templates.
    """
    check_settings(tone, language, duration_s, pace, llm)
    subject = read_topic(topic)
    plan = Plan(subject, read_persona(persona), tone, duration_s, pace, seed)
    if llm is None or isinstance(llm, ContinuingLLM):
        written = _continued(plan, llm, tick)
    else:
        request = Request(topic, persona, tone, language, duration_s, pace, seed, tuple(facts))
        written = _asked(plan, llm, request, tick)
    if written.fallback:
        logger.info("The narration is not all the model's: %s", written.fallback)
    tick(plan.words, plan.words)
    report = length_report(written.narration, pace) | {
        "engine": written.engine,
        "planned_words": plan.words,
        "planned_s": duration_s,
        **written.counts,
        "fallback": written.fallback,
        "topic": subject.text,
        "topic_shortened": subject.shortened,
        **_facts_report(facts, written, llm),
    }
    return Narration(written.narration, written.stage_prompt, report)


def _continued(plan: Plan, llm: ContinuingLLM | None, tick: Tick) -> Written:
    """A narration sentence by sentence, from `llm` or from templates alone."""
    source = Continuations(llm, plan, tick) if llm is not None else None
    draft = compose(plan, source)
    reason = fallback_reason(draft, llm)
    if fault := narration_fault(draft.text, plan.topic.text) if source else "":
        draft, reason = compose(plan, None), f"the model's text was rejected: {fault}"
    engine = llm.name if llm is not None and draft.from_model else "template"
    counts = {"model_sentences": draft.from_model, "template_sentences": draft.from_templates}
    return Written(draft.text, _stage(plan), engine, reason, counts)


def _asked(plan: Plan, llm: ChatLLM, request: Request, tick: Tick) -> Written:
    """A narration that a chat model wrote in one piece."""
    asked = ask(llm, request, tick)
    counts = {"attempts": asked.attempts}
    stage = asked.stage_prompt or _stage(plan)
    if request.language in TEMPLATE_LANGUAGES:
        narration = _rounded_off(plan, asked)
        fault = length_fault(narration, plan.duration_s, plan.pace) if narration else asked.fault
        if not fault:
            return Written(narration, stage, llm.name, "", counts)
        reason = f"the model's text was rejected after {asked.attempts} attempts: {fault}"
        return Written(compose(plan, None).text, _stage(plan), "template", reason, counts)
    if not asked.narration:
        raise EngineError(
            f"{llm.name} wrote no usable narration in {asked.attempts} attempts: {asked.fault}. "
            "Use a larger model, another seed, or your own text."
        )
    return Written(asked.narration, stage, llm.name, asked.fault, counts)


def _rounded_off(plan: Plan, asked: Asked) -> str:
    """The model's text; one that is too short gets a last sentence of ours."""
    if not asked.fault or not asked.narration:
        return asked.narration
    draft = Draft(plan, split(asked.narration))
    close(draft)
    return draft.text


def _facts_report(
    facts: Sequence[str], written: Written, llm: ContinuingLLM | ChatLLM | None
) -> dict[str, Any]:
    """Which of `facts` the writer had."""
    if not facts:
        return {}
    if llm is None or isinstance(llm, ContinuingLLM):
        name = f"the LLM {llm.name!r}" if llm is not None else "the template"
        return {"passages": [], "knowledge": f"ignored: {name} cannot use facts"}
    if written.engine == "template":
        return {"passages": [], "knowledge": "not in the text: a template replaced the model's"}
    return {"passages": list(facts)}


def _stage(plan: Plan) -> str:
    return stage_prompt(plan.topic.text, plan.persona, plan.tone)


def direct(
    text: str,
    *,
    persona: str = "",
    tone: str = "warm",
    pace: Pace = AVERAGE,
    llm: ContinuingLLM | ChatLLM | None = None,
    seed: int = 0,
    tick: Tick = no_tick,
) -> Narration:
    """Take the user's own `text` as it is; a chat model may describe the picture for it.

    Without one, or when it fails, the picture is a template and the report says why. Raises
    BadInputError when `text` is empty.
    """
    check_tone(tone)
    if not text.strip():
        raise BadInputError("The narration is empty. Write what the bot should say.")
    stage, by, fallback = stage_prompt(text, read_persona(persona), tone), "template", ""
    if llm is not None and not isinstance(llm, ContinuingLLM):
        try:
            asked = stage_prompt_from(llm, text, persona=persona, tone=tone, seed=seed, tick=tick)
            fallback = "" if asked else f"{llm.name} gave no stage prompt that can be used"
        except ServerError as error:  # the words are there: the rest of the graph can go on
            asked, fallback = "", str(error)
        if asked:
            stage, by = asked, llm.name
    report = length_report(text, pace) | {
        "engine": "direct",
        "stage_prompt_by": by,
        "fallback": fallback,
    }
    return Narration(text, stage, report)


def length_report(text: str, pace: Pace) -> dict[str, Any]:
    """How many words `text` has, and how long the audio will be."""
    return {"words": count_words(text), "expected_s": round(pace.seconds(text), 1)}


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
    pace: Pace,
    llm: ContinuingLLM | ChatLLM | None,
) -> None:
    """Raise BadInputError for settings nothing can be written with."""
    check_tone(tone)
    if llm is None or isinstance(llm, ContinuingLLM):
        known = llm.languages if llm is not None else TEMPLATE_LANGUAGES
        name = f"The LLM {llm.name!r}" if llm is not None else "The template"
        if language not in known:
            raise BadInputError(
                f"{name} cannot write {language!r}, only {', '.join(sorted(known))}. Give your own "
                "text, or connect a larger model on a server."
            )
    if not 3 <= duration_s <= 600:
        raise BadInputError(f"A narration lasts 3 to 600 seconds, not {duration_s:g}.")
    if not 60 <= pace.words_per_minute <= 300:
        raise BadInputError(
            f"Speech has 60 to 300 words per minute, not {pace.words_per_minute:g}."
        )
