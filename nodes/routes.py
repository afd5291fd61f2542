"""What agents, tools and the doctor can ask over HTTP."""

from collections.abc import Sequence

from comfy_api.latest import io

from ..myspinbot import __version__
from ..myspinbot.errors import BadInputError
from ..myspinbot.models import MODELS
from ..myspinbot.narrative.engines import ENGINES as LLMS
from ..myspinbot.quality.engines import ENGINES as RECOGNISERS
from ..myspinbot.registry import EngineSpec
from ..myspinbot.voice.engines import ENGINES as VOICES
from . import dubbing, host, ollama


def register(nodes: Sequence[type[io.ComfyNode]]) -> None:
    host.serve("capabilities", lambda: capabilities(nodes))
    host.serve("doctor", doctor)
    host.serve("voices", voices)
    host.serve("ollama/models", ollama.models)
    operator = host.instrumentation.token()
    host.serve_operator("metrics", host.instrumentation.scrape, operator)
    host.serve_operator("history", host.instrumentation.archive().answer, operator)


def capabilities(nodes: Sequence[type[io.ComfyNode]]) -> dict:
    """Which nodes and engines there are, and whether each engine can be used right now."""
    schemas = [s for node in nodes if not (s := node.GET_SCHEMA()).is_dev_only]
    return {
        "version": __version__,
        "nodes": [
            {"id": s.node_id, "name": s.display_name, "description": s.description} for s in schemas
        ],
        "engines": {
            noun: {name: _state(row) for name, row in rows.items()}
            for noun, rows in {"narrative": LLMS, "voice": VOICES, "asr": RECOGNISERS}.items()
        }
        | {"lipsync": dubbing.engines()},
        "weights_complete": not doctor()["missing_weights"],
    }


def _state(row: EngineSpec) -> dict:
    absent = row.absent(host.weights(row.files))
    return {
        "licence": row.licence,
        "missing_packages": list(row.missing),
        "missing_files": list(absent),
        "usable": not row.missing and not absent,
    }


def voices() -> dict:
    """The saved voices, and whose they are."""
    from ..myspinbot.voice.profile import VoiceProfile

    facts = ("engine", "language", "consent", "method", "words_per_minute", "f0_median_hz")
    found = []
    for name in host.files(host.VOICES):
        try:
            profile = VoiceProfile.load(host.inside(host.VOICES, name, ".safetensors"))
            found.append({"name": name, **{fact: getattr(profile, fact) for fact in facts}})
        except BadInputError as error:
            found.append({"name": name, "error": str(error)})
    return {"voices": found}


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
