"""Sounds made by arithmetic that the voice tests share; no file, no weights."""

import numpy as np
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

from myspinbot.audio import Audio

FORMANTS_HZ = ((550, 80), (1500, 120), (2600, 160), (3700, 220), (5500, 400))
"""Frequency and bandwidth."""


def audio(*parts: np.ndarray, rate: int = 16_000) -> Audio:
    """Mono sounds one after the other."""
    return Audio(np.concatenate(parts)[None].astype(np.float32), rate)


def silence(seconds: float, rate: int = 16_000) -> np.ndarray:
    """A quiet room, -80 dBFS."""
    return np.random.default_rng(0).normal(size=round(seconds * rate)) * 1e-4


def voice(seconds: float, hz: float = 120.0, rate: int = 16_000, level: float = 0.2) -> np.ndarray:
    """Glottal pulses through formants: a pitch that moves, four syllables a second."""
    time_s = np.arange(round(seconds * rate)) / rate
    f0 = hz * (
        1 + 0.06 * np.sin(2 * np.pi * 0.7 * time_s) + 0.03 * np.sin(2 * np.pi * 2.3 * time_s)
    )
    pulses = np.diff(np.floor(np.cumsum(f0) / rate), prepend=0)
    sound = np.zeros(len(pulses))
    for formant_hz, width_hz in FORMANTS_HZ:
        if formant_hz < 0.45 * rate:
            radius = np.exp(-np.pi * width_hz / rate)
            angle = 2 * np.pi * formant_hz / rate
            sound += lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], pulses)
    syllables = np.sin(np.pi * 4 * time_s) ** 2
    peak = max(np.abs(sound).max(initial=0), 1e-9)
    return level * syllables * sound / peak + silence(seconds, rate)[: len(sound)]


def phrases(count: int, rate: int = 16_000) -> list[np.ndarray]:
    """Two seconds of voice and half a second of silence, `count` times."""
    return [part for _ in range(count) for part in (voice(2, rate=rate), silence(0.5, rate))]


def speech_rms(sound: Audio) -> float:
    """Of the louder half of the samples' 30 ms."""
    frame = round(0.03 * sound.rate)
    count = sound.samples.shape[1] // frame
    power = np.square(sound.samples[0, : count * frame]).reshape(count, frame).mean(axis=1)
    return float(np.sqrt(np.sort(power)[count // 2 :].mean()))


def mixed(sound: Audio, other: np.ndarray, below_db: float) -> Audio:
    """`other`, repeated, so far below the voice of `sound`."""
    other = np.resize(other, sound.samples.shape[1])
    gain = speech_rms(sound) / np.sqrt(np.square(other).mean()) * 10 ** (-below_db / 20)
    return Audio((sound.samples + gain * other).astype(np.float32), sound.rate)


def noise(sound: Audio, below_db: float) -> Audio:
    return mixed(sound, np.random.default_rng(0).normal(size=sound.samples.shape[1]), below_db)


def chords(sound: Audio, below_db: float) -> Audio:
    """Four chords of a plain organ, each a second long."""
    time_s = np.arange(sound.rate) / sound.rate
    tones = [
        [
            np.sin(2 * np.pi * root * ratio * n * time_s) / n
            for ratio in (1, 1.25, 1.5)
            for n in range(1, 7)
        ]
        for root in (220, 293, 330, 220)
    ]
    return mixed(sound, np.concatenate([np.sum(bar, axis=0) for bar in tones]), below_db)


def room(sound: Audio, reverberation_s: float) -> Audio:
    """A room with as much echo as voice: noise that decays by 60 dB in `reverberation_s`."""
    time_s = np.arange(round(1.2 * reverberation_s * sound.rate)) / sound.rate
    tail = np.random.default_rng(0).normal(size=len(time_s)) * 10 ** (-3 * time_s / reverberation_s)
    response = np.concatenate(
        [[1.0], np.zeros(round(0.004 * sound.rate)), tail / np.sqrt(np.square(tail).sum())]
    )
    return Audio(fftconvolve(sound.samples, response[None]).astype(np.float32) / 2, sound.rate)


def rumble(sound: Audio, level: float) -> Audio:
    """Wind: noise under 40 Hz."""
    low = butter(4, 40, fs=sound.rate, output="sos")
    wind = np.asarray(sosfilt(low, np.random.default_rng(0).normal(size=sound.samples.shape[1])))
    return Audio((sound.samples + level * wind / np.abs(wind).max()).astype(np.float32), sound.rate)
