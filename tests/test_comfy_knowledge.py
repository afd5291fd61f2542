"""Knowledge in a real ComfyUI: a file of the input folder reaches the model of a server."""

from __future__ import annotations

import json

import pytest
from fake_embedder import FakeEmbedder
from fake_openai import Turn, serving
from prompts import get

from myspinbot.errors import PromptRejectedError
from scripts.environment import ROOT

pytestmark = pytest.mark.comfy

TYPED = "The hive in our garden holds forty thousand bees."
FILED = [
    "Tea came to Europe in ships.",
    f"{'Nothing of this matters. ' * 19}",
    "A bee lives weeks.",
]
SAID = "I look after a hive with forty thousand bees. It stands in our own garden."
ANSWER = Turn(json.dumps({"narration": SAID, "stage_prompt": ""}))


@pytest.fixture
def notes(comfy):
    """A file in ComfyUI's input folder, and one in its parent."""
    path = comfy.log.parent / "input" / "notes.md"
    path.write_text("\n\n".join(FILED), "utf-8")
    yield path
    path.unlink()


@pytest.fixture
def servers(llm_settings):
    return lambda url, **more: llm_settings(servers={"fake": {"url": url}}, **more)


def narration(file, text=TYPED, llm="MySpinBot_OpenAICompatible", **values):
    chosen = {"server": "fake", "model": "tiny"} if llm == "MySpinBot_OpenAICompatible" else {}
    asked = {"topic": "bees", "narration": "", "persona": "", "tone": "calm", "language": "en"}
    return {
        "1": {"class_type": llm, "inputs": chosen},
        "2": {"class_type": "MySpinBot_Knowledge", "inputs": {"text": text, "file": file}},
        "3": {
            "class_type": "MySpinBot_WriteNarration",
            "inputs": {
                **asked,
                "duration_s": 8,
                "seed": 0,
                "llm": ["1", 0],
                "knowledge": ["2", 0],
                **values,
            },
        },
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["3", 0]}},
        "5": {"class_type": "PreviewAny", "inputs": {"source": ["3", 2]}},
    }


def shown(entry):
    return entry["outputs"]["4"]["text"][0], json.loads(entry["outputs"]["5"]["text"][0])


def test_text_and_file_reach_the_model_and_the_report(run, servers, notes):
    with serving(ANSWER, ANSWER) as fake:
        servers(fake.url)
        text, report = shown(run(narration("notes.md")))
        notes.write_text("Bees dance.", "utf-8")
        _, again = shown(run(narration("notes.md")))
    assert text == SAID
    asked = json.loads(fake.requests[0]["messages"][1]["content"])
    assert asked["facts to use, and no others"] == report["passages"]
    assert TYPED in report["passages"][0] + report["passages"][1]
    assert "A bee lives weeks." in " ".join(report["passages"])
    assert report["passages_ranked_by"] == "BM25"
    assert again["passages"] == [f"{TYPED} Bees dance."]  # a changed file is read again


@pytest.mark.parametrize(("refuses", "ranked_by"), [(False, "nomic-embed-text"), (True, "BM25")])
def test_an_ollama_that_embeds_ranks(refuses, ranked_by, run, servers):
    tea = "Tea came to Europe in ships. " * 8
    embedder = FakeEmbedder(models={"nomic-embed-text:latest": 274_000_000})
    embedder.refuses = refuses
    with serving(ANSWER) as fake, embedder:
        servers(fake.url, ollama={"host": embedder.host})
        text = f"{tea}\n\n{TYPED}"
        _, report = shown(run(narration("none", text, topic="insects", seed=refuses)))
    assert report["passages_ranked_by"] == ranked_by
    assert (report["passages"][0] == TYPED) is not refuses


def test_who_cannot_use_it_says_so(run, servers):
    _, report = shown(run(narration("none", llm="MySpinBot_EmbeddedLLM", duration_s=4)))
    assert report["knowledge"] == "ignored: the LLM 'embedded' cannot use facts"
    stage = "An old beekeeper in a garden, looking at the camera."
    with serving(Turn(json.dumps({"stage_prompt": stage}))) as fake:  # asked for a picture only
        servers(fake.url)
        text, report = shown(run(narration("none", narration="My own words.")))
    assert report["stage_prompt_by"] == "openai-compatible tiny"
    assert text == "My own words."
    assert report["knowledge"] == "ignored: the narration is your own"
    with pytest.raises(PromptRejectedError, match="There is no knowledge"):
        run(narration("none", text=" "))


@pytest.mark.parametrize("name", ["../server.log", "../input/../notes.txt", "/etc/hostname"])
def test_no_file_outside_the_input_folder(name, comfy, run, notes):
    (comfy.log.parent / "notes.txt").write_text("Secret.")
    with pytest.raises(PromptRejectedError, match="not in"):
        run(narration(name))
    info = get(comfy, "/object_info/MySpinBot_Knowledge")["MySpinBot_Knowledge"]
    assert info["input"]["required"]["file"][1]["options"] == ["none", "notes.md"]


def test_the_help_page_names_every_input(comfy):
    info = get(comfy, "/object_info/MySpinBot_Knowledge")["MySpinBot_Knowledge"]["input"]
    page = (ROOT / "js" / "docs" / "MySpinBot_Knowledge.md").read_text("utf-8")
    assert all(f"| {field} |" in page for field in info["required"])
