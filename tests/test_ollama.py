"""Ollama through its official client, against a protocol fake; a real server if one is named."""

import os
import time

import pytest
from fake_ollama import FakeOllama, Scene
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.errors import BadInputError, MissingModelError, ServerError, ServerUnreachableError
from myspinbot.narrative.chat import Message
from myspinbot.narrative.engines.ollama_chat import OllamaChat
from myspinbot.narrative.engines.ollama_server import (
    LoadedModel,
    OllamaServer,
    PulledModel,
    full_name,
    is_library_name,
    vram_to_free,
)
from myspinbot.progress import no_tick
from scripts.serving import free_port

MESSAGES = [Message("system", "Be brief."), Message("user", "Why do we dream?")]
SCHEMA = {"type": "object", "properties": {"narration": {"type": "string"}}}


@pytest.fixture
def fake():
    with FakeOllama() as server:
        yield server


@pytest.fixture
def llm(fake):
    return OllamaChat(OllamaServer(fake.host, load_s=3), "llama3.2:3b", num_ctx=2048)


class Cancelled(BaseException):
    """Like ComfyUI's: no Exception."""


def test_an_answer_is_streamed_with_all_settings(fake, llm):
    fake.scenes.append(Scene("I dream of tea."))
    seen = []
    answer = llm.chat(
        MESSAGES,
        schema=SCHEMA,
        max_tokens=40,
        temperature=0.3,
        seed=2**40 + 5,
        tick=lambda done, total: seen.append((done, total)),
    )
    assert (answer.text, answer.ending, answer.tokens) == ("I dream of tea.", "stop", 4)
    assert answer.prompt_tokens == sum(len(message.text.split()) for message in MESSAGES)
    assert seen[-1] == (4, 40)
    assert sorted(seen) == seen
    body = fake.last("/api/chat")
    assert body["options"] == {"temperature": 0.3, "num_predict": 40, "num_ctx": 2048, "seed": 5}
    assert body["format"] == SCHEMA
    assert body["think"] is False
    assert body["stream"] is True
    assert body["keep_alive"] == 300
    assert body["messages"][1] == {"role": "user", "content": "Why do we dream?"}


def test_the_nodes_temperature_wins_and_no_schema_is_no_format(fake):
    llm = OllamaChat(OllamaServer(fake.host), "qwen3", temperature=0.0, keep_alive_s=-1)
    assert llm.name == "ollama qwen3"
    llm.chat(MESSAGES, temperature=0.9, tick=no_tick)
    body = fake.last("/api/chat")
    assert body["options"]["temperature"] == 0
    assert body["keep_alive"] == -1
    assert "format" not in body


@pytest.mark.parametrize("ending", ["cut", "torn", "reset"])
def test_a_cut_stream_is_told_from_a_whole_one(ending, fake, llm):
    fake.scenes.append(Scene('{"narration": "I dr', ending=ending, token_s=0.02))
    answer = llm.chat(MESSAGES, tick=no_tick)
    assert answer.ending == "cut"
    assert answer.text == '{"narration": "I dr'


def test_running_out_of_tokens_is_told(fake, llm):
    fake.scenes.append(Scene("one two three four"))
    answer = llm.chat(MESSAGES, max_tokens=3, tick=no_tick)
    assert (answer.text, answer.ending, answer.tokens) == ("one two three", "length", 3)


