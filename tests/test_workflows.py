"""The shipped workflow files are what workflows/build.py writes, and fit the declared nodes."""

import json

import pytest

from myspinbot.client.canvas import to_canvas
from myspinbot.client.graph import Graph
from workflows import build

INFO = json.loads(build.SNAPSHOT.read_text("utf-8"))
FILES = build.render()
API = [path for path in FILES if path.parent.name == "api"]


def accepts(wanted, given):
    """Whether an input takes an output; an input may name several types."""
    return wanted == "*" or given in wanted.split(",")


@pytest.mark.parametrize("path", list(FILES), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_files_are_regenerated(path):
    assert path.read_text("utf-8") == FILES[path], "run: python -m workflows.build"


def test_no_stray_files():
    found = {*build.FOLDER.glob("*.json"), *build.FOLDER.glob("api/*.json")}
    assert found == set(FILES)


@pytest.mark.parametrize("path", API, ids=lambda p: p.name)
def test_inputs_are_declared_and_complete(path):
    for node in json.loads(path.read_text("utf-8")).values():
        declared = INFO[node["class_type"]]["input"]
        required, optional = declared.get("required", {}), declared.get("optional", {})
        assert set(required) <= set(node["inputs"])
        assert set(node["inputs"]) <= set(required) | set(optional)


@pytest.mark.parametrize("path", API, ids=lambda p: p.name)
def test_links_join_equal_types(path):
    prompt = json.loads(path.read_text("utf-8"))
    for node in prompt.values():
        declared = INFO[node["class_type"]]["input"]
        specs = {**declared.get("required", {}), **declared.get("optional", {})}
        for name, value in node["inputs"].items():
            if isinstance(value, list):
                source = INFO[prompt[value[0]]["class_type"]]
                assert accepts(specs[name][0], source["output"][value[1]])


@pytest.mark.parametrize("workflow", build.WORKFLOWS, ids=lambda w: w.__name__)
def test_canvas_has_a_slot_for_every_link(workflow):
    graph, _ = workflow()
    canvas = json.loads(FILES[build.FOLDER / f"{workflow.__name__}.json"])
    nodes = {node["id"]: node for node in canvas["nodes"]}
    wanted = [v for node in graph.nodes.values() for v in node["inputs"].values()]
    assert len(canvas["links"]) == sum(isinstance(value, list) for value in wanted)
    for number, source, slot, target, entry, kind in canvas["links"]:
        assert number in nodes[source]["outputs"][slot]["links"]
        assert nodes[target]["inputs"][entry]["link"] == number
        assert accepts(nodes[target]["inputs"][entry]["type"], kind)


@pytest.mark.parametrize(
    ("name", "files"),
    [("talking_bot_infinitetalk", 7), ("talking_bot_s2v", 4), ("lipsync_video", 1)],
)
def test_every_model_of_a_video_workflow_is_offered_for_download(name, files):
    canvas = json.loads(FILES[build.FOLDER / f"{name}.json"])
    loaders = [node for node in canvas["nodes"] if node["type"].endswith(("Loader", "ModelOnly"))]
    switched_on = [node for node in loaders if node.get("mode", 0) == 0]
    assert len(switched_on) == files
    for node in switched_on:
        (file,) = node["properties"]["models"]
        assert file["name"] in node["widgets_values"]
        assert file["url"].startswith("https://huggingface.co/")
        assert file["url"].endswith(f"/{file['name']}")


def test_a_bypassed_node_lets_its_inputs_through():
    graph = Graph()
    base = graph.add("CheckpointLoaderSimple", ckpt_name="base.safetensors")
    lora = graph.add("LoraLoader", model=base, clip=base.out(1), lora_name="me.safetensors")
    again = graph.add("LoraLoader", model=lora, clip=lora.out(1), lora_name="me.safetensors")
    text = graph.add("CLIPTextEncode", clip=again.out(1), text="a face")
    graph.bypass(lora, "model", "clip")
    graph.bypass(again, "model", "clip")
    queued = graph.queued()
    assert set(queued) == {base.id, text.id}
    assert queued[text.id]["inputs"]["clip"] == base.out(1)


def test_the_editor_gets_download_links_and_switched_off_nodes():
    info = {
        name: {"input": {}, "output": [], "output_name": [], "python_module": "nodes"}
        for name in ("A", "B")
    }
    graph = Graph()
    graph.offer(graph.add("A"), "a.safetensors", "https://example.org/a", "checkpoints")
    graph.bypass(graph.add("B"))
    first, second = to_canvas(graph, info, name="x", version="1")["nodes"]
    assert first["properties"]["models"][0]["directory"] == "checkpoints"
    assert (first["mode"], second["mode"]) == (0, 4)
