"""Scripts are found in whatever a language model wrote."""

from __future__ import annotations

import contextlib
import json
import re
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.errors import BadInputError
from myspinbot.narrative.parsing import NARRATION_KEYS, STAGE_KEYS, Script, parse_script

SAID = 'I like tea. It\'s “hot”, and "strong"\\ {so to say}.'
SEEN = "a man, at his desk"
JSON = json.dumps({"narration": SAID, "stage_prompt": SEEN}, indent=1)

FORMS = {
    "plain JSON": JSON,
    "fenced": f"```json\n{JSON}\n```",
    "in prose": f"Sure! Here is {{your}} script:\n\n{JSON}\n\nI hope [you] like it {{so}}.",
    "after thoughts": f'<think>Maybe {{"narration": "no"}}?</think>\n{JSON}',
    "after half of the thoughts": f'Maybe {{"narration": "no"}}?\n</think>{JSON}',
    "other keys": json.dumps({"Title": "Tea", "Script": SAID, "Visual Prompt": SEEN}),
    "deeper": json.dumps({"title": "Tea", "video": {"text": SAID, "scene": {"image": SEEN}}}),
    "an order of its own": json.dumps({"stage-prompt": SEEN, "narration": SAID}),
    "line ends inside": JSON.replace("tea. It", "tea.\nIt"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_script_is_found(form):
    script = parse_script(FORMS[form])
    assert script.narration.replace("\n", " ") == SAID
    assert script.stage_prompt in (SEEN, "")
    assert script.stage_prompt or form == "deeper"


BROKEN = {
    "a comma too many": '{"narration": "I like tea.", "stage_prompt": "a man",}',
    "no comma": '{"narration": "I like tea."\n"stage_prompt": "a man"}',
    "single quotes": "{'narration': 'I like tea.', 'stage_prompt': 'a man'}",
    "bare keys": '{narration: "I like tea.", stage_prompt: "a man"}',
    "no end": '{"narration": "I like tea.", "stage_prompt": "a man',
    "no brace at the end": '```json\n{"narration": "I like tea.", "stage_prompt": "a man"',
    "labels": "**Narration:** I like tea.\n\n**Stage prompt:** a man",
    "headings": "# Stage prompt: a man\n# Script:\nI like tea.\n",
}


@pytest.mark.parametrize("form", BROKEN)
def test_a_broken_script_is_found(form):
    assert parse_script(BROKEN[form]) == Script("I like tea.", "a man")


def test_quotes_that_nobody_escaped():
    text = '{"narration": "He said "tea, please" to me.", "stage_prompt": "a man"}'
    assert parse_script(text) == Script('He said "tea, please" to me.', "a man")


@given(cut=st.integers(0, len(JSON)))
def test_what_is_cut_off_gives_its_beginning(cut):
    try:
        script = parse_script(JSON[:cut])
    except BadInputError:
        assert cut < JSON.index("I like") + 1
        return
    if '"narration": "' in JSON[:cut]:
        assert SAID.startswith(script.narration)
        assert SEEN.startswith(script.stage_prompt)


def test_scenes_are_joined():
    scenes = [{"scene": 1, "text": "One."}, {"scene": 2, "text": "Two.", "visual": "a cat"}]
    assert parse_script(json.dumps(scenes)) == Script("One. Two.", "a cat")
    assert parse_script(json.dumps({"scenes": scenes})) == Script("One. Two.", "a cat")
    assert parse_script('{"narration": ["One.", "Two."]}') == Script("One. Two.")


@pytest.mark.parametrize(
    "text",
    [
        "I like tea.",
        "Wait [pause 1.5s] for it.",
        "Use {} or {x} for a set, [1, 2] for a list: that is Python.",
        '"Tea," she said, "or coffee?"',
        "Note: tea is hot. Text: none.\nThe answer: tea.",
        "Über 日本 🙂 <b>x</b>",
        "a < b",
    ],
)
def test_plain_text_passes_through(text):
    assert parse_script(text) == Script(text)


@given(text=st.text(alphabet=string.ascii_letters + " .,!?'äß日本\n", min_size=1))
def test_any_plain_text_passes_through(text):
    if re.search(r"\w", text):
        assert parse_script(text) == Script(text.strip())


@pytest.mark.parametrize(
    "text",
    ["", " \n", "{}", "```json\n```", "<think>I wonder", "<think>a</think>", '{"title": "Tea"}',
     '{"narration": ""}', '{"narration": 5}', "[]", "...", '""'],
)  # fmt: skip
def test_nothing_to_say_is_refused(text):
    with pytest.raises(BadInputError, match=r"no (script|narration)"):
        parse_script(text)


PIECES = st.sampled_from(
    ["{", "}", "[", "]", '"', "'", ":", ",", "\\", "\\u00", "\n", "```", "<think>", "</think>",
     *NARRATION_KEYS, *STAGE_KEYS, "null", "1e999", "-", "I like tea."],
)  # fmt: skip


@given(text=st.lists(PIECES, max_size=60).map("".join) | st.text())
def test_nothing_breaks_it(text):
    try:
        script = parse_script(text)
    except BadInputError:
        return
    assert script.narration
    assert script.narration == script.narration.strip()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | PIECES, inner),
)


@given(value=VALUES, narration=st.text(string.ascii_letters, min_size=1))
def test_any_json_around_a_narration(value, narration):
    assert parse_script(json.dumps({"narration": narration, "x": value})).narration == narration


@pytest.mark.parametrize("piece", ["{", "[", '{"a":', "<think>", "\n", "# ", '"a": "', "a: "])
def test_long_nonsense_takes_no_time(piece):
    start = time.process_time()
    with contextlib.suppress(BadInputError):
        parse_script(piece * 20_000)
    assert time.process_time() - start < 2
