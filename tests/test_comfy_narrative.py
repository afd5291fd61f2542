"""Narration in a real ComfyUI: an LLM server's answers, and scripts of other nodes."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from fake_openai import Turn, serving
from prompts import get

from myspinbot.client.server import ComfyServer
from myspinbot.errors import PromptRejectedError
from scripts.environment import ROOT

pytestmark = pytest.mark.comfy

SAID = (
    "Ich halte seit zwanzig Jahren Bienen, und sie überraschen mich in jedem Frühling. Jede von "
    "ihnen kennt ihre Arbeit."
)
STAGE = "Medium close-up of a beekeeper, looking at the camera, garden."
SCRIPT = json.dumps({"narration": SAID, "stage_prompt": STAGE}, ensure_ascii=False)
WRITE = {
    "topic": "Bienen",
    "narration": "",
    "persona": "",
    "tone": "calm",
    "language": "de",
    "duration_s": 10.8,
    "seed": 0,
}


@pytest.fixture
def servers(llm_settings):
    """Name the LLM servers of which a workflow can only choose one."""
    return lambda **urls: llm_settings(servers={name: {"url": url} for name, url in urls.items()})


def writing(server="fake", model="tiny", **values):
    return {
        "1": {
            "class_type": "MySpinBot_OpenAICompatible",
            "inputs": {"server": server, "model": model},
        },
        "2": {
            "class_type": "MySpinBot_WriteNarration",
            "inputs": {**WRITE, **values, "llm": ["1", 0]},
        },
        **{
            str(3 + slot): {"class_type": "PreviewAny", "inputs": {"source": ["2", slot]}}
            for slot in range(3)
        },
    }


def shown(entry, *keys):
    return [entry["outputs"][key]["text"][0] for key in keys]


def test_a_server_writes_the_narration(run, servers):
    with serving(Turn(SCRIPT)) as fake:
        servers(fake=fake.url)
        narration, stage, report = shown(run(writing()), "3", "4", "5")
    assert (narration, stage) == (SAID, STAGE)
    report = json.loads(report)
    assert report["engine"] == "openai-compatible tiny"
    assert (report["planned_words"], report["words"], report["fallback"]) == (25, 19, "")
    assert fake.requests[0]["model"] == "tiny"


def test_the_list_of_servers_is_the_machines(comfy, servers):
    servers(lab="http://10.0.0.5:8000/v1")
    info = get(comfy, "/object_info/MySpinBot_OpenAICompatible")["MySpinBot_OpenAICompatible"]
    options = info["input"]["required"]["server"][1]["options"]
    assert options == ["default", "lab"]


@pytest.mark.parametrize("server", ["http://169.254.169.254/v1", "lab", "../fake"])
def test_a_workflow_cannot_name_an_address(server, run, servers):
    with serving(Turn(SCRIPT)) as fake:
        servers(fake=fake.url)
        with pytest.raises(PromptRejectedError, match="not in"):
            run(writing(server))
    assert fake.requests == []


def test_an_entry_that_moved_is_used_at_once(run, servers):
    with serving(Turn(SCRIPT)) as first:
        servers(fake=first.url)
        run(writing(seed=1))
    with serving(Turn(SCRIPT)) as second:
        servers(fake=second.url)
        run(writing(seed=1))
    assert len(first.requests) == len(second.requests) == 1


@pytest.mark.parametrize(
    ("turn", "message"),
    [
        (Turn(status=404, body="no such model"), "use one of its models instead of 'tiny'"),
        (Turn(status=500, body="out of memory"), "out of memory"),
        (Turn(body="<html>", content_type="text/html"), "not as an OpenAI-compatible server"),
        (Turn('{"x": 1}'), "no usable narration in 3 attempts"),
    ],
    ids=["model", "server", "page", "answer"],
)
def test_what_goes_wrong_is_said_on_the_node(turn, message, run, servers):
    with serving(turn) as fake:
        servers(fake=fake.url)
        with pytest.raises(PromptRejectedError) as failure:
            run(writing(seed=2))
    assert message in str(failure.value)


def test_nothing_at_the_address(run, servers):
    servers(fake="http://127.0.0.1:9/v1")
    with pytest.raises(PromptRejectedError, match="Nothing answers"):
        run(writing(seed=3))


def test_the_embedded_model_writes_english_only(run):
    prompt = writing()
    prompt["1"] = {"class_type": "MySpinBot_EmbeddedLLM", "inputs": {}}
    with pytest.raises(PromptRejectedError, match="'embedded' cannot write 'de', only en"):
        run(prompt)


def test_a_cancel_ends_the_generation_and_the_editor_answers_meanwhile(comfy, servers):
    async def session():
        async with ComfyServer(comfy.url) as server:
            reached, loop = asyncio.Event(), asyncio.get_running_loop()

            def event(kind, data):
                if kind == "executing" and data.get("node") == "2":
                    loop.call_later(1, reached.set)

            task = asyncio.create_task(server.run(writing(seed=4), event))
            await asyncio.wait_for(reached.wait(), 60)
            asked = loop.time()
            await server.session.get(f"{comfy.url}/queue")
            assert loop.time() - asked < 1
            cancelled = time.monotonic()
            await server.session.post(f"{comfy.url}/interrupt")
            with pytest.raises(PromptRejectedError, match="cancelled"):
                await task
            return cancelled

    with serving(Turn(SCRIPT, pause_s=30)) as fake:
        servers(fake=fake.url)
        cancelled = asyncio.run(session())
        assert time.monotonic() - cancelled < 2
        while fake.left_s is None and time.monotonic() - cancelled < 4:
            time.sleep(0.02)
    assert fake.left_s is not None
    assert fake.left_s - cancelled < 2


@pytest.mark.parametrize(
    ("text", "narration", "stage"),
    [
        (f"Sure!\n```json\n{SCRIPT}\n```", SAID, STAGE),
        ("<think>Hm.</think>I like tea.", "I like tea.", ""),
    ],
)
def test_scripts_of_other_nodes(text, narration, stage, run):
    prompt = {
        "1": {"class_type": "MySpinBot_ParseScript", "inputs": {"text": text}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}},
    }
    found = shown(run(prompt), "2", "3")
    assert found[0] == narration
    assert found[1] == stage or (not stage and "portrait" in found[1])
    prompt["1"]["inputs"]["text"] = "{}"
    with pytest.raises(PromptRejectedError, match="no narration"):
        run(prompt)


def test_the_help_pages_name_every_input(comfy):
    for name in ("OpenAICompatible", "ParseScript", "WriteNarration"):
        info = get(comfy, f"/object_info/MySpinBot_{name}")[f"MySpinBot_{name}"]["input"]
        page = (ROOT / "js" / "docs" / f"MySpinBot_{name}.md").read_text("utf-8")
        for field in {**info["required"], **info.get("optional", {})}:
            assert f"| {field} |" in page, field
