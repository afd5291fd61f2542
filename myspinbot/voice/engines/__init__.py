"""The voice engines there are, and what each of them offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from torch import Tensor, nn

from ...progress import Tick, no_tick
from ...registry import EngineSpec, table
from ...speech import Sentence

if TYPE_CHECKING:
    from ..clip import ReferenceClip
    from ..speaker import SpeakerEncoder
    from ..text.pronunciation import Pronunciations


@dataclass(frozen=True)
class Chunk:
    """One sentence as sound."""

    samples: np.ndarray
    """float32 [1, T], -1..1."""
    rate: int
    """Hz."""
    sentence: Sentence
    """Timed from the start of this chunk; without words when the engine knows no timings."""


@dataclass(frozen=True)
class Learnt:
    """What an engine made of a reference clip."""

    style: Mapping[str, Tensor] = field(default_factory=dict)
    """What `synthesize` needs of the voice, on the CPU, float32."""
    words_per_minute: float | None = None
    """At which the engine speaks with it, pauses included; None: as the clip does."""
    similarity: Mapping[str, float] = field(default_factory=dict)
    """Of each candidate that was tried, by the encoder that the fit optimises."""
    method: str = ""
    """How the voice was made."""


class VoiceEngine(Protocol):
    """Text to speech in a given voice. It uses the device its modules are on."""

    name: str
    version: str
    """Of the weights and what is made of them: another one makes saved sentences stale."""
    sample_rate: int
    languages: tuple[str, ...]
    """Lower-case BCP 47: "en-us", "de"."""

    @classmethod
    def load(cls, folder: Path) -> VoiceEngine:
        """Read the weights in `folder` into CPU memory; raises MissingModelError."""
        ...

    def modules(self) -> list[nn.Module]:
        """What a model manager should own and move."""
        ...

    def learn(
        self,
        clip: ReferenceClip,
        listener: SpeakerEncoder,
        *,
        language: str,
        fit_steps: int = 0,
        tick: Tick = no_tick,
    ) -> Learnt:
        """Make a voice from `clip`; engines that need no fit ignore `listener` and `fit_steps`."""
        ...

    def synthesize(
        self,
        text: str,
        voice: Any,
        *,
        language: str = "en-us",
        speed: float = 1.0,
        seed: int = 0,
        pronunciations: Pronunciations | None = None,
        tick: Tick = no_tick,
    ) -> Chunk:
        """Speak one sentence; `voice` is a VoiceProfile of this engine. Deterministic in `seed`.

        `speed` .5..2 does not change the pitch. Raises BadInputError for text or a language that
        the engine does not speak.
        """
        ...


LANGUAGES = [
    *("en-us", "en-gb", "es", "fr", "it", "pt-br", "de", "pl", "nl", "cs", "hu", "tr", "ru"),
    *("ar", "hi", "zh", "ja", "ko", "sv", "da", "nb", "fi", "uk", "ro", "el", "ca", "vi"),
]
"""What at least one engine speaks."""
AUTOMATIC = "auto"
_ON_A_GPU = ("xtts", "f5", "pocket")
"""What `automatic` prefers there, best first."""

ENGINES = table(
    EngineSpec(
        "kokoro",
        __name__,
        ".kokoro:Kokoro",
        "Apache-2.0",
        files=("kokoro.safetensors", "kokoro-voices.safetensors"),
    ),
    EngineSpec(
        "piper",
        __name__,
        ".piper:Piper",
        "CC0-1.0 (voice joe)",
        requires=("piper", "onnx"),
        install="piper-tts onnx",
        files=("piper/joe.onnx", "piper/joe.onnx.json"),
        option="--extras",
    ),
    EngineSpec(
        "xtts",
        __name__,
        ".xtts:Xtts",
        "CPML 1.0 (non-commercial)",
        requires=("TTS", "torchcodec", "six"),  # it does not bring the last two itself
        install='"coqui-tts[codec]" six',
        files=("xtts_v2/model.pth", "xtts_v2/config.json", "xtts_v2/vocab.json"),
        source="https://huggingface.co/coqui/XTTS-v2",
    ),
    EngineSpec(
        "f5",
        __name__,
        ".f5:F5",
        "CC-BY-NC-4.0 (non-commercial)",
        requires=("f5_tts", "vocos", "rjieba", "pypinyin"),
        install="--no-deps f5-tts==1.1.22 vocos==0.1.0 rjieba pypinyin",
        files=(
            "f5/model_1250000.safetensors",
            "f5/vocab.txt",
            "f5/vocos/config.yaml",
            "f5/vocos/pytorch_model.bin",
        ),
        source="https://huggingface.co/SWivid/F5-TTS (F5TTS_v1_Base), those of f5/vocos from "
        "https://huggingface.co/charactr/vocos-mel-24khz",
    ),
    EngineSpec(
        "pocket",
        __name__,
        ".pocket:Pocket",
        "CC-BY-4.0 (terms of use to be accepted)",
        requires=("pocket_tts",),
        install="pocket-tts",
        files=(
            "pocket/languages/english/model.safetensors",
            "pocket/languages/english/tokenizer.json",
        ),
        source="https://huggingface.co/kyutai/pocket-tts (the weights, after accepting its terms) "
        "and https://huggingface.co/kyutai/pocket-tts-without-voice-cloning (the tokenizer)",
    ),
)


def automatic(folder_of: Callable[[Sequence[str]], Path], on_gpu: bool, language: str) -> str:
    """The best engine that is installed and speaks `language`; the embedded one without a GPU.

    `folder_of(files)`: the folder of weights that should hold them.
    """
    for name in _ON_A_GPU if on_gpu else ():
        row = ENGINES[name]
        usable = not row.missing and not row.absent(folder_of(row.files))
        if usable and language in row.load().languages:
            return name
    return next(iter(ENGINES))
