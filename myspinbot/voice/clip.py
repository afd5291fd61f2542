"""The reference clip's doctor: what is usable of a recording, and in plain words what is wrong.

Judges levels, pauses, pitch and spectrum; recognises neither words nor speakers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio import Audio
from ..errors import BadInputError
from . import pitch

LONGEST_S = 15.0
SHORTEST_SPEECH_S = 2.0
RATES_HZ = (8_000, 48_000)
WORDS_PER_SECOND = (1.0, 6.0)
"""Outside this range a transcript cannot be that of the clip."""
_HOP_S, _FRAME_S = 0.010, 0.030
_MARGIN_S = 0.15
"""Silence kept before and after speech: a pause of more than twice this is shortened to it."""
_PAUSE_S = 0.15
_FADE_S = 0.02
_SILENCE_DBFS = -60.0
_STEADY_DB = 6.0
"""Frames this little below the loud ones are speech, even if nothing is softer."""
_LEAST_VOICED = 0.1
_LEAST_MELODY = 0.005
"""Deviation of log F0 that nobody who speaks stays below; a beep, a hum or a held chord does."""
_NOISY_DB = 20.0
_CLIPPED_SHARE = 1e-3
_NARROW_DB = 40.0


@dataclass(frozen=True)
class ReferenceClip:
    """A recording that a voice can be made from."""

    audio: Audio
    """Mono, long pauses shortened, at most 15 s, at its own rate (at most 48 kHz)."""
    speech_s: float
    """From the first to the last word of the whole recording, no pause counted over 0.3 s."""
    pitch: pitch.Pitch
    """Of `audio`."""
    warnings: tuple[str, ...]
    """What a user could do better, one sentence each."""


def prepare(audio: Audio, transcript: str) -> ReferenceClip:
    """Trim and judge a recording of one speaker who says `transcript`.

    Raises BadInputError for a rate below 8 kHz, NaN, silence, no voice, under 2 s of speech, or an
    empty transcript.
    """
    words = len(transcript.split())
    if not any(character.isalnum() for character in transcript):
        raise BadInputError("The transcript is empty: type the words that are said in the clip.")
    audio = _checked(audio)
    level_db = _levels(audio)
    speech = _speech(level_db)
    kept = _near(speech)
    speech_s = _spoken_s(speech, kept)
    used = _up_to_a_pause(kept, speech)
    excerpt = _excerpt(audio, used)
    voice = pitch.measure(excerpt)
    if voice.voiced_share < _LEAST_VOICED or voice.log_std < _LEAST_MELODY:
        raise BadInputError("No voice was found in the clip: give clear speech of one person.")
    warnings = _recording_warnings(audio, level_db, speech)
    if audio.rate <= RATES_HZ[0] or _is_narrow(excerpt):
        warnings.append(
            "The clip has telephone bandwidth (nothing above 4 kHz): a better recording makes a "
            "more similar voice."
        )
    if not WORDS_PER_SECOND[0] <= words / speech_s <= WORDS_PER_SECOND[1]:
        warnings.append(
            f"The transcript has {words} words but the clip has {speech_s:.1f} s of speech: check "
            "that it holds exactly the words that are said."
        )
    if (speech & ~used).any():
        warnings.append(
            f"The clip is {audio.duration_s:.0f} s long; only its first {excerpt.duration_s:.1f} s "
            "of speech are used. 5 to 12 s are best."
        )
    return ReferenceClip(excerpt, speech_s, voice, tuple(warnings))


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
    mono = audio.mono().resampled(min(audio.rate, RATES_HZ[1]))
    return Audio(mono.samples - mono.samples.mean(), mono.rate)


def _levels(audio: Audio) -> np.ndarray:
    """dBFS of every 30 ms, one value per 10 ms, [N]."""
    frame = round(audio.rate * _FRAME_S)
    power = np.pad(np.square(audio.samples[0], dtype=np.float64), (0, frame))
    total = np.pad(np.cumsum(power), (1, 0))
    count = max(1, int(audio.duration_s / _HOP_S))
    starts = np.round(np.arange(count) * (audio.rate * _HOP_S)).astype(int)
    return 10 * np.log10((total[starts + frame] - total[starts]) / frame + 1e-12)


def _speech(level_db: np.ndarray) -> np.ndarray:
    """Which frames are louder than a third of the way from the noise to the voice, bool [N]."""
    noise, voice = np.percentile(level_db, (5, 95))
    between = min(noise + (voice - noise) / 3, voice - _STEADY_DB)
    threshold = max(between, voice - 40, _SILENCE_DBFS)
    return level_db > threshold


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """(start, end) of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(np.int8), 1)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _recording_warnings(audio: Audio, level_db: np.ndarray, speech: np.ndarray) -> list[str]:
    warnings = []
    samples = np.abs(audio.samples[0])
    clipped_share = float((samples > 0.985 * samples.max()).mean())
    if clipped_share > _CLIPPED_SHARE and samples.max() > 0.5:
        warnings.append("The clip is distorted (clipped): record it at a lower level.")
    pauses = level_db[~speech]
    signal_to_noise_db = (
        np.median(level_db[speech]) - np.percentile(pauses, 20) if len(pauses) else 0
    )
    if len(pauses) * _HOP_S > 0.2 and signal_to_noise_db < _NOISY_DB:
        warnings.append(
            f"There is noise or echo behind the voice (only {signal_to_noise_db:.0f} dB below it): "
            "the voice made from it may sound less alike."
        )
    return warnings


