"""What nodes hear: the words of a recording, and how alike two voices are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..myspinbot.audio import Audio
from ..myspinbot.errors import BadInputError, MissingDependencyError, MissingModelError
from ..myspinbot.progress import Tick
from ..myspinbot.quality.engines import ENGINES as RECOGNISERS
from . import host

GE2E_FILE = "ge2e.safetensors"
HELD_OUT_FILE = "dvector.safetensors"
ANOTHER_PERSON = 0.37
"""Mean cosine of two people by the held-out encoder."""


def load_listener() -> host.Managed:
    """The speaker encoder that voices are fitted with."""
    from ..myspinbot.voice.speaker import SpeakerEncoder

    return host.Managed(lambda: SpeakerEncoder.load(host.weights() / GE2E_FILE))


def load_held_out() -> host.Managed:
    """The speaker encoder that nothing is fitted to: reports quote it."""
    from ..myspinbot.quality.similarity import HeldOutEncoder

    return host.Managed(lambda: HeldOutEncoder.load(host.weights() / HELD_OUT_FILE))


def load_recogniser() -> tuple[str, Any]:
    """Name and engine of the first speech recogniser that is installed.

    Raises MissingDependencyError or MissingModelError, with what to do about the first one.
    """
    usable = (r for r in RECOGNISERS.values() if not r.missing and not r.absent(host.weights()))
    row = next(usable, next(iter(RECOGNISERS.values())))
    return row.name, row.open(host.weights())


def transcribed(audio: Audio, text: str, language: str, tick: Tick) -> tuple[str, str]:
    """`text`, or if that is empty what is heard in `audio`, and by which recogniser ("": none)."""
    if text.strip():
        return text, ""
    try:
        name, recogniser = load_recogniser()
    except (MissingDependencyError, MissingModelError) as error:
        raise BadInputError(
            "The transcript is empty: type the words that are said, or let a speech recogniser "
            f"hear them. {error}"
        ) from error
    heard = recogniser.transcribe(audio, language, tick)
    if not heard.strip():
        raise BadInputError(
            f"The transcript is empty, and {name} hears no words: type what is said."
        )
    return heard, name


def likeness(encoder: Any, clip: Audio, sample: Audio, tick: Tick) -> dict[str, float]:
    """How alike `sample` is to `clip`, beside the most and the least that can be expected."""
    middle = clip.samples.shape[1] // 2
    halves = [
        Audio(part, clip.rate) for part in (clip.samples[:, :middle], clip.samples[:, middle:])
    ]
    return {
        "to_the_clip": round(encoder.cosine(clip, sample, tick), 3),
        "two_halves_of_the_clip": round(encoder.cosine(*halves, tick), 3),
        "another_person": ANOTHER_PERSON,
    }


def take_judge(
    listener: Any, voice: Any, language: str, tick: Tick
) -> Callable[[Audio, str], float]:
    """Prefer right words (if a recogniser is installed), then likeness to the reference."""
    from ..myspinbot.quality.takes import judge
    from ..myspinbot.voice.speaker import embed

    try:
        recogniser = load_recogniser()[1]
    except (MissingDependencyError, MissingModelError):
        recogniser = None
    tell = host.metrics().quality
    return judge(lambda a: embed(listener, a), voice.embedding, recogniser, language, tick, tell)
