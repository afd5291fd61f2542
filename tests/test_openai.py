"""The OpenAI-compatible engine against a fake server: what goes well and what goes wrong."""

from __future__ import annotations

import socket
import time

import pytest
from fake_openai import COMPLETION_TOKENS, PROMPT_TOKENS, Turn, serving

from myspinbot.errors import ServerError, ServerUnreachableError
from myspinbot.narrative.chat import Message
from myspinbot.narrative.engines.openai import OpenAICompatible
from myspinbot.narrative.settings import LlmServer
from myspinbot.progress import no_tick

ASKED = [Message("system", "Be brief."), Message("user", "Hello?")]
SCHEMA = {"type": "object", "properties": {"narration": {"type": "string"}}}


def ask(fake, model="", tick=no_tick, silence_s=5.0, key="", **options):
    server = LlmServer("fake", fake.url, "FAKE_KEY", key, silence_s)
    return OpenAICompatible(server, model).chat(ASKED, tick=tick, **options)


def test_an_answer_is_streamed():
    seen = []
    with serving(Turn("Grüße, “you” 🙂 and a longer tail.", thought="Let me think.")) as fake:
        answer = ask(
            fake,
            "other",
            lambda done, total: seen.append((done, total)),
            key="secret",
            schema=SCHEMA,
            max_tokens=40,
            temperature=0.2,
            seed=2**40 + 7,
        )
    assert (answer.text, answer.ending) == ("Grüße, “you” 🙂 and a longer tail.", "stop")
    assert answer.tokens == seen[-1][0] == COMPLETION_TOKENS, "the server's own count"
    assert answer.prompt_tokens == PROMPT_TOKENS
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    (sent,) = fake.requests
    assert sent["response_format"]["json_schema"]["schema"] == SCHEMA
    assert (sent["model"], sent["max_tokens"], sent["seed"]) == ("other", 40, 7)
    assert sent["messages"][1] == {"role": "user", "content": "Hello?"}
    assert fake.keys == ["Bearer secret"]


def test_without_a_name_the_first_model_answers_and_no_key_is_sent():
    with serving(Turn("Yes.")) as fake:
        ask(fake)
    assert fake.requests[0]["model"] == "tiny"
    assert "response_format" not in fake.requests[0]
    assert fake.keys == [""]


def test_an_answer_that_ends_too_early_says_so():
    with serving(Turn("One two three", reason="length"), Turn("One two three", None)) as fake:
        assert ask(fake).ending == "length"
        cut = ask(fake)
    assert (cut.text, cut.ending) == ("One two three", "cut")


REFUSALS = {
    "no such model": (
        Turn(status=404, body='{"error": {"message": "no x"}}'),
        "no x.*'tiny': tiny, other",
    ),
    "wrong key": (Turn(status=401, body='{"error": "bad key"}'), "bad key.*FAKE_KEY"),
    "no schemas": (Turn(status=400, body="what is json_schema?"), "structured"),
    "broken": (Turn(status=500, body="out of memory"), "500.*out of memory"),
    "elsewhere": (Turn(status=302, body=""), "302.*/v1"),
    "a page": (Turn(body="<html>Hello</html>", content_type="text/html"), "proxy or web page"),
    "failure in the stream": (Turn("One", error="slot lost"), "slot lost"),
    "nothing but a broken line": (Turn("", None), "broke the connection"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_says_what_to_do(case):
    turn, message = REFUSALS[case]
    with serving(turn) as fake, pytest.raises(ServerError, match=message) as failure:
        ask(fake)
    assert fake.url in str(failure.value)


def test_events_that_are_no_json():
    turn = Turn(body="data: <oops>\n\n", content_type="text/event-stream")
    with serving(turn) as fake, pytest.raises(ServerError, match="not as an OpenAI-compatible"):
        ask(fake)


def test_a_silent_server_times_out():
    with serving(Turn("late", pause_s=30)) as fake:
        start = time.monotonic()
        with pytest.raises(ServerError, match=r"silent for 0\.5 s"):
            ask(fake, silence_s=0.5)
        assert time.monotonic() - start < 3


def test_nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        engine = OpenAICompatible(LlmServer("lab", url), "tiny")
        with pytest.raises(ServerUnreachableError, match=r"lab.*Start it"):
            engine.chat(ASKED, tick=no_tick)


class Cancelled(BaseException):
    """As ComfyUI's interrupt: nobody may swallow it."""


@pytest.mark.parametrize("pause_s", [60, 0.2], ids=["before the first word", "in the middle"])
def test_a_cancel_reaches_the_server(pause_s):
    started, cancelled = time.monotonic(), []

    def tick(done, total):
        if time.monotonic() > started + 1:
            cancelled.append(time.monotonic())
            raise Cancelled

    with serving(Turn("word " * 200, pause_s=pause_s)) as fake:
        with pytest.raises(Cancelled):
            ask(fake, tick=tick)
        assert time.monotonic() - cancelled[0] < 2
        deadline = time.monotonic() + 2
        while fake.left_s is None and time.monotonic() < deadline:
            time.sleep(0.02)
    assert fake.left_s is not None
    assert fake.left_s - cancelled[0] < 2