def _is_narrow(audio: Audio) -> bool:
    """Whether there is next to nothing above 4.6 kHz (a resampler reaches a little above 4)."""
    spectrum = np.square(np.abs(np.fft.rfft(audio.samples[0])))
    hz = np.fft.rfftfreq(audio.samples.shape[1], 1 / audio.rate)
    low = spectrum[(hz > 300) & (hz < 3400)].sum()
    high = spectrum[(hz > 4600) & (hz < min(7600, 0.48 * audio.rate))].sum()
    return 10 * np.log10(high / max(low, 1e-12) + 1e-12) < -_NARROW_DB


def _near(speech: np.ndarray) -> np.ndarray:
    """Speech and a little around it: an encoder would take a long pause for part of the voice."""
    margin = round(_MARGIN_S / _HOP_S)
    return np.convolve(speech, np.ones(2 * margin + 1))[margin : margin + len(speech)] > 0


def _spoken_s(speech: np.ndarray, kept: np.ndarray) -> float:
    spoken = np.flatnonzero(speech)
    if not len(spoken):
        raise BadInputError("The clip is silent: check the recording.")
    speech_s = float(kept[spoken[0] : spoken[-1] + 1].sum() * _HOP_S)
    if speech_s < SHORTEST_SPEECH_S:
        raise BadInputError(
            f"The clip has only {speech_s:.1f} s of speech: give {SHORTEST_SPEECH_S:.0f} s or "
            "more, 5 to 12 s are best."
        )
    return speech_s


def _up_to_a_pause(kept: np.ndarray, speech: np.ndarray) -> np.ndarray:
    """`kept`, or its first frames up to the last pause before LONGEST_S."""
    frames, longest = np.flatnonzero(kept), round(LONGEST_S / _HOP_S)
    if len(frames) <= longest:
        return kept
    pauses = [
        (first + last) // 2
        for first, last in _runs(~speech[frames[:longest]])
        if (last - first) * _HOP_S >= _PAUSE_S and first > longest // 2
    ]
    return kept & (np.arange(len(kept)) < frames[max(pauses, default=longest)])


def _excerpt(audio: Audio, used: np.ndarray) -> Audio:
    """The used frames of the sound in a row, each stretch with faded edges."""
    hop, fade = audio.rate * _HOP_S, round(audio.rate * _FADE_S)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    stretches = []
    for start, end in _runs(used):
        samples = audio.samples[:, round(start * hop) : round(end * hop)].copy()
        samples[:, :fade] *= ramp
        samples[:, -fade:] *= ramp[::-1]
        stretches.append(samples)
    return Audio(np.concatenate(stretches, axis=1), audio.rate)