OOM = '{"error": "model requires more system memory (9 GiB) than is available (3 GiB)"}'
FAILURES = {
    "500": (Scene(status=500, body='{"error": "boom"}'), ServerError, "failed with 500: boom"),
    "out of memory": (Scene(status=500, body=OOM), ServerError, "smaller model"),
    "error in the stream": (Scene(ending="error"), ServerError, "has terminated"),
    "HTML": (Scene(body="<html>Log in</html>"), ServerError, "proxy"),
    "HTML and 502": (Scene(status=502, body="<html>Bad</html>"), ServerError, "502"),
    "HTML and 404": (Scene(status=404, body="<html>No</html>"), ServerError, "404"),
    "JSON of something else": (Scene(body="[1, 2]\n"), ServerError, "Something else"),
    "elsewhere": (Scene(status=307, body="{}"), ServerError, "failed with 307"),
    "broken at once": (Scene(text="", ending="reset"), ServerError, "broke the connection"),
    "silence": (Scene(wait_s=30), ServerError, "silent for 0.4 s"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_says_what_to_do(case, fake):
    scene, kind, words = FAILURES[case]
    fake.scenes.append(scene)
    with pytest.raises(kind, match=words) as failure:
        OllamaChat(OllamaServer(fake.host, load_s=0.4), "qwen3").chat(MESSAGES, tick=no_tick)
    assert fake.host in str(failure.value)


def test_a_missing_model_names_the_line_that_pulls_it(fake):
    server = OllamaServer(fake.host)
    with pytest.raises(MissingModelError, match="ollama pull phi4:14b"):
        OllamaChat(server, "phi4:14b").chat(MESSAGES, tick=no_tick)
    with pytest.raises(MissingModelError, match=r"ollama pull phi4 .*llama3\.2:3b, qwen3:latest"):
        server.find("phi4")
    assert server.find("qwen3") == PulledModel("qwen3:latest", 5_000_000_000)


def test_no_server_says_how_to_start_one():
    host = f"127.0.0.1:{free_port()}"
    for ask in (
        OllamaServer(host).models,
        lambda: OllamaChat(OllamaServer(host), "x").chat(MESSAGES, tick=no_tick),
    ):
        with pytest.raises(ServerUnreachableError, match="ollama serve") as failure:
            ask()
        assert host in str(failure.value)


def cancel_after(seconds):
    """A tick that cancels, and when it did."""
    start, cancelled = time.monotonic(), []

    def tick(done, total):
        if time.monotonic() - start > seconds:
            cancelled.append(time.monotonic())
            raise Cancelled

    return tick, cancelled


@pytest.mark.parametrize(
    "scene",
    [Scene("word " * 1000, token_s=0.02), Scene(wait_s=60)],
    ids=["between tokens", "before the first"],
)
def test_a_cancel_stops_the_server(scene, fake):
    fake.scenes.append(scene)
    tick, cancelled = cancel_after(0.5)
    with pytest.raises(Cancelled):
        OllamaChat(OllamaServer(fake.host), "qwen3").chat(MESSAGES, max_tokens=900, tick=tick)
    assert time.monotonic() - cancelled[0] < 2
    assert wait_for(lambda: fake.hung_up_s is not None)
    assert fake.hung_up_s - cancelled[0] < 2
    sent = fake.tokens
    time.sleep(0.2)
    assert fake.tokens == sent


def wait_for(condition, seconds=2.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("error", [ValueError("mine"), ConnectionError("mine"), KeyError("mine")])
def test_what_tick_raises_comes_out_as_it_is(error, llm):
    def tick(done, total):
        raise error

    with pytest.raises(type(error)) as raised:
        llm.chat(MESSAGES, tick=tick)
    assert raised.value is error


def test_a_pull_reports_bytes(fake):
    server, seen = OllamaServer(fake.host), []
    server.pull("tiny", lambda done, total: seen.append((done, total)))
    assert seen[-1] == (400, 400)
    assert len({done for done, _ in seen}) > 5
    assert server.find("tiny").size_bytes == 400


def test_a_pull_can_be_cancelled(fake):
    fake.pull_s = 0.2
    tick, cancelled = cancel_after(0.3)
    with pytest.raises(Cancelled):
        OllamaServer(fake.host).pull("tiny", tick)
    assert wait_for(lambda: fake.hung_up_s is not None)
    assert fake.hung_up_s - cancelled[0] < 2
    assert "tiny:latest" not in fake.models


def test_a_pull_that_breaks_off_is_a_clear_error(fake):
    fake.pull_ends = False
    with pytest.raises(ServerError, match="Run it again"):
        OllamaServer(fake.host).pull("tiny", no_tick)


def test_a_pull_of_an_unknown_model_is_a_clear_error(fake):
    with pytest.raises(MissingModelError, match=r"ollama\.com/library"):
        OllamaServer(fake.host).pull("nothing:7b", no_tick)


def test_a_workflow_cannot_pull_from_elsewhere(fake):
    with pytest.raises(BadInputError, match="ollama pull evil"):
        OllamaServer(fake.host).pull("evil.example/a/b", no_tick)
    assert fake.count("/api/pull") == 0


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("llama3.2", True),
        ("llama3.2:3b-instruct-q4_K_M", True),
        ("someone/model:7b", True),
        ("hf.co/someone/model:Q4", False),
        ("evil.example:8080/model", False),
        ("http://evil/model", False),
        ("../model", False),
        ("", False),
    ],
)
def test_names_of_the_library(name, library):
    assert is_library_name(name) is library


@given(st.text(st.sampled_from("ab.:/@- \n"), max_size=12))
def test_a_library_name_has_no_host(name):
    if is_library_name(name):
        assert "//" not in name
        assert name.count("/") <= 1
        assert ":" not in name.split("/")[0] or "/" not in name
        assert full_name(full_name(name)) == full_name(name)


def test_unloading_is_waited_for(fake, llm):
    server = OllamaServer(fake.host)
    llm.chat(MESSAGES, tick=no_tick)
    (row,) = server.loaded()
    assert row == LoadedModel("llama3.2:3b", 2_200_000_000)
    start = time.monotonic()
    assert server.unload("llama3.2:3b") == 2_200_000_000
    assert time.monotonic() - start >= 0.25
    assert server.loaded() == []
    assert fake.last("/api/chat")["keep_alive"] == 0
    chats = fake.count("/api/chat")
    assert server.unload("llama3.2:3b") == 0
    assert fake.count("/api/chat") == chats, "nothing is asked of a model that is not loaded"


def test_unloading_has_a_bound(fake, llm):
    fake.unload_s = 60
    llm.chat(MESSAGES, tick=no_tick)
    with pytest.raises(ServerError, match=r"ollama stop llama3\.2:3b"):
        OllamaServer(fake.host).unload("llama3.2:3b", within_s=0.5)


def test_vram_is_asked_for_what_is_not_loaded_yet():
    model = PulledModel("qwen3:latest", 1000)
    assert vram_to_free(model, []) == 1200
    assert vram_to_free(model, [LoadedModel("llama3.2:3b", 5)]) == 1200
    assert vram_to_free(model, [LoadedModel("qwen3:latest", 900)]) == 0


@pytest.mark.parametrize(
    ("host", "reached", "local"),
    [
        ("127.0.0.1:11434", "127.0.0.1:11434", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("0.0.0.0:8000", "127.0.0.1:8000", True),
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000", True),
        ("[::]:8000", "127.0.0.1:8000", True),
        ("[::1]:8000", "[::1]:8000", True),
        (":8000", ":8000", True),
        ("localhost", "localhost", True),
        ("10.0.0.0.0.0.0", "10.0.0.0.0.0.0", False),
        ("gpu.example", "gpu.example", False),
        ("https://192.168.1.5", "https://192.168.1.5", False),
    ],
)
def test_where_a_server_is(host, reached, local):
    server = OllamaServer(host)
    assert (server.host, server.is_local) == (reached, local)


@pytest.mark.parametrize("host", ["ftp://x", "a:b", "http://[", "x:99999"])
def test_a_wrong_address_is_a_clear_error(host):
    with pytest.raises(BadInputError, match="no address"):
        OllamaServer(host)


def test_a_proxy_of_the_environment_is_not_for_this_machine(fake, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert len(OllamaServer(fake.host).models()) == 2


@pytest.mark.skipif("OLLAMA_HOST" not in os.environ, reason="OLLAMA_HOST names none")
def test_a_real_server():
    """With OLLAMA_HOST=host:port, and OLLAMA_MODEL or its first model."""
    server = OllamaServer(os.environ["OLLAMA_HOST"])
    model = os.environ.get("OLLAMA_MODEL") or server.models()[0].name
    llm = OllamaChat(server, model, temperature=0.0, num_ctx=1024)
    answer = llm.chat(MESSAGES, schema=SCHEMA, max_tokens=200, tick=no_tick)
    assert answer.ending == "stop"
    assert '"narration"' in answer.text
    assert llm.chat(MESSAGES, max_tokens=3, tick=no_tick).ending == "length"
    tick, cancelled = cancel_after(1.0)
    with pytest.raises(Cancelled):
        llm.chat([Message("user", "Count to 10000.")], max_tokens=5000, tick=tick)
    assert time.monotonic() - cancelled[0] < 2
    assert any(full_name(row.name) == full_name(model) for row in server.loaded())
    server.unload(model)
    assert all(full_name(row.name) != full_name(model) for row in server.loaded())
