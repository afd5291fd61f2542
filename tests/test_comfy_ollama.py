"""Ollama in a real ComfyUI, with the protocol fake as the server that the operator chose."""

import asyncio
import json
import time

import pytest
from fake_ollama import FakeOllama, Scene
from metering import eventually, figures, grown
from prompts import get, inputs_of, load

from myspinbot.client.server import ComfyServer
from myspinbot.errors import PromptRejectedError
from myspinbot.video import probe
from scripts.environment import ROOT, TRANSCRIPT
from scripts.serving import free_port

pytestmark = pytest.mark.comfy

WORDS = "I drink tea every morning because it makes me calm."
SCRIPT = json.dumps({"narration": WORDS, "stage_prompt": "An old sailor in his kitchen."})


@pytest.fixture
def choose(llm_settings):
    """The operator chooses another Ollama, or model."""
    return lambda **settings: llm_settings(ollama=settings)


@pytest.fixture
def ollama(choose):
    with FakeOllama() as server:
        choose(host=server.host)
        yield server


def narration(model="llama3.2:3b", topic="tea in the morning", **settings):
    defaults = {"temperature": 0.5, "num_ctx": 2048, "keep_alive_s": 60, "pull": False}
    return {
        "1": {
            "class_type": "MySpinBot_Ollama",
            # the editor sends its button, too
            "inputs": {"model": model, "refresh": "refresh", **defaults, **settings},
        },
        "2": {
            "class_type": "MySpinBot_WriteNarration",
            "inputs": {
                "topic": topic,
                "narration": "",
                "persona": "a retired sailor",
                "tone": "calm",
                "language": "en",
                "duration_s": 5.4,
                "seed": 7,
                "llm": ["1", 0],
            },
        },
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["2", 2]}},
    }


def test_the_route_lists_the_models(comfy, ollama, choose):
    assert get(comfy, "/myspinbot/ollama/models") == {
        "models": ["llama3.2:3b", "qwen3:latest"],
        "reason": "",
    }
    ollama.models.clear()
    assert "ollama pull" in get(comfy, "/myspinbot/ollama/models")["reason"]
    choose(host=f"127.0.0.1:{free_port()}")
    start = time.monotonic()
    answer = get(comfy, "/myspinbot/ollama/models")
    assert answer["models"] == []
    assert "ollama serve" in answer["reason"]
    assert time.monotonic() - start < 2
    choose(hots="x")
    assert "llm.json" in get(comfy, "/myspinbot/ollama/models")["reason"]


def test_the_editor_is_told_where_the_list_is(comfy):
    info = get(comfy, "/object_info/MySpinBot_Ollama")["MySpinBot_Ollama"]
    kind, options = info["input"]["required"]["model"]
    assert kind == "COMBO"
    assert options["remote"]["route"] == "/myspinbot/ollama/models"
    assert options["remote"]["response_key"] == "models"
    page = (ROOT / "js" / "docs" / "MySpinBot_Ollama.md").read_text("utf-8")
    for field in info["input"]["required"]:
        assert f"| {field} |" in page


def test_a_narration_is_written(run, ollama, comfy):
    ollama.scenes.append(Scene(SCRIPT))
    before = figures(comfy)
    outputs = run(narration())["outputs"]
    assert outputs["3"]["text"] == [WORDS]
    assert json.loads(outputs["4"]["text"][0])["engine"] == "ollama llama3.2:3b"
    body = ollama.last("/api/chat")
    assert body["model"] == "llama3.2:3b"
    assert body["options"]["temperature"] == 0.5
    assert body["options"]["num_ctx"] == 2048
    assert body["options"]["seed"] == 7
    assert body["keep_alive"] == 60
    assert "narration" in body["format"]["properties"]
    read = sum(len(message["content"].split()) for message in body["messages"])
    assert grown(before, figures(comfy), "llm_requests", "llm_tokens") == {
        'llm_requests_total{backend="ollama",outcome="ok"}': 1,
        'llm_tokens_total{backend="ollama",kind="prompt"}': read,
        'llm_tokens_total{backend="ollama",kind="completion"}': len(SCRIPT.split(" ")),
    }


