"""A whole text as speech: sentence by sentence, at one loudness, with pauses between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..audio import Audio
from ..errors import BadInputError
from ..progress import Tick, no_tick
from ..speech import Sentence, Speech, shift
from .engines import Chunk, VoiceEngine
from .sentences import split_sentences

SPEECH_DBFS = -20.0
"""Level of the active speech, RMS."""
PEAK_DBFS = -1.0
_SENTENCE_CHARACTERS = 200
"""At full speed; slower speech pauses more often, and takes no more memory at once."""
_MOST_GAIN_DB = 20.0
_ACTIVE_DB = -35.0
"""Blocks further below the loudest block are pauses."""
_SILENT_DB = -50.0
"""At the ends of a sentence, blocks this far below the loudest are cut off."""
_BLOCK_S = 0.02
_FADE_S = 0.01
_LEAD_S, _TAIL_S = 0.04, 0.08
"""Silence kept before and after the sound of a sentence."""
_PAUSE_S = {".": 0.3, "!": 0.3, "?": 0.35, "…": 0.4, ":": 0.25, ";": 0.2, ",": 0.1, "—": 0.15}
_PAUSE_UNMARKED_S = 0.02


def speak(
    engine: VoiceEngine,
    text: str,
    voice: Any,
    *,
    speed: float = 1.0,
    seed: int = 0,
    tick: Tick = no_tick,
) -> Iterator[Chunk]:
    """Yield the sentences of `text` as they are ready; a pause ends each chunk but the last.

    The gain is fixed by the first sentence: active speech at -20 dBFS RMS, peaks under -1 dBFS.
    `tick` counts characters. Raises BadInputError if there is nothing to say; what the engine and
    `tick` raise passes through.
    """
    sentences = split_sentences(text, limit=round(_SENTENCE_CHARACTERS * min(1.0, speed)))
    total = sum(len(sentence) for sentence in sentences)
    done, gain = 0, None
    for number, sentence in enumerate(sentences):
        size, before = len(sentence), done

        def part(step: int, steps: int, size: int = size, before: int = before) -> None:
            tick(before + size * step // max(steps, 1), total)

        chunk = engine.synthesize(sentence, voice, speed=speed, seed=seed + number, tick=part)
        if gain is None:
            gain = _gain(chunk)
        is_last = number == len(sentences) - 1
        yield _finish(chunk, gain, 0.0 if is_last else _pause_s(sentence) / speed)
        done += size


def join(chunks: Iterable[Chunk]) -> tuple[Audio, Speech]:
    """All chunks as one sound [1, T] and its timed text; raises BadInputError if there are none."""
    pieces: list[np.ndarray] = []
    sentences: list[Sentence] = []
    length, rate = 0, 0
    for chunk in chunks:
        rate = chunk.rate
        sentences.append(shift(chunk.sentence, length / rate))
        pieces.append(chunk.samples)
        length += chunk.samples.shape[1]
    if not pieces:
        raise BadInputError("There is no speech to join: the text was empty.")
    audio = Audio(np.concatenate(pieces, axis=1), rate)
    return audio, Speech(tuple(sentences), audio.duration_s)


def _gain(chunk: Chunk) -> float:
    """Factor that brings the active speech of `chunk` to SPEECH_DBFS."""
    power = _block_power(chunk)
    active = power[power > power.max(initial=0) * 10 ** (_ACTIVE_DB / 10)]
    if not active.size:
        return 1.0
    missing_db = SPEECH_DBFS - 10 * np.log10(active.mean())
    return float(10 ** (np.clip(missing_db, -_MOST_GAIN_DB, _MOST_GAIN_DB) / 20))


def _block_power(chunk: Chunk) -> np.ndarray:
    """Mean square of each block of 20 ms."""
    block = round(_BLOCK_S * chunk.rate)
    samples = chunk.samples[0, : chunk.samples.shape[1] // block * block]
    return np.square(samples, dtype=np.float64).reshape(-1, block).mean(1)


def _finish(chunk: Chunk, gain: float, pause_s: float) -> Chunk:
    """Trim the silence at both ends, set the level, fade, and append the pause."""
    start, stop = _sounding(chunk)
    samples = _limit(chunk.samples[:, start:stop] * gain)
    fade = min(round(_FADE_S * chunk.rate), samples.shape[1] // 2)
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)).astype(np.float32)
    samples[:, :fade] *= ramp
    samples[:, samples.shape[1] - fade :] *= ramp[::-1]
    sentence = _within(shift(chunk.sentence, -start / chunk.rate), samples.shape[1] / chunk.rate)
    silence = np.zeros((1, round(pause_s * chunk.rate)), np.float32)
    return Chunk(np.concatenate([samples, silence], axis=1), chunk.rate, sentence)


def _sounding(chunk: Chunk) -> tuple[int, int]:
    """First and last sample to keep."""
    power = _block_power(chunk)
    loudest = power.max(initial=0)
    block, length = round(_BLOCK_S * chunk.rate), chunk.samples.shape[1]
    loud = np.flatnonzero(power > loudest * 10 ** (_SILENT_DB / 10))
    if not loud.size:
        return 0, length
    start = int(loud[0]) * block - round(_LEAD_S * chunk.rate)
    return max(0, start), min(length, (int(loud[-1]) + 1) * block + round(_TAIL_S * chunk.rate))


def _within(sentence: Sentence, duration_s: float) -> Sentence:
    """Clamp all spans to 0..`duration_s`: nets stretch outer sounds into the silence around."""

    def clamped(item: Any) -> Any:
        start_s, end_s = (min(max(t, 0.0), duration_s) for t in (item.start_s, item.end_s))
        return replace(item, start_s=start_s, end_s=end_s)

    words = tuple(
        replace(clamped(word), phonemes=tuple(clamped(p) for p in word.phonemes))
        for word in sentence.words
    )
    return replace(sentence, start_s=0.0, end_s=duration_s, words=words)


def _limit(samples: np.ndarray) -> np.ndarray:
    """Round off peaks above half of the ceiling's head room, so that none passes PEAK_DBFS."""
    ceiling = 10 ** (PEAK_DBFS / 20)
    knee = 0.7 * ceiling
    size = np.abs(samples)
    room = ceiling - knee
    rounded = knee + room * np.tanh((size - knee) / room)
    return np.where(size > knee, np.sign(samples) * rounded, samples).astype(np.float32)


def _pause_s(sentence: str) -> float:
    """Pause after a sentence, from the last mark it ends with."""
    bare = sentence.rstrip("\"'”’»)]}*_ ")
    return _PAUSE_S.get(bare[-1:], _PAUSE_UNMARKED_S)
