"""Finds narration and stage prompt in whatever a language model wrote. Knows no model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import BadInputError

NARRATION_KEYS = (
    *("narration", "script", "narrationtext", "spokentext", "speech", "voiceover", "monologue"),
    *("dialogue", "text", "content", "story", "answer", "response", "message"),
)
"""What models call the words to speak, best first; without case, spaces and signs."""
STAGE_KEYS = (
    *("stageprompt", "visualprompt", "imageprompt", "videoprompt", "sceneprompt", "stage"),
    *("visual", "visuals", "image", "picture", "scenedescription", "setting", "scene", "prompt"),
)
THOUGHT = re.compile(r"<(think|thinking|thought|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.I)
END_OF_THOUGHT = re.compile(r"\A.*</(?:think|thinking|thought|reasoning)>", re.DOTALL | re.I)
"""Some servers send only the end: the start stood in the prompt."""
FENCE = re.compile(r"^[ \t]*```\w*[ \t]*\n?|\n?[ \t]*```[ \t]*$", re.MULTILINE)
FIELD = re.compile(
    r"""(?:^|[{,\s])(["']?)(?P<key>[A-Za-z][\w \-]{1,30})\1\s*:\s*(?P<quote>["'])"""
    r"""(?P<value>.*?)(?:(?P=quote)(?=\s*(?:[,}\]]|\Z|\n\s*["']\w+["']\s*:))|\Z)""",
    re.DOTALL,
)
"""A key and its text in JSON that is cut off or otherwise broken."""
LABEL = re.compile(r"^[ \t#>*_\-]*(?P<key>[A-Za-z][\w \-]{1,30}?)[ *_]*:[ *_]*", re.MULTILINE)
"""A line such as "**Narration:**"."""
BEGINNING = re.compile(r"\{\s*(?:[\"']|\w+\s*:|\Z)")
"""How an object begins, whatever became of it."""
STARTS = 50
"""Braces tried as the beginning of JSON."""


@dataclass(frozen=True)
class Script:
    """What a text holds for the bot."""

    narration: str
    stage_prompt: str = ""


def parse_script(text: str) -> Script:
    """Read JSON, fenced or inside prose or broken, or labelled lines; plain text is the narration.

    What reasoning models think aloud is dropped. Raises BadInputError when no narration is left.
    """
    answer = _without_thoughts(text)
    if not answer:
        thought = " but the model's thoughts: let it write more tokens" if text.strip() else ""
        raise BadInputError(f"There is no script in the text: it holds nothing{thought}.")
    found = _found(answer)
    if found is None:
        plain = FENCE.sub("", answer).strip()
        found = Script("" if _is_hollow(plain) or BEGINNING.match(plain) else plain)
    if not found.narration:
        raise BadInputError(
            f"There is no narration in the script {_shown(answer)}: it needs the key 'narration'."
        )
    return found


def find_script(text: str) -> Script | None:
    """Read what has a form, also without a narration; None for plain text."""
    answer = _without_thoughts(text)
    return _found(answer) if answer else None


def _without_thoughts(text: str) -> str:
    answer = text.strip()
    return answer if _is_json(answer) else END_OF_THOUGHT.sub("", THOUGHT.sub("", answer)).strip()


def _found(answer: str) -> Script | None:
    return _from_json(answer) or _from_broken_json(answer) or _from_labels(answer)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def _from_json(text: str) -> Script | None:
    """The first JSON object, or list of them, that has a narration; else one without."""
    hollow = None
    for value in _values(text):
        script = _script(value)
        if script and script.narration:
            return script
        hollow = hollow or script
    return hollow


def _values(text: str) -> Iterator[Any]:
    """Every complete JSON value in `text`, from the outside in."""
    decoder = json.JSONDecoder(strict=False)  # models put line ends inside strings
    end = 0
    starts = [0] if text[0] == '"' else [match.start() for match in re.finditer(r"[{\[]", text)]
    for start in starts[:STARTS]:
        if start < end:
            continue
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if not isinstance(value, str) or not text[end:].strip():  # else it only begins with quotes
            yield value


def _script(value: Any) -> Script | None:
    """The narrations in `value`, joined, and its first stage prompt; None: it is no script."""
    if isinstance(value, str):
        return Script(value.strip())
    parts: list[str] = []
    stages: list[str] = []
    queue = [value]
    while queue:
        item = queue.pop()
        if isinstance(item, list):
            queue += reversed(item)
        elif isinstance(item, dict):
            named = {_plain(key): content for key, content in item.items()}
            narration = _first(named, NARRATION_KEYS)
            parts += [narration] if narration else []
            stages += [stage] if (stage := _first(named, STAGE_KEYS)) else []
            if not narration:
                queue += reversed(list(item.values()))
    if not parts and not stages and not (value and isinstance(value, dict)):
        return None  # brackets in plain text
    return Script(" ".join(parts), stages[0] if stages else "")


def _first(named: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The text under the best of `keys`: a string, or a list of strings, which are joined."""
    for key in keys:
        content = named.get(key)
        if isinstance(content, list) and all(isinstance(line, str) for line in content):
            content = " ".join(content)
        if isinstance(content, str) and content.strip():
            return content.strip()
    return ""


def _from_broken_json(text: str) -> Script | None:
    """Fields of JSON that no reader takes: cut off, single quotes, a comma too many."""
    if "{" not in text:
        return None
    named: dict[str, str] = {}
    for match in FIELD.finditer(text, text.index("{")):
        named.setdefault(_plain(match["key"]), _unescaped(match["value"]))
    script = Script(_first(named, NARRATION_KEYS), _first(named, STAGE_KEYS))
    return script if script.narration or script.stage_prompt else None


def _unescaped(value: str) -> str:
    # An escape that was cut off: a backslash that no other one escapes, and digits too few.
    value = re.sub(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?\Z", r"\1", value)
    quoted = re.sub(r'(?<!\\)((?:\\\\)*)"', r'\1\\"', value).replace("\\'", "'")
    try:
        return str(json.loads(f'"{quoted}"', strict=False))
    except ValueError:
        return value


def _from_labels(text: str) -> Script | None:
    """Lines that say which part follows, if one of them says that it is the narration."""
    known = NARRATION_KEYS[: NARRATION_KEYS.index("text")] + STAGE_KEYS[: STAGE_KEYS.index("stage")]
    labels = [match for match in LABEL.finditer(text) if _plain(match["key"]) in known]
    ends = [match.start() for match in labels[1:]] + [len(text)]
    named: dict[str, str] = {}
    for match, end in zip(labels, ends, strict=False):
        named.setdefault(_plain(match["key"]), FENCE.sub("", text[match.end() : end]).strip())
    narration = _first(named, NARRATION_KEYS)
    return Script(narration, _first(named, STAGE_KEYS)) if narration else None


def _plain(key: str) -> str:
    return re.sub(r"[\W_]", "", key).lower()


def _is_hollow(text: str) -> bool:
    """Whether nothing in `text` can be spoken."""
    return not re.search(r"\w", text)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