def test_the_shipped_workflow_speaks_what_the_model_wrote_from_the_facts(
    run, ollama, upload, download, samples_dir
):
    ollama.scenes += [Scene(SCRIPT), Scene(SCRIPT)]
    prompt = load("talking_bot_ollama")
    inputs_of(prompt, "LoadImage")["image"] = upload(samples_dir / "hopper.jpg")
    inputs_of(prompt, "LoadAudio")["audio"] = upload(samples_dir / "voice.wav")
    bot = inputs_of(prompt, "MySpinBot_TalkingBot")
    bot.update(transcript=TRANSCRIPT, duration_s=4, language="en-gb")
    entry = run(prompt)
    assert WORDS in [text for out in entry["outputs"].values() for text in out.get("text", [])]
    asked = json.loads(ollama.last("/api/chat")["messages"][1]["content"])
    assert "honey" in " ".join(asked["facts to use, and no others"]).lower()
    assert asked["persona"] == "a beekeeper"
    assert probe(download(entry))["audio_s"] == pytest.approx(4, abs=1.5)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("phi4:14b", "ollama pull phi4:14b"),
        ("Loading...", "Choose one of llama3.2:3b, qwen3:latest"),
        ("", "No model is chosen"),
    ],
)
def test_a_model_that_is_not_there_is_a_clear_error(model, message, run, ollama):
    with pytest.raises(PromptRejectedError, match="MySpinBot_Ollama") as failure:
        run(narration(model))
    assert message in str(failure.value)
    assert ollama.count("/api/pull") == 0


def test_no_server_is_a_clear_error(run, choose):
    choose(host=(host := f"127.0.0.1:{free_port()}"))
    with pytest.raises(PromptRejectedError, match="ollama serve") as failure:
        run(narration())
    assert host in str(failure.value)


def test_a_failing_server_is_a_clear_error(run, ollama):
    ollama.scenes.append(Scene(status=500, body='{"error": "CUDA error: out of memory"}'))
    with pytest.raises(PromptRejectedError, match="take a smaller model"):
        run(narration(topic="a server that fails"))


def test_a_model_is_pulled_on_request(run, ollama):
    ollama.scenes.append(Scene(SCRIPT))
    seen = []

    def event(kind, data):
        if kind == "progress" and str(data.get("node")) == "1":
            seen.append((data["value"], data["max"]))

    async_run = narration("tiny", pull=True)
    assert run(async_run, event)["outputs"]["3"]["text"] == [WORDS]
    assert ollama.last("/api/pull")["model"] == "tiny"
    assert (400, 400) in seen
    with pytest.raises(PromptRejectedError, match="not from Ollama's own library"):
        run(narration("evil.example/some/model", pull=True))
    assert ollama.count("/api/pull") == 1


@pytest.mark.parametrize(
    "scene",
    [Scene("word " * 2000, token_s=0.05), Scene(wait_s=60)],
    ids=["between tokens", "before the first"],
)
def test_the_editor_answers_and_a_cancel_works_meanwhile(scene, comfy, ollama):
    ollama.scenes.append(scene)

    async def session():
        async with ComfyServer(comfy.url) as server:
            task = asyncio.create_task(server.run(narration(topic=f"how to wait {scene.wait_s}")))
            while not ollama.count("/api/chat"):
                assert not task.done(), task.exception()
                await asyncio.sleep(0.05)
            slowest = 0.0
            for _ in range(10):
                asked = time.monotonic()
                await server.get("/system_stats")
                slowest = max(slowest, time.monotonic() - asked)
                await asyncio.sleep(0.05)
            cancelled = time.monotonic()
            await server.session.post(f"{comfy.url}/interrupt")
            with pytest.raises(PromptRejectedError, match="cancelled"):
                await task
            return slowest, cancelled, time.monotonic()

    slowest, cancelled, ended = asyncio.run(session())
    assert slowest < 2
    assert ended - cancelled < 2
    assert eventually(lambda: ollama.hung_up_s, timeout_s=2)
    assert ollama.hung_up_s is not None
    assert ollama.hung_up_s - cancelled < 2


def test_no_workflow_value_reaches_the_address(comfy):
    """The schema has no field for one."""
    info = get(comfy, "/object_info/MySpinBot_Ollama")["MySpinBot_Ollama"]["input"]
    assert set(info) == {"required"}
    assert not {"host", "url", "server", "address"} & set(info["required"])
