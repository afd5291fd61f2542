"""What is wrong with a recording of a voice, in plain words, and what to do about it.

Judges the sound alone; knows nothing of words. Rates in the comments are of 68 human clips of 3 to
15 s (21 English, 47 German, one speaker each): clean, and damaged on purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..audio import Audio
from . import pitch
from .activity import HOP_S, levels_db, runs, speech_frames

if TYPE_CHECKING:
    from .speaker import SpeakerEncoder

_RATE = 16_000
_LEAST_VOICED = 0.1
_MOVES_PER_FRAME = 0.002
_STANDING_SHARE = 0.5
"""Voiced frames whose F0 stays within 0.2 % of the one before: clean clips 0.08 to 0.25, at most
0.46 in a room of 1 s; two pieces of music without singing 0.46 to 0.86, tones nearly all."""
_LOW_DBFS = -45.0
_FLAT_SHARE = 1e-3
"""Samples in flat tops: all clips driven 6 dB too high have more, 1 clean one (peak 1.0) does."""
_FLAT_CREST_DB = 9.0
"""Of peaks over voice: clean clips 10.5 to 16; 12 dB too high, then resampled or coded 4 to 9."""
_NOISY_DB, _QUIET_DB = 20.0, 23.0
"""Voice over background: 66 of 68 clean clips over 23; noise 20 dB below the voice 17 to 22. Noise
slows decays too: below the second value nobody can tell it from echo."""
_EDGE_FRAMES = 3
"""At both ends, where the sound is faded."""
_NOTHING_DBFS = -100.0
"""Digital silence tells nothing of the noise."""
_BANDS_HZ = ((300, 700), (700, 1500), (1500, 3000), (3000, 6000))
_DECAY_FRAMES = 6
_ECHO_DB_PER_S, _HALL_DB_PER_S = 220.0, 140.0
"""Nine decays of ten are slower in a room. Clean clips: 267 and more. As much echo as voice: 185 to
235 in a room of 0.3 s, 127 to 164 of 0.6 s, 106 to 139 of 1.0 s, whose vowels ring like music."""
_FEWEST_DECAYS = 20
_LINE_FFT, _LINE_HOP = 2048, 512  # 128 ms, 32 ms
_LINES_HZ = (300, 5000)
_LINE_DB = 10.0
"""Of a spectral line over its surroundings."""
_LINE_FRAMES = 8
_LINE_WANDER_DB = 9.0
_LINE_SHARE = 0.13
"""Time with a line that keeps its pitch and level for 0.26 s; a voice wanders: clean clips 0 to
0.12, median 0. Two pieces of music, 20 dB below the voice: median 0.16 and 0.21."""
_WINDOW_S, _STEP_S = 1.6, 0.4
_FEWEST_WINDOWS = 3
_SPOKEN_SHARE = 0.5
"""Of a window: silence sounds like another speaker."""
_LISTENING_RMS = 10 ** (-23 / 20)
_ALIKE, _ALIKE_IN_NOISE = 0.675, 0.6
"""Mean cosine between the two groups of windows. One speaker: 66 of 68 above. Two speakers, one
after the other: 60 of 60 below; in turns of 2 s: all 30 mixed and 27 of 30 same-sex pairs."""


def has_voice(audio: Audio) -> bool:
    """Whether there is a pitch, and one that moves: noise, hum and most music have none."""
    f0 = pitch.track(audio)
    voiced = f0 > 0
    if not voiced.any() or voiced.mean() < _LEAST_VOICED:
        return False
    steps = np.abs(np.diff(np.log(np.maximum(f0, 1))))[voiced[1:] & voiced[:-1]]
    return bool(len(steps) and (steps < _MOVES_PER_FRAME).mean() < _STANDING_SHARE)


def flaws(audio: Audio, encoder: SpeakerEncoder | None = None) -> list[str]:
    """Tell what could be better about `audio`: mono, without long pauses, at its own level.

    A second speaker is only looked for with `encoder`. Empty for a good recording.
    """
    level_db = levels_db(audio)
    speech = speech_frames(level_db)
    if not speech.any():
        return []
    found = []
    voice_dbfs = float(np.median(level_db[speech]))
    if voice_dbfs < _LOW_DBFS:
        found.append(
            f"The recording is very quiet (the voice at {voice_dbfs:.0f} dBFS): record closer to "
            "the microphone or turn it up."
        )
    if _is_clipped(audio, level_db, speech):
        found.append("The recording is distorted (clipped): record at a lower level.")
    if background := _background(audio, level_db, speech):
        found.append(background)
    if encoder is not None and _two_speakers(
        audio, speech, encoder, _ALIKE_IN_NOISE if found else _ALIKE
    ):
        found.append(
            "There seem to be two speakers: cut the recording so that only one of them is heard."
        )
    if _is_narrow(audio):
        found.append(
            "The recording has telephone bandwidth (nothing above 4 kHz): a better one makes a "
            "more similar voice."
        )
    return found


def background_db(level_db: np.ndarray, speech: np.ndarray) -> float:
    """How far the voice stands above what is heard in its softest moments."""
    inner = level_db[_EDGE_FRAMES : len(level_db) - _EDGE_FRAMES]
    heard = inner[inner > _NOTHING_DBFS]
    if not len(heard) or not speech.any():
        return 0.0
    return float(np.median(level_db[speech]) - np.percentile(heard, 2))


def _background(audio: Audio, level_db: np.ndarray, speech: np.ndarray) -> str:
    above_db = background_db(level_db, speech)
    samples = audio.resampled(_RATE).samples[0]
    decay_db_per_s = _decay_db_per_s(samples)
    if above_db >= _QUIET_DB and decay_db_per_s < _ECHO_DB_PER_S:
        return (
            "The recording has echo, and the voice made from it may sound less alike: record "
            "closer to the microphone, in a room with curtains or a full wardrobe."
        )
    if _line_share(samples) > _LINE_SHARE and decay_db_per_s > _HALL_DB_PER_S:
        return (
            "There is music or a steady tone behind the voice, and the voice made from it may "
            "imitate that: use a part without."
        )
    if above_db < _NOISY_DB or decay_db_per_s < _ECHO_DB_PER_S:
        return (
            f"There is noise or echo behind the voice ({above_db:.0f} dB below it), and the voice "
            "made from it may sound less alike: record in a quieter room, closer to the microphone."
        )
    return ""


def _is_clipped(audio: Audio, level_db: np.ndarray, speech: np.ndarray) -> bool:
    """Whether tops are cut off flat, or were before a resampler or coder made them round again."""
    samples = audio.samples[0]
    flat = 0
    for side in (samples, -samples):
        lengths = (end - start for start, end in runs(side > 0.985 * side.max()))
        flat += sum(length for length in lengths if length >= 3)
    peak_db = 20 * np.log10(np.percentile(np.abs(samples), 99.9) + 1e-12)
    loud = level_db[speech & (level_db > np.percentile(level_db, 95) - 20)]
    voice_db = 10 * np.log10(np.mean(10 ** (loud / 10))) if len(loud) else -np.inf
    return bool(flat > _FLAT_SHARE * len(samples) or peak_db - voice_db < _FLAT_CREST_DB)


def _is_narrow(audio: Audio) -> bool:
    """Whether there is next to nothing above 4.6 kHz (a resampler reaches a little above 4)."""
    if audio.rate <= 9_200:
        return True
    spectrum = np.square(np.abs(np.fft.rfft(audio.samples[0])))
    hz = np.fft.rfftfreq(audio.samples.shape[1], 1 / audio.rate)
    low = spectrum[(hz > 300) & (hz < 3400)].sum()
    high = spectrum[(hz > 4600) & (hz < min(7600, 0.48 * audio.rate))].sum()
    return bool(high < 1e-4 * low)


def _decay_db_per_s(samples: np.ndarray) -> float:
    """How fast the fastest tenth of the decays of 60 ms is, mean over four bands; inf: too few.

    A room lets no sound end faster than it does itself. Own code, after the idea of Ratnam et al.
    2003, "Blind estimation of reverberation time".
    """
    # needs a while to import
    from scipy.signal import butter, sosfilt

    time_s = (np.arange(_DECAY_FRAMES) - (_DECAY_FRAMES - 1) / 2) * 0.01
    speeds = []
    if len(samples) < _FEWEST_DECAYS * _DECAY_FRAMES * 160:
        return np.inf
    for band in _BANDS_HZ:
        sos = butter(2, band, "bandpass", fs=_RATE, output="sos")
        power = np.convolve(np.square(sosfilt(sos, samples)), np.full(320, 1 / 320), "same")[::160]
        level_db = 10 * np.log10(power + 1e-12)
        floor_db, loud_db = np.percentile(level_db, (5, 95))
        pieces = np.lib.stride_tricks.sliding_window_view(level_db, _DECAY_FRAMES)
        slopes = pieces @ time_s / np.square(time_s).sum()
        # where the noise or the whole dynamic range ends, so does the decay
        usable = (pieces[:, -1] > floor_db + 8) & (pieces.max(axis=1) > loud_db - 35)
        decays = -slopes[usable & (slopes < 0)]
        if len(decays) > _FEWEST_DECAYS:
            speeds.append(np.percentile(decays, 90))
    return float(np.mean(speeds)) if speeds else np.inf


def _line_share(samples: np.ndarray) -> float:
    """Share of the time in which some spectral line keeps its frequency and its level."""
    # needs a while to import
    from scipy.ndimage import maximum_filter1d, median_filter

    if len(samples) < _LINE_FFT + _LINE_FRAMES * _LINE_HOP:
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(samples, _LINE_FFT)[::_LINE_HOP]
    level_db = 20 * np.log10(np.abs(np.fft.rfft(frames * np.hanning(_LINE_FFT))) + 1e-6)
    first, last = (hz * _LINE_FFT // _RATE for hz in _LINES_HZ)
    level_db = level_db[:, first:last]
    inner = level_db[:, 1:-1]
    is_line = (inner > level_db[:, :-2]) & (inner >= level_db[:, 2:])
    is_line &= inner - median_filter(level_db, (1, 31))[:, 1:-1] > _LINE_DB
    lines = maximum_filter1d(np.where(is_line, inner, -np.inf), 3, axis=1)  # a bin may change
    pieces = np.lib.stride_tricks.sliding_window_view(lines, _LINE_FRAMES, axis=0)
    lowest, highest = pieces.min(axis=-1), pieces.max(axis=-1)
    steady = (np.isfinite(lowest) & (highest < lowest + _LINE_WANDER_DB)).any(axis=1)
    return float(np.convolve(steady, np.ones(_LINE_FRAMES)).clip(0, 1).mean())


def _two_speakers(audio: Audio, speech: np.ndarray, encoder: SpeakerEncoder, alike: float) -> bool:
    """Whether the windows of 1.6 s fall into two groups that sound like different people."""
    # imports torch
    from .speaker import embed_each

    samples = audio.resampled(_RATE).samples
    samples = samples * (_LISTENING_RMS / max(float(np.sqrt(np.square(samples).mean())), 1e-9))
    window, step = round(_WINDOW_S * _RATE), round(_STEP_S * _RATE)
    frames = round(_WINDOW_S / HOP_S)
    starts = [
        start
        for start in range(0, samples.shape[1] - window + 1, step)
        if speech[(first := round(start / _RATE / HOP_S)) : first + frames].mean() >= _SPOKEN_SHARE
    ]
    if len(starts) < 2 * _FEWEST_WINDOWS:
        return False
    pieces = np.stack([samples[0, start : start + window] for start in starts])
    voices = embed_each(encoder, pieces).numpy()
    group = _two_groups(voices)
    if min(group.sum(), (~group).sum()) < _FEWEST_WINDOWS:
        return False
    return bool((voices[group] @ voices[~group].T).mean() < alike)


def _two_groups(voices: np.ndarray) -> np.ndarray:
    """Split unit vectors [N, D] in two by k-means, from the two most different ones; bool [N]."""
    centres = voices[list(np.unravel_index(np.argmin(voices @ voices.T), (len(voices),) * 2))]
    group = np.zeros(len(voices), bool)
    for _ in range(20):
        before, group = group, voices @ centres[0] > voices @ centres[1]
        if (group == before).all() or group.all() or not group.any():
            break
        centres = np.stack([voices[group].mean(axis=0), voices[~group].mean(axis=0)])
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    return group
