"""The voice engines there are, and what each of them offers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import nn

from ...progress import Tick, no_tick
from ...registry import EngineSpec, table
from ...speech import Sentence


@dataclass(frozen=True)
class Chunk:
    """One sentence as sound."""

    samples: np.ndarray
    """float32 [1, T], -1..1."""
    rate: int
    """Hz."""
    sentence: Sentence
    """Timed from the start of this chunk."""


class VoiceEngine(Protocol):
    """Text to speech in a given voice. It uses the device its modules are on."""

    name: str
    sample_rate: int
    languages: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path) -> VoiceEngine:
        """Read the weights in `folder` into CPU memory; raises MissingModelError."""
        ...

    def modules(self) -> list[nn.Module]:
        """What a model manager should own and move."""
        ...

    def synthesize(
        self, text: str, voice: Any, *, speed: float = 1.0, seed: int = 0, tick: Tick = no_tick
    ) -> Chunk:
        """Speak one sentence; `voice` is the engine's kind of profile. Deterministic in `seed`."""
        ...


ENGINES = table(EngineSpec("kokoro", __name__, ".kokoro:Kokoro", licence="Apache-2.0"))
