"""What a language model is asked and answers is counted, whichever kind of model it is."""

import pytest
import torch
from test_narrative_engine import write_tiny

from myspinbot.narrative.chat import Answer, Message
from myspinbot.narrative.engines.embedded import EmbeddedLLM
from myspinbot.narrative.llm import ContinuingLLM, Sampling
from myspinbot.narrative.metering import Usage, metered
from myspinbot.narrative.writing import direct, write
from myspinbot.progress import no_tick

GOOD = (
    "I think bees are small and busy. They fly from flower to flower all day long. In the evening "
    "they bring the honey home. I like to sit beside them and listen."
)
ANSWERS = {
    "good": f'{{"narration": "{GOOD}", "stage_prompt": "A man in a wide hat sits in a garden."}}',
    "bad": "I cannot do that.",
}


class Scripted:
    name = "scripted model"

    def __init__(self, *said):
        self._said = list(said)

    def chat(self, messages, **_):
        return Answer(ANSWERS[self._said.pop(0)], "stop", 30, 70)


def test_a_chat_model_is_counted_by_what_it_tells():
    usage = Usage()
    llm = metered(Scripted("bad", "good"), usage)
    assert llm.chat([Message("user", "?")], tick=no_tick).text == ANSWERS["bad"]
    llm.chat([Message("user", "?")], tick=no_tick)
    assert (usage.calls, usage.prompt_tokens, usage.completion_tokens) == (2, 140, 60)
    assert usage.busy_s > 0


def test_a_continuing_model_is_counted_to_the_token(tmp_path):
    torch.manual_seed(0)
    plain, usage = EmbeddedLLM.load(write_tiny(tmp_path / "tiny.gguf")), Usage()
    llm = metered(plain, usage)
    assert isinstance(llm, ContinuingLLM)
    passage = llm.passage("hello", no_tick)
    passage.extend(" world")
    assert usage.prompt_tokens == len(plain.tokens.encode("hello")) + len(
        plain.tokens.encode(" world")
    )
    found = passage.continuations(3, Sampling(5, temperature=0), no_tick)
    assert usage.completion_tokens == 15, found
    assert usage.calls == 3


def test_what_fails_was_asked_all_the_same():
    usage = Usage()
    with pytest.raises(IndexError):
        metered(Scripted(), usage).chat([], tick=no_tick)
    assert (usage.calls, usage.completion_tokens) == (1, 0)


def test_anything_else_passes_through():
    assert metered(None, Usage()) is None


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (["good"], "ok"),
        (["bad", "good"], "repaired"),
        (["bad", "bad", "bad"], "fallback"),
    ],
)
def test_the_outcome_of_a_narration(said, outcome):
    assert write("bees", llm=Scripted(*said), duration_s=16).outcome == outcome


def test_the_outcome_without_a_model():
    assert write("bees").outcome == "fallback"
    assert direct("My words.", llm=Scripted("bad")).outcome == "fallback"
