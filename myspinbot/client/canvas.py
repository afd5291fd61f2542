"""Turn a workflow in code into the editor's own format, laid out in columns."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from .graph import Graph

COLUMN_PX, ROW_GAP_PX, WIDTH_PX = 460, 60, 380
LINE_PX = {"multiline": 130, "widget": 28, "slot": 24, "head": 60}
PREVIEW_PX = {
    "PreviewAny": 180,
    "PreviewImage": 260,
    "LoadImage": 300,
    "LoadAudio": 60,
    "LoadVideo": 280,
    "MySpinBot_SaveTalkingBot": 320,
    "MySpinBot_VoiceProfile": 150,
    "MySpinBot_Speak": 150,
    "MySpinBot_DetectFace": 260,
}
"""Room for what the editor adds to a node: players, pictures, text."""
BYPASSED = 4
"""LiteGraph's mode of a node that is switched off and lets its inputs through."""
WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COMFY_DYNAMICCOMBO_V3"}


def to_canvas(
    graph: Graph,
    object_info: Mapping[str, Any],
    *,
    name: str,
    version: str,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Lay out `graph`; `object_info` describes its node classes; `notes` are Markdown boxes."""
    prompt = graph.nodes
    links: list[list[Any]] = []
    nodes = [_node(int(key), entry, object_info, version) for key, entry in prompt.items()]
    by_id = {node["id"]: node for node in nodes}
    for key, files in graph.models.items():
        by_id[int(key)]["properties"]["models"] = files
    for key in graph.bypassed:
        by_id[int(key)]["mode"] = BYPASSED
    for key, entry in prompt.items():
        for slot in by_id[int(key)]["inputs"]:
            value = entry["inputs"].get(slot["name"])
            if _is_link(value):
                source = by_id[int(value[0])]
                output = source["outputs"][value[1]]
                link = len(links) + 1
                links.append([link, source["id"], value[1], int(key), 0, output["type"]])
                links[-1][4] = by_id[int(key)]["inputs"].index(slot)
                slot["link"] = link
                output["links"].append(link)
    _arrange(nodes, prompt)
    nodes += [_note(len(nodes) + 1 + index, text) for index, text in enumerate(notes)]
    for order, node in enumerate(nodes):
        node["order"] = order
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"comfyui-myspinbot/{name}")),
        "revision": 0,
        "last_node_id": len(nodes),
        "last_link_id": len(links),
        "nodes": nodes,
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


def _is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _declared(info: Mapping[str, Any]) -> list[tuple[str, Any, Mapping[str, Any]]]:
    """(name, type, options) of each input in the order of the editor."""
    found = []
    for group in ("required", "optional"):
        for name, spec in info["input"].get(group, {}).items():
            kind = "COMBO" if isinstance(spec[0], list) else spec[0]
            found.append((name, kind, spec[1] if len(spec) > 1 else {}))
    return found


def _node(number: int, entry: Mapping[str, Any], object_info: Mapping[str, Any], version: str):
    info = object_info[entry["class_type"]]
    inputs, values = [], []
    height = LINE_PX["head"] + PREVIEW_PX.get(entry["class_type"], 0)
    for name, kind, options in _declared(info):
        given = entry["inputs"].get(name)
        slot: dict[str, Any] = {"name": name, "type": kind, "link": None}
        if kind in WIDGET_TYPES and not options.get("forceInput"):
            slot["widget"] = {"name": name}
            values += _widget_values(entry["inputs"], name, options)
            height += LINE_PX["multiline" if options.get("multiline") else "widget"]
        if "widget" not in slot or _is_link(given):
            inputs.append(slot)
    rows = max(sum("widget" not in slot for slot in inputs), len(info["output"]))
    height += rows * LINE_PX["slot"]
    node = {
        "id": number,
        "type": entry["class_type"],
        "pos": [0, 0],
        "size": [WIDTH_PX, height],
        "flags": {},
        "mode": 0,
        "inputs": inputs,
        "outputs": [
            {"name": label, "type": kind, "links": []}
            for label, kind in zip(info["output_name"], info["output"], strict=True)
        ],
        "properties": {"Node name for S&R": entry["class_type"], **_origin(info, version)},
        "widgets_values": values,
    }
    if title := entry.get("_meta", {}).get("title"):
        node["title"] = title
    return node


def _origin(info: Mapping[str, Any], version: str) -> dict[str, str]:
    ours = info["python_module"].startswith("custom_nodes")
    return {"cnr_id": "comfyui-myspinbot", "ver": version} if ours else {"cnr_id": "comfy-core"}


def _widget_values(inputs: Mapping[str, Any], name: str, options: Mapping[str, Any]) -> list[Any]:
    default = options.get("default")
    if default is None and options.get("options"):
        default = options["options"][0]
    given = inputs.get(name, default)
    values = [default if _is_link(given) else given]
    # the children of a dynamic combo follow it, under dotted names
    values += [value for key, value in inputs.items() if key.startswith(name + ".")]
    if remote := options.get("remote"):  # what the editor puts below such a list has values, too
        values += [False] + (["refresh"] if remote.get("refresh_button") else [])
    if options.get("control_after_generate"):
        values.append("fixed")
    return values


def _arrange(nodes: list[dict[str, Any]], prompt: Mapping[str, Any]) -> None:
    depth: dict[str, int] = {}

    def column(key: str) -> int:
        if key not in depth:
            sources = [v[0] for v in prompt[key]["inputs"].values() if _is_link(v)]
            depth[key] = 1 + max((column(source) for source in sources), default=-1)
        return depth[key]

    bottoms: dict[int, int] = {}
    for node in nodes:
        place = column(str(node["id"]))
        node["pos"] = [place * COLUMN_PX, bottoms.get(place, 0)]
        bottoms[place] = node["pos"][1] + node["size"][1] + ROW_GAP_PX


def _note(number: int, text: str) -> dict[str, Any]:
    return {
        "id": number,
        "type": "MarkdownNote",
        "pos": [-COLUMN_PX, 0],
        "size": [WIDTH_PX, 320],
        "flags": {},
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "properties": {},
        # the editor's newer nodes draw code in blue on this brown, which nobody can read
        "widgets_values": [text.replace("`", "**")],
        "color": "#432",
        "bgcolor": "#653",
    }
