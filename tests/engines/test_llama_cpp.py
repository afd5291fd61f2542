"""The OpenAI-compatible LLM against a real llama.cpp server with the embedded weights."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec

import pytest

from myspinbot.errors import ServerError, ServerUnreachableError
from myspinbot.narrative.asking import SCHEMA
from myspinbot.narrative.chat import Message
from myspinbot.narrative.engines.openai import OpenAICompatible
from myspinbot.narrative.settings import LlmServer
from myspinbot.narrative.writing import write
from myspinbot.progress import no_tick
from scripts.environment import ROOT

pytestmark = [
    pytest.mark.weights,
    pytest.mark.skipif(find_spec("xllamacpp") is None, reason="needs the engines' packages"),
]

SERVE = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.port, params.n_ctx, params.n_parallel = 0, 2048, 1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.endpoint_slots, params.warmup, params.ui = True, False, False
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
time.sleep(600)
"""
TEA = [Message("user", "Tell me about tea.")]


@pytest.fixture
def offline() -> None:
    """The server is on loopback."""


def start(models_dir):
    weights = models_dir / "smollm2-135m-instruct.gguf"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(weights)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("http"):
            return process, line.strip()
    raise AssertionError(f"llama.cpp's server ended with {process.wait()}")


@pytest.fixture(scope="module")
def address(models_dir):
    process, address = start(models_dir)
    yield address
    process.kill()
    process.wait()


@pytest.fixture
def llm(address):
    return OpenAICompatible(LlmServer("llama.cpp", f"{address}/v1"))


def is_busy(address):
    with urllib.request.urlopen(f"{address}/slots") as answer:
        return any(slot["is_processing"] for slot in json.load(answer))


def test_it_streams(llm):
    seen = []
    answer = llm.chat(TEA, max_tokens=24, tick=lambda done, total: seen.append((done, total)))
    assert answer.ending == "length"
    assert "ea" in answer.text
    assert seen[-1] == (24, 24)
    assert len({done for done, _ in seen}) > 10, "progress comes while it is written"


def test_it_keeps_to_the_schema(llm):
    answer = llm.chat(TEA, schema=SCHEMA, max_tokens=600, seed=3, tick=no_tick)
    assert answer.ending == "stop"
    assert set(json.loads(answer.text)) == {"narration", "stage_prompt"}


def test_the_same_seed_says_the_same(llm):
    first, second, other = (
        llm.chat(TEA, max_tokens=16, seed=seed, tick=no_tick).text for seed in (1, 1, 2)
    )
    assert first == second != other


def test_a_narration_comes_out_whatever_so_small_a_model_writes(llm):
    written = write("tea", duration_s=12, llm=llm, seed=1)
    assert written.report["expected_s"] == pytest.approx(12, rel=0.1)
    assert written.report["attempts"] <= 3
    assert written.report["engine"] in ("template", llm.name)
    assert bool(written.report["fallback"]) == (written.report["engine"] == "template")


class Cancelled(BaseException):
    pass


def test_a_cancel_ends_the_generation(llm, address):
    def tick(done, total):
        if done >= 5:
            assert is_busy(address)
            raise Cancelled

    endless = {"type": "array", "items": {"type": "string"}, "minItems": 200}
    with pytest.raises(Cancelled):
        llm.chat(TEA, max_tokens=1900, schema=endless, tick=tick)
    cancelled = time.monotonic()
    while is_busy(address):
        assert time.monotonic() - cancelled < 2
        time.sleep(0.02)


def test_a_name_it_does_not_have_is_answered_all_the_same(address):
    """As the node's help says: this server has one model, under any name."""
    llm = OpenAICompatible(LlmServer("llama.cpp", f"{address}/v1"), "nonsense")
    assert llm.chat(TEA, max_tokens=4, tick=no_tick).text


def test_an_address_without_the_api(address):
    llm = OpenAICompatible(LlmServer("llama.cpp", f"{address}/nowhere"), "x")
    with pytest.raises(ServerError, match=r"404.*ends in /v1"):
        llm.chat(TEA, tick=no_tick)


def test_more_than_it_can_read(llm):
    with pytest.raises(ServerError, match=r"refused with 400: .*context"):
        llm.chat([Message("user", "tea " * 5000)], tick=no_tick)


def test_a_server_that_dies_meanwhile(models_dir):
    process, address = start(models_dir)
    llm = OpenAICompatible(LlmServer("mortal", f"{address}/v1"), "x")

    def tick(done, total):
        if done == 5:
            os.kill(process.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)

    answer = llm.chat(TEA, max_tokens=1500, tick=tick)
    process.wait()
    assert answer.ending == "cut"
    assert answer.tokens >= 5
    with pytest.raises(ServerUnreachableError, match="mortal"):
        llm.chat(TEA, tick=no_tick)
