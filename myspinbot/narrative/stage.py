"""The stage prompt: what a portrait generator should draw. Knows templates, no model."""

from __future__ import annotations

from .prompts import ANY_SETTING, EXPRESSIONS, SETTINGS, STAGE, STAGE_ANYONE
from .sentences import words


def stage_prompt(topic: str, persona: str, tone: str) -> str:
    """Describe the speaker: `persona` and `tone`, in the setting that topic or persona suggests."""
    expression, light = EXPRESSIONS[tone]
    return STAGE.format(
        persona=persona or STAGE_ANYONE,
        expression=expression,
        setting=setting(topic, persona),
        light=light,
    )


def setting(topic: str, persona: str) -> str:
    """The place of the first keyword found, in the topic before the persona."""
    for text in (topic, persona):
        said = words(text)
        places = {word: place for keywords, place in SETTINGS for word in keywords.split()}
        found = [places[word] for word in said if word in places]
        if found:
            return found[0]
    return ANY_SETTING
