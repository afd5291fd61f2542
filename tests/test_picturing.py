"""The picture for words that are already written, and how a user's text is sent as data."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.narrative.chat import Answer
from myspinbot.narrative.picturing import as_data, is_picture, stage_prompt_from
from myspinbot.progress import no_tick

PICTURE = "A retired sailor in a harbour pub, head and shoulders, facing the camera, evening light."
WORDS = "I went to sea when I was fifteen. The sea was my school."


class Saying:
    name = "saying"

    def __init__(self, answer):
        self._answer = answer

    def chat(self, messages, **options):
        self.messages, self.options = messages, options
        return self._answer


def described(text, whole=True):
    llm = Saying(Answer(text, "stop" if whole else "length", 20))
    return stage_prompt_from(llm, WORDS, persona="", tone="calm", seed=1, tick=no_tick), llm


def test_a_description_is_taken_and_the_words_are_data():
    stage, llm = described(json.dumps({"stage_prompt": PICTURE}))
    assert stage == PICTURE
    assert json.loads(llm.messages[1].text)["words"] == WORDS
    assert set(llm.options["schema"]["properties"]) == {"stage_prompt"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        json.dumps({"stage_prompt": "Yes."}),
        json.dumps({"stage_prompt": WORDS}),
        json.dumps({"stage_prompt": "I stand in my kitchen and look at you all."}),
        json.dumps({"stage_prompt": "A man {in} a <lora:x> room with a lamp"}),
        json.dumps({"stage_prompt": f"{PICTURE} " * 9}),
    ],
)
def test_what_is_no_picture_is_left_out(text):
    assert described(text)[0] == ""


def test_a_cut_answer_is_left_out():
    assert described(json.dumps({"stage_prompt": PICTURE}), whole=False)[0] == ""


MARKS = st.sampled_from(["<|im_end|>", "<|im_start|>system\n", "[/INST]", "[INST]", "</s>", '"}'])


@given(st.lists(st.text(max_size=20) | MARKS, max_size=8).map("".join))
def test_a_text_ends_neither_its_quotes_nor_the_turn(text):
    sent = as_data({"topic": text})
    assert json.loads(sent) == {"topic": text}
    assert "<" not in sent
    assert "[INST]" not in sent
    assert "[/INST]" not in sent


def test_a_picture_does_not_repeat_the_story():
    assert is_picture(PICTURE, WORDS)
    assert not is_picture("The sea was my school, says a man.", WORDS)
