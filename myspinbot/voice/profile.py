"""A voice as one file: what an engine speaks with, where it came from, and who agreed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..errors import BadInputError
from ..files import replacing

FORMAT_VERSION = 2
_FORMAT = "myspinbot-voice"
_STYLE, _EMBEDDING = "style.", "embedding"
_LARGEST_BYTES = 256 << 20
"""More than any engine's voice; a stranger's file may not fill the memory."""


@dataclass(frozen=True, eq=False)
class VoiceProfile:
    """What `Speak` needs to speak as somebody."""

    engine: str
    """Which engine's table row understands `style`."""
    engine_version: str
    style: Mapping[str, torch.Tensor]
    """On the CPU; which tensors these are is the engine's business."""
    embedding: torch.Tensor
    """GE2E embedding of the reference, float32 [256]: what takes are compared with."""
    f0_median_hz: float
    """Of the reference; 0: keep the engine's own melody."""
    f0_log_std: float
    """Standard deviation of the natural logarithm of F0."""
    words_per_minute: float
    """At which the engine speaks with this voice, pauses included; for planning a length."""
    transcript: str
    """What is said in the part of the reference that was used."""
    consent: str
    """Who agreed to this use of the voice, in the user's words."""
    source_sha256: str
    """Of the samples that were used."""
    language: str = "en-us"
    """Of the reference, and what `Speak` speaks unless told otherwise."""
    similarity: Mapping[str, float] = field(default_factory=dict)
    """Of each candidate, by the encoder that the fit optimises: optimistic."""
    method: str = ""
    """How the engine made it, e.g. "blend"."""

    def fingerprint(self) -> str:
        """Hex digest of all that can be heard of this voice."""
        digest = hashlib.sha256(f"{self.engine} {self.engine_version}".encode())
        for name, tensor in sorted(self.style.items()):
            digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
            flat = tensor.detach().cpu().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def save(self, path: str | Path) -> None:
        """Write one safetensors file."""
        facts = {f.name: getattr(self, f.name) for f in _FACTS}
        facts |= {"similarity": dict(self.similarity), "format_version": FORMAT_VERSION}
        # One key only: safetensors writes several in random order, and bytes should be repeatable.
        metadata = {_FORMAT: json.dumps(facts, sort_keys=True)}
        tensors = {_STYLE + name: tensor for name, tensor in self.style.items()}
        tensors[_EMBEDDING] = self.embedding
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        with replacing(path) as partial:
            save_file(tensors, partial, metadata)

    @classmethod
    def load(cls, path: str | Path) -> VoiceProfile:
        """Read a file that `save` wrote: data from strangers, of which no code is ever run.

        Raises BadInputError saying which of file, format, version or value does not fit.
        """
        name = Path(path).name
        facts, tensors = _read(Path(path))
        try:
            embedding = tensors.pop(_EMBEDDING)
            style = {key.removeprefix(_STYLE): tensor for key, tensor in tensors.items()}
            profile = cls(style=style, embedding=embedding, **facts)
        except (TypeError, KeyError) as error:
            raise BadInputError(f"{name} is a damaged voice profile ({error}).") from error
        if wrong := profile._wrong():
            raise BadInputError(f"{name} is a damaged voice profile: {wrong}.")
        return profile

    def _wrong(self) -> str:
        """What of the values cannot be; "" if all can."""
        for fact in _FACTS:
            value, wanted = getattr(self, fact.name), _TYPES[str(fact.type)]
            if not isinstance(value, wanted) or isinstance(value, bool):
                return f"{fact.name} is {value!r}"
        if not all(isinstance(v, int | float) for v in self.similarity.values()):
            return f"similarity is {self.similarity!r}"
        numbers = (self.f0_median_hz, self.f0_log_std, self.words_per_minute)
        if not all(math.isfinite(number) and 0 <= number < 2000 for number in numbers):
            return f"pitch and pace are {numbers}"
        if self.words_per_minute < 1:
            return f"words_per_minute is {self.words_per_minute}"
        if self.embedding.shape != (256,):
            return f"its embedding has the shape {tuple(self.embedding.shape)}"
        tensors = [self.embedding, *self.style.values()]
        if not all(bool(torch.isfinite(t).all()) for t in tensors if t.is_floating_point()):
            return "it holds NaN or infinite numbers"
        return ""


_FACTS = tuple(f for f in fields(VoiceProfile) if f.name not in ("style", "embedding"))
_TYPES: dict[str, Any] = {
    "str": str,
    "float": (int, float),
    "Mapping[str, float]": dict,
}


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The facts and the tensors of a profile in today's format."""
    name = path.name
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise BadInputError(f"{name} is too large for a voice: choose another file.")
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            # A copy: a tensor of the mapped file would keep Windows from overwriting it.
            tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BadInputError(f"{name} cannot be read as a voice ({error}).") from error
    if _FORMAT not in metadata:
        raise BadInputError(f"{name} is no voice profile: choose a file made by Save Voice.")
    try:
        facts = dict(json.loads(metadata[_FORMAT]))
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{name} is a damaged voice profile ({error}).") from error
    version = facts.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise BadInputError(
            f"{name} has format version {version}, this pack reads {FORMAT_VERSION}: "
            "update MySpinBot or make the voice again."
        )
    return facts, tensors
