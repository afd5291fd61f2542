"""What voice engines check before they speak, so that all of them refuse it in the same words."""

from __future__ import annotations

import unicodedata

from ...errors import BadInputError
from ..profile import VoiceProfile
from ..text.pronunciation import NONE, Pronunciations
from . import VoiceEngine

_SPEED = (0.5, 2.0)


def check_speed(speed: float) -> None:
    """Raise BadInputError unless `speed` is one of .5..2."""
    if not _SPEED[0] <= speed <= _SPEED[1]:
        raise BadInputError(f"speed {speed} is outside {_SPEED[0]}..{_SPEED[1]}.")


def check_language(engine: VoiceEngine, language: str) -> None:
    """Raise BadInputError, with what can be chosen, unless `engine` speaks `language`."""
    if language not in engine.languages:
        raise BadInputError(
            f"The {engine.name} engine does not speak {language!r}: choose one of "
            f"{', '.join(engine.languages)}, or another engine."
        )


def check_latin(text: str, reader: str) -> None:
    """Raise BadInputError, in the name of `reader`, if most letters of `text` are not Latin."""
    letters = [c for c in text if c.isalpha()]
    if 2 * sum("LATIN" in unicodedata.name(c, "") for c in letters) < len(letters):
        raise BadInputError(f"{reader} reads Latin letters only, not {text!r}: translate it.")


def respelled(text: str, pronunciations: Pronunciations | None) -> str:
    """`text` on one line as a library without phonemes is to read it.

    Raises BadInputError for IPA pronunciations, and if there is not one word.
    """
    written = " ".join((pronunciations or NONE).respelled(text).split())
    if not any(c.isalnum() for c in written):
        raise BadInputError(f"nothing in {text!r} can be spoken: write at least one word.")
    return written


def foreign_voice(voice: VoiceProfile, engine: str) -> BadInputError:
    """The error for a voice that does not fit the weights of `engine`."""
    return BadInputError(
        f"the voice is one of the engine {voice.engine!r} or of other weights, not of this "
        f"{engine}: make the voice profile again with {engine}."
    )
