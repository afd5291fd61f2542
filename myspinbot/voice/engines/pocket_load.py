"""Reads Pocket TTS from a user's folder: local files only, which its library alone would fetch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from safetensors import SafetensorError

from ...errors import MissingDependencyError, MissingModelError
from .guest import unnoticed

WEIGHTS, TOKENIZER, CONFIG = "model.safetensors", "tokenizer.json", "config.yaml"
WEIGHTS_PAGE = "https://huggingface.co/kyutai/pocket-tts"
TOKENIZER_PAGE = "https://huggingface.co/kyutai/pocket-tts-without-voice-cloning"


def library() -> Any:
    """The package `pocket_tts`, whose import sets torch to one thread for the whole process."""
    with unnoticed():
        try:
            return import_module("pocket_tts")
        except (ImportError, OSError) as error:
            raise MissingDependencyError(
                f"pocket-tts cannot be imported ({error}): install it again."
            ) from error


def load_model(folder: Path) -> Any:
    """The library's `TTSModel` from a folder named like a language model of the library's.

    It holds model.safetensors and tokenizer.json; a model that the library does not know has its
    config.yaml there, too. Raises MissingModelError and MissingDependencyError.
    """
    tts = library().TTSModel
    with unnoticed(), TemporaryDirectory() as scratch:
        config = Path(scratch) / CONFIG
        try:
            json.loads((folder / TOKENIZER).read_bytes())  # its own error has no class
            config.write_text(yaml.safe_dump(_settings(folder)), encoding="utf-8")
            model = tts.load_model(config=config)
        except (
            *(OSError, SafetensorError, RuntimeError, AssertionError),
            *(yaml.YAMLError, ValueError, TypeError, KeyError),
        ) as error:
            raise MissingModelError(
                f"The Pocket TTS weights in {folder} are damaged or do not belong together "
                f"({str(error)[:200]}): fetch {WEIGHTS} from {WEIGHTS_PAGE} and {TOKENIZER} from "
                f"{TOKENIZER_PAGE} again, and install the newest pocket-tts."
            ) from error
    if not next(model.mimi.encoder.parameters()).any():
        raise MissingModelError(
            f"{folder / WEIGHTS} cannot learn voices: it is the one of {TOKENIZER_PAGE}. Accept "
            f"the terms at {WEIGHTS_PAGE} and fetch the one there."
        )
    model.max_decoder_frames_per_call = 1  # more would depend on how fast its two threads are
    return model


def _settings(folder: Path) -> Mapping[str, Any]:
    """The model's configuration, with paths of local files."""
    own = folder / CONFIG
    known = Path(library().__file__).parent / "config" / f"{folder.name}.yaml"
    settings = yaml.safe_load((own if own.is_file() else known).read_text(encoding="utf-8"))
    settings["weights_path"] = str(folder / WEIGHTS)
    settings["weights_path_without_voice_cloning"] = None
    settings["flow_lm"]["weights_path"] = settings["mimi"]["weights_path"] = None
    settings["flow_lm"]["lookup_table"] |= {
        "tokenizer": "tokenizers",
        "tokenizer_path": str(folder / TOKENIZER),
    }
    return settings
