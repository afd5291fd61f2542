"""The nets that draw mouths into existing pictures, and which files each of them needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from torch import Tensor, nn

from ...errors import BadInputError, MissingModelError

if TYPE_CHECKING:
    from ...audio import Audio
    from ...face import Face
    from ..paste import Cut

FOLDER = "spinbot_lipsync"
"""Below ComfyUI's models folder, or where extra_model_paths.yaml says."""
SUFFIXES: tuple[str, ...] = (".safetensors", ".sft", ".pth", ".pt", ".bin")
"""Of files of weights."""


class Sound(Protocol):
    """An audio as a net hears it."""

    @property
    def silence(self) -> np.ndarray:
        """What is heard where there is no sound, float32, the shape of what `at` gives."""
        ...

    def at(self, time_s: float) -> np.ndarray:
        """What is heard of the frame that is shown from `time_s` on, float32."""
        ...


class LipSyncEngine(Protocol):
    """Draws mouths. It uses the device its modules are on."""

    name: str
    crop_px: int
    """Side of the squares it draws."""

    def modules(self) -> list[nn.Module]:
        """What a model manager should own and move."""
        ...

    @property
    def batch(self) -> int:
        """How many frames at once are good on the device it is on."""
        ...

    def cut(self, face: Face) -> Cut:
        """Where in the frame its square lies."""
        ...

    def listen(self, audio: Audio) -> Sound:
        """Make `audio` ready to be heard at any time."""
        ...

    def draw(self, faces: np.ndarray, heard: np.ndarray) -> np.ndarray:
        """Squares uint8 [B, S, S, 3] RGB (or one for all) and what is heard -> squares [B, ...]."""
        ...


@dataclass(frozen=True)
class Part:
    """A file that a net needs beside its own weights."""

    what: str
    names: tuple[str, ...]
    """Below FOLDER; any of them will do."""
    source: str


@dataclass(frozen=True)
class LipSyncSpec:
    """One row of the table of engines."""

    licence: str
    """Of the published weights."""
    source: str
    """Where a user gets them."""
    parts: tuple[Part, ...] = ()


ENGINES: Mapping[str, LipSyncSpec] = {
    "wav2lip": LipSyncSpec(
        "research and personal use only",
        "https://github.com/Rudrabha/Wav2Lip (wav2lip_gan.pth or wav2lip.pth)",
    ),
    "musetalk": LipSyncSpec(
        "MIT",
        "https://huggingface.co/TMElyralab/MuseTalk (musetalkV15/unet.pth)",
        (
            Part(
                "the image codec",
                (
                    "sd-vae/diffusion_pytorch_model.safetensors",
                    "sd-vae/diffusion_pytorch_model.bin",
                    "sd-vae-ft-mse/diffusion_pytorch_model.safetensors",
                    "sd-vae-ft-mse/diffusion_pytorch_model.bin",
                ),
                "https://huggingface.co/stabilityai/sd-vae-ft-mse (MIT)",
            ),
            Part(
                "Whisper",
                ("whisper/model.safetensors", "whisper/pytorch_model.bin", "whisper/tiny.pt"),
                "https://huggingface.co/openai/whisper-tiny (MIT)",
            ),
        ),
    ),
}
PART_FOLDERS = frozenset(
    name.split("/")[0] for row in ENGINES.values() for part in row.parts for name in part.names
)
"""What lies in them is no choice of its own."""

Find = Callable[[tuple[str, ...]], Path | None]
"""Where the first of some names lies below FOLDER."""


def engine_of(tensors: Mapping[str, Tensor]) -> str | None:
    """Which engine weights with these names are for; None: for no one that is known."""
    from .musetalk import MuseTalk
    from .wav2lip import Wav2Lip

    return next((e.name for e in (Wav2Lip, MuseTalk) if e.recognises(tensors)), None)


def missing_parts(name: str, find: Find) -> list[Part]:
    """What engine `name` needs beside its weights, and is not there."""
    return [part for part in ENGINES[name].parts if find(part.names) is None]


def open_engine(
    path: Path,
    find: Find,
    make_unet: Callable[[Mapping[str, Tensor]], nn.Module],
    make_codec: Callable[[Mapping[str, Tensor]], nn.Module],
) -> LipSyncEngine:
    """Read the weights in `path` and what belongs to them, whichever engine they are for.

    `make_unet` and `make_codec` build nets of Stable Diffusion 1's kind from their published
    tensors. Raises MissingModelError for files that are absent or damaged, and BadInputError for
    those that no engine here can use.
    """
    from .checkpoint import read_tensors
    from .musetalk import MuseTalk
    from .wav2lip import Wav2Lip

    tensors = read_tensors(path)
    name = engine_of(tensors)
    if name is None:
        some = ", ".join(list(tensors)[:3])
        raise BadInputError(
            f"{path.name} is for no lip-sync net that is known here (it begins with {some}). Use "
            + " or ".join(f"{name}: {row.source}" for name, row in ENGINES.items())
        )
    if missing := missing_parts(name, find):
        needs = "; ".join(f"{part.what} as {part.names[0]}, from {part.source}" for part in missing)
        raise MissingModelError(f"The {name} engine also needs, in models/{FOLDER}: {needs}.")
    if name == Wav2Lip.name:
        return Wav2Lip.from_tensors(tensors)
    files = [find(part.names) for part in ENGINES[name].parts]
    codec, whisper = (read_tensors(file) for file in files if file is not None)
    return MuseTalk.from_tensors(tensors, codec, whisper, make_unet, make_codec)
