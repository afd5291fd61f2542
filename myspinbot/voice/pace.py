"""How fast somebody speaks, compared with how fast the engine would."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from .sentences import split_sentences

SLOWEST, FASTEST = 0.8, 1.25
"""Beyond these a changed speed sounds like one."""
PAUSE_S = 0.3
"""Between two sentences."""
SAMPLE = (
    "Let me tell you about something that I have thought about for a long time. At first it looks "
    "simple, and most people never give it a second look. But the longer you watch, the more there "
    "is to see, and that is what I like about it."
)
"""A narration as the bot writes them, to learn the words per minute of a voice from."""


class Rhythm(Protocol):
    """An engine that can tell how long a sentence takes without speaking it."""

    def sounding_s(self, text: str, style: Tensor) -> float: ...


def match(engine: Rhythm, style: Tensor, transcript: str, speech_s: float) -> tuple[float, float]:
    """The speed at which `engine` says `transcript` in `speech_s` seconds, and its words a minute.

    `speech_s` counts sound only. The speed stays within SLOWEST..FASTEST.
    """
    predicted_s = sum(engine.sounding_s(part, style) for part in split_sentences(transcript))
    pace = min(max(predicted_s / speech_s, SLOWEST), FASTEST) if predicted_s else 1.0
    sentences = split_sentences(SAMPLE)
    sample_s = sum(engine.sounding_s(part, style) / pace + PAUSE_S for part in sentences)
    return pace, 60 * len(SAMPLE.split()) / sample_s
