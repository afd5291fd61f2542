"""A voice as one small file: the style an engine speaks with, its origin, and who agreed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..errors import BadInputError
from ..files import replacing

FORMAT_VERSION = 1
_FORMAT = "myspinbot-voice"


@dataclass(frozen=True, eq=False)
class VoiceProfile:
    """What `Speak` needs to speak as somebody."""

    engine: str
    """Which engine's table row understands `style`."""
    style: Mapping[str, torch.Tensor]
    """On the CPU, float32; which tensors these are is the engine's business."""
    f0_median_hz: float
    """Of the reference; 0: keep the engine's own melody."""
    f0_log_std: float
    """Standard deviation of the natural logarithm of F0."""
    words_per_minute: float
    """At which the engine speaks with this voice, pauses included; for planning a length."""
    transcript: str
    """Of the reference."""
    consent: str
    """Who agreed to this use of the voice, in the user's words."""
    source_sha256: str
    """Of the reference's samples."""
    language: str = "en-us"
    similarity: Mapping[str, float] = field(default_factory=dict)
    """Of each candidate, by the encoder that the fit optimises: optimistic."""
    method: str = ""
    """Which candidate won: "nearest", "blend" or "fitted"."""

    def save(self, path: str | Path) -> None:
        """Write one safetensors file."""
        facts = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("style", "similarity")
        }
        facts |= {"similarity": dict(self.similarity), "format_version": FORMAT_VERSION}
        # One key only: safetensors writes several in random order, and bytes should be repeatable.
        metadata = {_FORMAT: json.dumps(facts, sort_keys=True)}
        style = {name: tensor.detach().cpu().contiguous() for name, tensor in self.style.items()}
        with replacing(path) as partial:
            save_file(style, partial, metadata)

    @classmethod
    def load(cls, path: str | Path, engine: str = "") -> VoiceProfile:
        """Read a file that `save` wrote; `engine`, if given, must be the one it was made for.

        Raises BadInputError saying which of file, format, version or engine does not fit.
        """
        name = Path(path).name
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                # A copy: a tensor of the mapped file would keep Windows from overwriting it.
                style = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise BadInputError(f"{name} cannot be read as a voice ({error}).") from error
        if _FORMAT not in metadata:
            raise BadInputError(f"{name} is no voice profile: choose a file made by Save Voice.")
        try:
            facts = dict(json.loads(metadata[_FORMAT]))
            version = facts.pop("format_version", None)
            if version != FORMAT_VERSION:
                raise BadInputError(
                    f"{name} has format version {version}, this pack reads {FORMAT_VERSION}: "
                    "update MySpinBot or make the voice again."
                )
            profile = cls(style=style, **facts)
        except (TypeError, json.JSONDecodeError) as error:
            raise BadInputError(f"{name} is a damaged voice profile ({error}).") from error
        if engine and profile.engine != engine:
            raise BadInputError(
                f"{name} was made for the {profile.engine} engine, not for {engine}: choose that "
                "engine or make the voice again."
            )
        return profile
