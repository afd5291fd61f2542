"""The stage prompt of words that are already written: one question to a chat model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..progress import Tick
from .chat import ChatLLM, Message
from .parsing import find_script
from .prompts import CHAT_STAGE, MANNER
from .sentences import count_words, one_line, phrases, split, words
from .vocabulary import FIRST_PERSON

NARRATION_CHARACTERS = 4000
PERSONA_CHARACTERS = 300
STAGE_CHARACTERS = 600
STAGE_SENTENCES = 3
STAGE_WORDS = 4
TOKENS = 300
TEMPERATURE = 0.7
SCHEMA = {
    "type": "object",
    "properties": {"stage_prompt": {"type": "string"}},
    "required": ["stage_prompt"],
    "additionalProperties": False,
}
MARKER = re.compile(r"<|\[(?=/?[A-Z_]+\])")
"""Begins what tells a model that somebody else speaks now: <|im_end|>, <end_of_turn>, [/INST]."""


def stage_prompt_from(
    llm: ChatLLM, narration: str, *, persona: str, tone: str, seed: int, tick: Tick
) -> str:
    """Describe who says `narration`, or "" if the model gave nothing that can be used.

    Raises ServerError when the server fails.
    """
    shown = {
        "words": one_line(narration)[:NARRATION_CHARACTERS],
        "persona": one_line(persona)[:PERSONA_CHARACTERS] or "nobody special",
        "manner": MANNER[tone],
    }
    answer = llm.chat(
        [Message("system", CHAT_STAGE), Message("user", as_data(shown))],
        schema=SCHEMA,
        max_tokens=TOKENS,
        temperature=TEMPERATURE,
        seed=seed,
        tick=tick,
    )
    script = find_script(answer.text) if answer.ending == "stop" else None
    stage = one_line(script.stage_prompt) if script else ""
    return stage if is_picture(stage, narration) else ""


def is_picture(stage: str, narration: str) -> bool:
    """Whether `stage` describes a photo; a small model tells its story a second time."""
    short = len(split(stage)) <= STAGE_SENTENCES and len(stage) <= STAGE_CHARACTERS
    signs = set("{}<>[]|*\\") & set(stage)
    story = FIRST_PERSON & set(words(stage)) or set(phrases(stage)) & set(phrases(narration))
    return count_words(stage) >= STAGE_WORDS and short and not signs and not story


def as_data(values: Mapping[str, Any]) -> str:
    """JSON in which a user's text can neither end its quotes nor the turn of the chat."""
    text = json.dumps(values, ensure_ascii=False)
    return MARKER.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
