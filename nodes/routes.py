"""What agents, tools and the doctor can ask over HTTP."""

from collections.abc import Sequence

from comfy_api.latest import io

from ..myspinbot import __version__
from ..myspinbot.models import MODELS
from ..myspinbot.narrative.engines import ENGINES as LLMS
from ..myspinbot.voice.engines import ENGINES as VOICES
from . import host


def register(nodes: Sequence[type[io.ComfyNode]]) -> None:
    host.serve("capabilities", lambda: capabilities(nodes))
    host.serve("doctor", doctor)


def capabilities(nodes: Sequence[type[io.ComfyNode]]) -> dict:
    """Which nodes and engines there are, and whether each engine can be used right now."""
    schemas = [node.GET_SCHEMA() for node in nodes]
    return {
        "version": __version__,
        "nodes": [
            {"id": s.node_id, "name": s.display_name, "description": s.description} for s in schemas
        ],
        "engines": {
            noun: {
                name: {"licence": row.licence, "missing_packages": list(row.missing)}
                for name, row in rows.items()
            }
            for noun, rows in {"narrative": LLMS, "voice": VOICES}.items()
        },
        "weights_complete": not doctor()["missing_weights"],
    }


def doctor() -> dict:
    """What is missing, and the command that brings it."""
    folder = host.weights()
    missing = [model.file for model in MODELS if not (folder / model.file).is_file()]
    return {
        "version": __version__,
        "weights_folder": str(folder),
        "missing_weights": missing,
        "advice": "Run: python install.py, in the pack's folder" if missing else "",
    }
