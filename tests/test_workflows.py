"""The shipped workflow files are what workflows/build.py writes, and fit the declared nodes."""

import json

import pytest

from workflows import build

INFO = json.loads(build.SNAPSHOT.read_text("utf-8"))
FILES = build.render()
API = [path for path in FILES if path.parent.name == "api"]


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
                assert specs[name][0] in (source["output"][value[1]], "*")


@pytest.mark.parametrize("path", [p for p in FILES if p.parent.name != "api"], ids=lambda p: p.name)
def test_canvas_has_a_slot_for_every_link(path):
    canvas = json.loads(path.read_text("utf-8"))
    nodes = {node["id"]: node for node in canvas["nodes"]}
    api = json.loads((path.parent / "api" / path.name).read_text("utf-8"))
    wanted = sum(isinstance(v, list) for node in api.values() for v in node["inputs"].values())
    assert len(canvas["links"]) == wanted
    for number, source, slot, target, entry, kind in canvas["links"]:
        assert number in nodes[source]["outputs"][slot]["links"]
        assert nodes[target]["inputs"][entry]["link"] == number
        assert nodes[target]["inputs"][entry]["type"] in (kind, "*")
