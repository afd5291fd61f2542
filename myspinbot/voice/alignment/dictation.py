"""English words heard in a sound whose text is not known, good enough for the lips.

pocketsphinx with the trigram model of its wheel (Carnegie Mellon University and others,
BSD-2-Clause). One word in five is wrong, most often another that looks alike on the lips; no text
for people to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...audio import Audio
from ...errors import BadInputError, EngineError, MissingDependencyError
from ...progress import Tick, no_tick
from ...speech import Speech
from .acoustic import FRAME_S, RATE, cepstral_mean, pocketsphinx_decoder, take_utterance
from .align import align
from .forced import stretch_end
from .model_input import prepare

LEAST_FIT = -4.0
"""Nats a frame. Eight English clips and voices that were heard well reach -3.3 to -3.7, one that
was misheard -4.2; Spanish, French, Italian and Portuguese taken for English -4.4 to -4.8."""
_BEGINNING_S = 30
_HOP = round(RATE * FRAME_S)
_NOISES = "<[+"
"""What names begin with that are no words."""


def hear_words(audio: Audio, tick: Tick = no_tick) -> Speech | None:
    """What seems to be said in `audio`, with the times of words and sounds.

    None when it is not English, not understood, silent, or pocketsphinx is missing. A long sound is
    judged by its beginning first. `tick` counts 10 ms of sound, more than once; 0.4 CPU-s a second,
    memory flat.
    """
    if audio.duration_s > 2 * _BEGINNING_S:
        beginning = Audio(audio.samples[:, : _BEGINNING_S * audio.rate], audio.rate)
        if hear_words(beginning, tick) is None:
            return None
    try:
        samples, is_speech = prepare(audio, tick)
        heard = align(audio, _dictated(samples, is_speech, tick), "en-us", tick)
    except (BadInputError, EngineError, MissingDependencyError):
        return None
    return heard.speech if heard.fit is not None and heard.fit >= LEAST_FIT else None


def _dictated(samples: np.ndarray, is_speech: np.ndarray, tick: Tick) -> str:
    """The words of `samples`, int16 [T] at RATE, heard in stretches cut at pauses."""
    decoder = pocketsphinx_decoder(lm="en-us/en-us.lm.bin")
    words: list[str] = []
    start = 0
    while start < len(is_speech):
        end, _ = stretch_end(is_speech, start)
        span = slice(start * _HOP, end * _HOP)
        said = samples[span][np.repeat(is_speech[start:end], _HOP)[: len(samples[span])]]
        if len(said):
            words += _words(decoder, samples[span], said, _ahead(tick, start, len(is_speech)))
        start = end
    return " ".join(words)


def _words(decoder: Any, samples: np.ndarray, said: np.ndarray, tick: Tick) -> Iterator[str]:
    try:
        mean = cepstral_mean(decoder, said)
        decoder.activate_search("_default")
        take_utterance(decoder, samples, mean, tick)
        if decoder.hyp() is not None:
            names = (word.word for word in decoder.seg())
            yield from (name.split("(")[0] for name in names if name[0] not in _NOISES)
    except (RuntimeError, ValueError) as error:
        raise EngineError(f"pocketsphinx failed: {error}") from error


def _ahead(tick: Tick, start: int, total: int) -> Tick:
    """Counts frames from `start` on, of samples."""
    return lambda done, _: tick(start + done // _HOP, total)
