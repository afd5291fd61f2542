"""ComfyUI and Ollama share a GPU: who leaves when. ComfyUI's real model manager, in a process of
its own where "cpu:0" poses as a GPU of 9 GB; Ollama is the protocol fake."""

import inside_comfyui
import pytest
from fake_ollama import FakeOllama

pytestmark = pytest.mark.comfy

POSE = """
import pack.nodes.ollama as ollama

def held():
    return sum(1000 * m.model_loaded_memory() for m in mm.current_loaded_models if m.model)

def free(device=None, torch_free_too=False):
    left = 9_000_000_000 - held()
    return (left, 0) if torch_free_too else left

mm.get_torch_device = lambda: torch.device("cpu", 0)
mm.get_free_memory = free
keep = [host.Managed(lambda: torch.nn.Linear(1000, 500)) for _ in range(2)]
for one in keep:
    mm.load_models_gpu(one.patchers, force_full_load=True)
assert held() == 4_004_000_000
from pack.myspinbot.narrative.chat import Message
def counted(*names):
    return {" ".join((s.name.removeprefix("myspinbot_"), *s.labels.values())): s.value
            for f in host.metrics().registry.collect() for s in f.samples
            if s.name.removeprefix("myspinbot_").startswith(names)}
def chat(llm):
    return llm.chat([Message("user", "Hi")], tick=host.ticker())
"""


@pytest.fixture
def fake():
    with FakeOllama() as server:
        yield server


def play(fake, tmp_path, code):
    return inside_comfyui.play(POSE + code, tmp_path, fake.host)


def test_both_give_the_gpu_to_the_other(fake, tmp_path):
    """6 GB are needed, 5 are free: one of ComfyUI's two models leaves, and Ollama's at the end."""
    code = """
host.has_gpu = lambda: True
model = ollama.OllamaModel(ollama.connect(), "qwen3", {"keep_alive_s": 600})
with host.lend(model) as (llm, lent):
    chat(llm)
    left = held()
    mm.load_models_gpu([p for one in keep for p in one.patchers], force_full_load=True)
    with host.lend(model) as (llm, again):  # it is loaded: nobody has to go
        chat(llm)
say(left=left, again=again.freed, held=held(), **counted("llm_re", "llm_tok", "vram_freed"))
"""
    facts = play(fake, tmp_path, code)
    assert facts["left"] == 2_002_000_000
    assert facts["again"] == {"ollama_vram_freed_bytes": 5_500_000_000}
    assert facts["vram_freed_bytes_total comfyui"] == 2_002_000_000
    # what the other had already given back is not given back twice
    assert facts["vram_freed_bytes_total llm"] == 5_500_000_000
    assert facts["llm_requests_total ollama ok"] == 2
    assert facts["llm_request_duration_seconds_count ollama"] == 2
    assert facts["llm_tokens_total ollama prompt"] == 2
    assert facts["llm_tokens_total ollama completion"] == 6
    assert facts["held"] == 4_004_000_000
    assert fake.loaded == {}
    chats = [body for path, body in fake.requests if path == "/api/chat"]
    assert [body["keep_alive"] for body in chats] == [30, 30, 0]
    assert [bool(body["messages"]) for body in chats] == [True, True, False]


def test_a_model_that_does_not_leave_is_told_and_a_cancel_does_not_wait(fake, tmp_path):
    fake.unload_s = 60
    code = """
import functools, time
host.has_gpu = lambda: True
model = ollama.OllamaModel(ollama.connect(), "qwen3", {})
model.server.unload = functools.partial(model.server.unload, within_s=0.5)
with host.lend(model) as (llm, lent):
    chat(llm)
class Cancel(BaseException): pass
try:
    with host.lend(model) as (llm, nothing):
        chat(llm)
        start = time.monotonic()
        raise Cancel
except Cancel:
    say(seconds=time.monotonic() - start, report=lent.freed, nothing=nothing.freed,
        **counted("llm_req"))
"""
    facts = play(fake, tmp_path, code)
    assert facts["report"]["comfyui_vram_freed_bytes"] == 2_002_000_000
    assert "ollama stop qwen3" in facts["report"]["ollama_vram_note"]
    assert facts["seconds"] < 1.5
    assert facts["nothing"] == {}
    assert facts["llm_requests_total ollama ok"] == 1
    assert facts["llm_requests_total ollama interrupted"] == 1
    assert sum(body.get("keep_alive") == 0 for _, body in fake.requests) == 2


def test_without_a_shared_gpu_nobody_leaves(fake, tmp_path):
    """No GPU, a server elsewhere, an engine of ComfyUI's own, an Ollama on the CPU."""
    fake.on_gpu = False
    code = """
model = ollama.OllamaModel(ollama.connect(), "qwen3", {"keep_alive_s": 600})
with host.lend(model) as (llm, lent):
    chat(llm)
host.has_gpu = lambda: True
model.server._name = "gpu.example"
with host.lend(model) as (llm, more):
    chat(llm)
with host.lend(keep[0]) as (engine, none):
    assert engine is keep[0].engine
small = ollama.OllamaModel(ollama.connect(), "llama3.2:3b", {"keep_alive_s": 500})
with host.lend(small) as (llm, cpu):
    chat(llm)
say(held=held(), comfyui=cpu.freed.pop("comfyui_vram_freed_bytes"), **lent.freed, **more.freed,
    **none.freed, **cpu.freed)
"""
    assert play(fake, tmp_path, code) == {"held": 4_004_000_000, "comfyui": 0}
    kept = [b["keep_alive"] for path, b in fake.requests if path == "/api/chat"]
    assert kept == [600, 600, 30, 500]
    assert set(fake.loaded) == {"qwen3:latest", "llama3.2:3b"}


def test_an_ollama_that_answers_is_found_and_another_is_not_waited_for(fake, tmp_path):
    fake.models = {"nomic-embed-text:latest": 9, **fake.models}
    fake.embedders = {"nomic-embed-text:latest"}
    code = """
import time
found = ollama.answering()
os.environ["OLLAMA_HOST"] = "127.0.0.1:9"
start = time.monotonic()
nothing = ollama.answering()
say(found=found.model, nothing=nothing, seconds=time.monotonic() - start)
"""
    facts = play(fake, tmp_path, code)
    assert facts["found"] == "llama3.2:3b"
    assert facts["nothing"] is None
    assert facts["seconds"] < 1
