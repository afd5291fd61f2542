"""The reference clip's doctor: what is usable of a recording, and in plain words what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..audio import Audio
from ..errors import BadInputError
from ..progress import Tick, no_tick
from . import pitch
from .activity import HOP_S, levels_db, near, only, speech_frames
from .excerpt import LETTERS_PER_SECOND, Excerpt, cut_to_words, letters, piece, stretches
from .recording import flaws, has_voice

if TYPE_CHECKING:
    from .speaker import SpeakerEncoder

LONGEST_S = 15.0
SHORTEST_SPEECH_S = 2.0
LOUDNESS_LUFS, PEAK_DBFS = -23.0, -1.0
RATES_HZ = (8_000, 48_000)
_GOOD_SPEECH_S = 5.0
_IN_PHASE = 0.9
"""Power of the mean of all channels over their mean power: 1 if equal, a half if one is dead."""
_SILENCE_DBFS = -60.0


@dataclass(frozen=True)
class ReferenceClip:
    """A recording that a voice can be made from."""

    audio: Audio
    """Mono at its own rate (at most 48 kHz), pauses of at most 0.3 s, at most 15 s long, -23 LUFS
    unless peaks would pass -1 dBFS."""
    transcript: str
    """The words that are in `audio`."""
    speech_s: float
    """From the first to the last word of `audio`."""
    span_s: tuple[float, float]
    """Where in the recording `audio` begins and ends."""
    pitch: pitch.Pitch
    """Of `audio`."""
    warnings: tuple[str, ...]
    """What a user could do better, a sentence or two each."""


def prepare(
    audio: Audio,
    transcript: str,
    *,
    language: str = "en-us",
    encoder: SpeakerEncoder | None = None,
    tick: Tick = no_tick,
) -> ReferenceClip:
    """Trim and judge a recording of one speaker who says `transcript` in `language`.

    `encoder` hears whether there is a second speaker. `tick` counts 10 ms of sound, of each thing
    that is done. Raises BadInputError for a rate below 8 kHz, NaN, silence, no voice, under 2 s of
    speech, or an empty transcript.
    """
    if not any(character.isalnum() for character in transcript):
        raise BadInputError("The transcript is empty: type the words that are said in the clip.")
    tick(0, 1)
    mono = _checked(audio)
    tick(0, 1)
    speech = speech_frames(levels_db(mono))
    kept = near(speech)
    mono, speech = only(mono, kept), speech[kept]
    _require_speech(speech)
    first, stretch, warnings = _best_stretch(mono, speech, encoder, tick)
    used = cut_to_words(mono, speech, first, stretch, transcript, language, tick)
    sound = piece(mono, used.start, used.end)
    speech_s = _spoken_s(speech[used.start : used.end])
    place, last_place = np.flatnonzero(kept)[[used.start, used.end - 1]].tolist()
    span_s = (round(place * HOP_S, 2), round((last_place + 1) * HOP_S, 2))
    warnings += _transcript_warnings(used, speech_s)
    warnings += _length_warnings(speech_s, _spoken_s(speech), span_s)
    return ReferenceClip(
        _levelled(sound), used.transcript, speech_s, span_s, pitch.measure(sound), tuple(warnings)
    )


def _checked(audio: Audio) -> Audio:
    """Mono at 8..48 kHz, zero mean."""
    if audio.rate < RATES_HZ[0]:
        raise BadInputError(
            f"The clip has {audio.rate} Hz, too dull for a voice: give at least {RATES_HZ[0]} Hz."
        )
    if not audio.samples.size:
        raise BadInputError("The clip is empty: give at least 2 s of speech.")
    if not np.isfinite(audio.samples).all():
        raise BadInputError("The clip holds NaN or infinite samples: export it again.")
    mono = _one_channel(audio).resampled(min(audio.rate, RATES_HZ[1]))
    return Audio(mono.samples - mono.samples.mean(), mono.rate)


def _one_channel(audio: Audio) -> Audio:
    """The mean of channels that say the same, else the one whose voice stands out most.

    The mean with a dead channel would add its noise, that with a turned one would cancel the voice.
    """
    together = audio.mono()
    powers = [np.mean(np.square(channel)) for channel in audio.samples]
    if np.mean(np.square(together.samples)) >= _IN_PHASE * np.mean(powers):
        return together
    return max((Audio(channel[None], audio.rate) for channel in audio.samples), key=_contrast_db)


def _contrast_db(channel: Audio) -> float:
    low, high = np.percentile(np.maximum(levels_db(channel), _SILENCE_DBFS), (5, 95))
    return float(high - low)


def _require_speech(speech: np.ndarray) -> None:
    if not speech.any():
        raise BadInputError("The clip is silent: check the recording.")
    if (speech_s := _spoken_s(speech)) < SHORTEST_SPEECH_S:
        raise BadInputError(
            f"The clip has only {speech_s:.1f} s of speech: give {SHORTEST_SPEECH_S:.0f} s or "
            "more, 5 to 12 s are best."
        )


def _spoken_s(speech: np.ndarray) -> float:
    spoken = np.flatnonzero(speech)
    return float((spoken[-1] - spoken[0] + 1) * HOP_S) if len(spoken) else 0.0


def _best_stretch(
    audio: Audio, speech: np.ndarray, encoder: SpeakerEncoder | None, tick: Tick
) -> tuple[int, tuple[int, int], list[str]]:
    """The first stretch with nothing wrong, else the first with the least, and what is wrong.

    Before it, where the first stretch with a voice begins.
    """
    voices: list[tuple[tuple[int, int], list[str]]] = []
    for stretch in stretches(speech, LONGEST_S):
        tick(stretch[0], len(speech))
        sound = piece(audio, *stretch)
        if has_voice(sound):
            voices.append((stretch, flaws(sound, encoder)))
            if not voices[-1][1]:
                break
    if not voices:
        raise BadInputError(
            "No voice was found in the clip: give clear speech of one person, without music."
        )
    (first, _), _ = voices[0]
    stretch, found = min(voices, key=lambda voice: len(voice[1]))
    return first, stretch, found


def _transcript_warnings(used: Excerpt, speech_s: float) -> list[str]:
    found, words = used.alignment, len(used.transcript.split())
    if found.agrees is False:
        return [
            "The transcript does not seem to be what the clip says (they agree by only "
            f"{found.score or 0:.0%}): type exactly the words that are said."
        ]
    if found.agrees:
        return [found.note] if found.note else []
    slowest, fastest = LETTERS_PER_SECOND
    if slowest <= letters(used.transcript) / max(speech_s, HOP_S) <= fastest:
        return []
    return [
        f"The transcript has {words} words but the clip has {speech_s:.1f} s of speech: check "
        "that it holds exactly the words that are said."
    ]


def _length_warnings(
    speech_s: float, all_speech_s: float, span_s: tuple[float, float]
) -> list[str]:
    if all_speech_s > LONGEST_S:
        return [
            f"The recording has {all_speech_s:.0f} s of speech; only what is said from "
            f"{span_s[0]:.0f} s to {span_s[1]:.0f} s is used. 5 to 12 s are best."
        ]
    if speech_s < _GOOD_SPEECH_S:
        return [
            f"The clip has only {speech_s:.1f} s of speech: 5 to 12 s make a more similar voice."
        ]
    return []


def _levelled(audio: Audio) -> Audio:
    """The sound at LOUDNESS_LUFS, or as near as its peaks allow."""
    peak = max(float(np.abs(audio.samples).max()), 1e-9)
    gain_db = min(LOUDNESS_LUFS - audio.loudness_lufs(), PEAK_DBFS - 20 * np.log10(peak))
    return Audio(audio.samples * np.float32(10 ** (gain_db / 20)), audio.rate)
