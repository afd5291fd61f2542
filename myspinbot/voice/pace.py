"""How fast somebody speaks, compared with how fast the engine would."""

from __future__ import annotations

from collections.abc import Callable

from .text.sentences import split_sentences

SLOWEST, FASTEST = 0.8, 1.25
"""Beyond these a changed speed sounds like one."""
_PLAUSIBLE = (0.5, 2.0)
"""Beyond these the transcript is not what the clip says, and teaches no pace."""
PAUSE_S = 0.3
"""Between two sentences."""
SAMPLE = (
    "Let me tell you about something that I have thought about for a long time. At first it looks "
    "simple, and most people never give it a second look. But the longer you watch, the more there "
    "is to see, and that is what I like about it."
)
"""A narration as the bot writes them, to learn the words per minute of a voice from."""


def match(
    sounding_s: Callable[[str], float], transcript: str, speech_s: float
) -> tuple[float, float]:
    """The speed at which an engine says `transcript` in `speech_s` seconds, and its words a minute.

    `sounding_s` tells how many seconds of sound the engine makes of a sentence at speed 1.
    `speech_s` counts no pause over 0.3 s: the engine makes no longer one inside a sentence. The
    speed stays within SLOWEST..FASTEST, and is 1 for a transcript that cannot be the clip's.
    """
    ratio = sum(sounding_s(part) for part in split_sentences(transcript)) / speech_s
    plausible = _PLAUSIBLE[0] <= ratio <= _PLAUSIBLE[1]
    pace = min(max(ratio, SLOWEST), FASTEST) if plausible else 1.0
    sample_s = sum(sounding_s(part) / pace + PAUSE_S for part in split_sentences(SAMPLE))
    return pace, 60 * len(SAMPLE.split()) / sample_s
