"""A whole narration from a chat model: one JSON answer, checked, asked for again, cut to length."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import BadInputError
from ..progress import Tick
from .chat import Answer, ChatLLM, Message
from .parsing import Script, parse_script
from .picturing import PERSONA_CHARACTERS, as_data, is_picture
from .prompts import CHAT_FACTS, CHAT_REPAIR, CHAT_SYSTEM, MANNER
from .sentences import END, count_words, one_line, phrases, split
from .timing import Pace
from .vocabulary import LANGUAGE_NAMES, META_PHRASES

ATTEMPTS = 3
TEMPERATURE = 0.7
TOLERANCE = 0.1
"""How far off the planned length a narration may be."""
TOLERANCE_S = 0.8
"""And never less than two words."""
TOPIC_CHARACTERS = 2000
TOKENS_PER_WORD = 6
"""The worst of the voices' languages in the vocabulary of a small model."""
SPARE_TOKENS = 600
"""For the stage prompt and the JSON around both."""
SCHEMA = {
    "type": "object",
    "properties": {"narration": {"type": "string"}, "stage_prompt": {"type": "string"}},
    "required": ["narration", "stage_prompt"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Request:
    """What is wanted. The texts are the user's, untouched; the model gets them as JSON data."""

    topic: str
    persona: str
    tone: str
    language: str
    """Lower-case BCP 47; one without a name in LANGUAGE_NAMES is passed on as it is."""
    duration_s: float
    pace: Pace
    seed: int
    facts: tuple[str, ...] = ()
    """Passages to speak from; (): the model speaks from what it knows."""

    @property
    def words(self) -> int:
        """How many the model is asked for."""
        return max(4, round(self.pace.words(self.duration_s)))


@dataclass(frozen=True)
class Asked:
    """What came of asking."""

    narration: str
    """The usable text whose length is nearest to the plan, or ""."""
    stage_prompt: str
    """"" if the model gave none that can be used."""
    attempts: int
    fault: str
    """What is wrong with `narration` (its length), or with the last answer if there is none."""


def ask(llm: ChatLLM, request: Request, tick: Tick) -> Asked:
    """Ask up to three times, once for the sake of the length; `tick` counts words, roughly.

    Raises ServerError when the server fails.
    """
    opening = messages = _opening(request)
    room = tokens = TOKENS_PER_WORD * request.words + SPARE_TOKENS
    best, off_length, attempt, fault = Script(""), 0, 0, ""
    for attempt in range(1, ATTEMPTS + 1):
        answer = llm.chat(
            messages,
            schema=SCHEMA,
            max_tokens=room,
            temperature=TEMPERATURE,
            seed=request.seed + attempt - 1,
            tick=lambda done, most: tick(min(done // 2, request.words), request.words),
        )
        script, fault = _read(answer, request)
        if script is not None:
            if not best.narration or _error(script, request) < _error(best, request):
                best = script
            fault = length_fault(best.narration, request.duration_s, request.pace)
            off_length += 1
            if not fault or off_length == 2:
                break
        if answer.ending == "length" and not answer.text.lstrip().startswith("{"):
            room = 4 * tokens  # it thought first; one lost inside its JSON would only cost more
        said_all = answer.ending == "stop"
        messages = [*opening, *_again(answer, fault, request)] if said_all else opening
    if best.narration:
        fault = length_fault(best.narration, request.duration_s, request.pace)
    return Asked(best.narration, best.stage_prompt, attempt, fault)


def _opening(request: Request) -> list[Message]:
    wanted = {
        "topic": one_line(request.topic)[:TOPIC_CHARACTERS],
        "persona": one_line(request.persona)[:PERSONA_CHARACTERS] or "nobody special",
        "manner": MANNER[request.tone],
        "language": _language(request),
        "words": request.words,
    }
    rules = CHAT_SYSTEM.format(language=_language(request), **_range(request))
    if request.facts:
        wanted["facts to use, and no others"] = [one_line(fact) for fact in request.facts]
        rules += CHAT_FACTS
    return [
        Message("system", rules),
        Message("user", as_data(wanted)),
    ]


def _again(answer: Answer, fault: str, request: Request) -> list[Message]:
    repair = CHAT_REPAIR.format(fault=fault, language=_language(request), **_range(request))
    return [Message("assistant", answer.text), Message("user", repair)]


def _language(request: Request) -> str:
    return LANGUAGE_NAMES.get(request.language, request.language)


def _range(request: Request) -> dict[str, int]:
    spare = TOLERANCE * request.words
    return {"least": round(request.words - spare), "most": round(request.words + spare)}


def _read(answer: Answer, request: Request) -> tuple[Script | None, str]:
    """The script in `answer`, its narration brought near the planned length; or what is wrong."""
    whole = answer.ending == "stop"
    broken = "" if whole else "it was cut off before its end"
    try:
        script = parse_script(answer.text)
    except BadInputError:
        return None, broken or "it is not a JSON object with a narration"
    parts = split(spoken(script.narration))
    # Small models leave the last sentence unfinished even where they are not cut off.
    narration = join(part for part in parts if END.search(part))
    if parts and not narration:
        return None, broken or "the narration has no whole sentence"
    if fault := text_fault(narration, " ".join((request.topic, *request.facts))):
        return None, broken or fault
    stage = one_line(script.stage_prompt) if whole else ""
    return Script(
        cut_to(narration, request.duration_s, request.pace),
        stage if is_picture(stage, narration) else "",
    ), ""


def _error(script: Script, request: Request) -> float:
    return abs(request.pace.seconds(script.narration) - request.duration_s)


def length_fault(text: str, duration_s: float, pace: Pace) -> str:
    """Why `text` cannot pass for one of `duration_s` at that `pace`, or ""."""
    off_s = pace.seconds(text) - duration_s
    if abs(off_s) <= max(TOLERANCE_S, TOLERANCE * duration_s):
        return ""
    count = count_words(text)
    wanted = max(1, round(count - off_s * pace.words_per_minute / 60))
    return f"it has {count} words where {wanted} are wanted"


def cut_to(text: str, duration_s: float, pace: Pace) -> str:
    """Leave out whole sentences before the last one, so that `duration_s` are nearly met."""
    sentences = split(text)
    shorter = [join([*sentences[:k], sentences[-1]]) for k in range(len(sentences) - 2, 0, -1)]
    options = [join(sentences), *shorter]
    return min(options, key=lambda option: abs(pace.seconds(option) - duration_s))


def join(sentences: Iterable[str]) -> str:
    """Sentences in a row; Chinese and Japanese have no space between them."""
    return re.sub(r"(?<=[\u3002\uff01\uff1f\u300d\u300f]) ", "", " ".join(sentences))


def spoken(text: str) -> str:
    """`text` on one line without what is seen and not heard: emphasis, emoji, quotes around it."""
    seen = {"So", "Sk", "Co", "Cn"}
    kept = "".join(c for c in one_line(text) if unicodedata.category(c) not in seen)
    kept = re.sub(r"\ufe0f|\*+|(?<!\w)_+|_+(?!\w)|(?<!\w)#+(?=\s)|`", "", kept).strip()
    while len(kept) > 1 and (kept[0] + kept[-1]) in ('""', "\u201c\u201d", "\u00ab\u00bb"):
        if kept[0] in kept[1:-1] or kept[-1] in kept[1:-1]:
            break  # two quotes, not one around all
        kept = kept[1:-1].strip()
    return re.sub(r"\s+(?=[.,](?:\s|$))", "", " ".join(kept.split()))


def text_fault(text: str, topic: str) -> str:
    """Why `text` about `topic` must not be spoken, or ""."""
    if not count_words(text):
        return "the narration is empty"
    if re.search(r"[<>{}\[\]|\\=~^]|https?://|\s[-\u2022]\s.*\s[-\u2022]\s.*\s[-\u2022]\s", text):
        return "the narration has markup, a placeholder or a list"
    said, known = text.lower(), topic.lower()
    if meta := [phrase for phrase in META_PHRASES if phrase in said and phrase not in known]:
        return f"the narration talks about its task ({meta[0]!r})"
    sentences = split(text)
    if len(set(sentences)) < len(sentences):
        return "the narration says a sentence twice"
    if max(Counter(phrases(text)).values(), default=0) > 2:
        return "the narration repeats itself"
    return ""
