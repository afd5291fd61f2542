"""Writes every workflow of the pack: `python -m workflows.build [--snapshot URL]`.

Each workflow is a function of a module beside this one; it becomes api/<name>.json (to queue) and
<name>.json (to open).
"""

from __future__ import annotations

import argparse
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from myspinbot import __version__
from myspinbot.client.canvas import to_canvas
from myspinbot.client.graph import Graph
from workflows import finishing, lip_sync, lora, portraits, talking_bots, video_models

FOLDER = Path(__file__).parent
SNAPSHOT = FOLDER.parent / "tests" / "data" / "object_info.json"
"""What ComfyUI 0.30.0 says of the node classes that the workflows use."""
MODEL_INPUTS = {
    "audio_encoder_name",
    "ckpt_name",
    "clip_name",
    "clip_name1",
    "clip_name2",
    "lora_name",
    "model_name",
    "name",
    "unet_name",
    "vae_name",
}
"""Inputs of core's loaders, and of ours, that list what lies in a folder of models."""

WORKFLOWS: tuple[Callable[[], tuple[Graph, str]], ...] = (
    talking_bots.talking_bot,
    talking_bots.talking_bot_stages,
    talking_bots.talking_bot_ollama,
    talking_bots.clone_voice,
    portraits.portrait_from_prompt,
    lora.train_identity_lora,
    portraits.portrait_with_lora,
    lip_sync.lipsync_video,
    finishing.finish_video,
    video_models.talking_bot_infinitetalk,
    video_models.talking_bot_s2v,
)


def render() -> dict[Path, str]:
    """Every file this script owns, with its content."""
    info = json.loads(SNAPSHOT.read_text("utf-8"))
    files = {}
    for workflow in WORKFLOWS:
        name = workflow.__name__
        graph, note = workflow()
        canvas = to_canvas(graph, info, name=name, version=__version__, notes=[note])
        files[FOLDER / "api" / f"{name}.json"] = _json(graph.queued())
        files[FOLDER / f"{name}.json"] = _json(canvas)
    return files


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def snapshot(url: str) -> None:
    """Store what the server at `url` says of the classes that the workflows use."""
    used = {node["class_type"] for build in WORKFLOWS for node in build()[0].nodes.values()}
    with urllib.request.urlopen(f"{url}/object_info") as answer:
        info = json.load(answer)
    kept = {name: stable(info[name]) for name in sorted(used)}
    SNAPSHOT.parent.mkdir(exist_ok=True)
    SNAPSHOT.write_text(_json(kept), "utf-8")


def stable(info: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from server to server: the pack's folder name and the user's files."""
    text = json.dumps(info)
    module = info["python_module"]
    if module.startswith("custom_nodes."):
        text = text.replace(module, "custom_nodes.MySpinBot")
    clean = json.loads(text)
    for group in clean["input"].values():
        for name, spec in group.items():
            options = spec[1] if len(spec) > 1 else {}
            model = name in MODEL_INPUTS and (spec[0] == "COMBO" or isinstance(spec[0], list))
            if model or any(key.endswith("_upload") for key in options):
                options.pop("options", None)
                options.pop("default", None)
                if isinstance(spec[0], list):
                    spec[0] = []
    return clean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshot", metavar="URL", help="first take a snapshot of this server")
    options = parser.parse_args()
    if options.snapshot:
        snapshot(options.snapshot)
    for path, text in render().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        print(path.relative_to(FOLDER.parent))


if __name__ == "__main__":
    main()
