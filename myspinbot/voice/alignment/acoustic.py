"""English phones heard in sound: pocketsphinx, its acoustic model and its dictionary.

pocketsphinx (Carnegie Mellon University and others, BSD-2-Clause) carries both in its wheel. Knows
no text: it is given a graph of pronunciations and finds the best path through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import EngineError, MissingDependencyError
from ...progress import Tick, no_tick

RATE = 16_000
FRAME_S = 0.010
FIRST_BORDER_S = 0.008
"""Where the border before the first frame lies: a frame is heard around its window's middle."""
_BEAM = 1e-120
"""Wide: a narrow one loses the way where sound and text differ, and without one a wrong text costs
twice as much."""
_PAUSE_PROBABILITY = 0.5
_CALL_SAMPLES = RATE // 4
"""Handed over at once: 20 CPU-ms, which bounds the wait for Cancel."""
_MEAN_SAMPLES = 4 * RATE
"""Speech that the mean of the spectrum is taken from."""
_SILENCE = "SIL"


def pocketsphinx_decoder(lm: str | None, **options: Any) -> Any:
    """A decoder with the US English model of the wheel, and its language model `lm`, if any.

    Raises MissingDependencyError.
    """
    try:
        from pocketsphinx import Config, Decoder, get_model_path
    except ImportError as error:
        raise MissingDependencyError(
            "the package pocketsphinx is missing (pip install pocketsphinx)"
        ) from error
    try:
        config = Config(
            hmm=get_model_path("en-us/en-us"),
            dict=get_model_path("en-us/cmudict-en-us.dict"),
            lm=lm and get_model_path(lm),
            loglevel="FATAL",
            **options,
        )
        decoder = Decoder(config)
        decoder.add_fsg("mean", decoder.create_fsg("mean", 0, 1, [(0, 1, 1.0, "a")]))
        return decoder
    except (RuntimeError, OSError) as error:
        raise MissingDependencyError(
            "the package pocketsphinx does not start (pip install --force-reinstall "
            f"pocketsphinx): {error}"
        ) from error


def cepstral_mean(decoder: Any, speech: np.ndarray) -> str:
    """The mean of the beginning of `speech`, taken off to hear voices and rooms alike."""
    decoder.activate_search("mean")  # ending an utterance searches, so let it be cheap
    decoder.start_utt()
    decoder.process_raw(speech[:_MEAN_SAMPLES].tobytes(), no_search=True, full_utt=True)
    mean = decoder.get_cmn()
    decoder.end_utt()
    return mean


def take_utterance(decoder: Any, samples: np.ndarray, mean: str, tick: Tick) -> None:
    """Let `decoder` hear `samples`, int16 [T] at RATE; `tick` counts them and may cancel."""
    decoder.set_cmn(mean)
    decoder.start_utt()
    for start in range(0, len(samples), _CALL_SAMPLES):
        tick(start, len(samples))
        decoder.process_raw(samples[start : start + _CALL_SAMPLES].tobytes())
    decoder.end_utt()


@dataclass(frozen=True)
class Arc:
    """One word of a graph: from state to state, with a probability."""

    start: int
    end: int
    probability: float
    name: str


@dataclass(frozen=True)
class Heard:
    """One word of the best path."""

    name: str
    """Of the arc, or "" for silence."""
    start: int
    end: int
    """Frames of FRAME_S."""
    fit: float
    """Mean log likelihood a frame against the best of all phones, in nats: -3 to -5 is good."""
    phones: tuple[tuple[int, int], ...]
    """Start and end of each phone, in frames."""


class PhoneDecoder:
    """The US English model of the pocketsphinx wheel. Not safe to share between threads."""

    def __init__(self) -> None:
        """Load model and dictionary, 0.1 s and 70 MB; raises MissingDependencyError."""
        self._decoder = pocketsphinx_decoder(
            lm=None,
            compallsen=True,  # scores are relative to the best phone of all
            bestpath=False,  # its lattice search loses words with a wide beam
            fsgusealtpron=False,
            lw=1.0,
            wip=1.0,
            silprob=_PAUSE_PROBABILITY,
            **dict.fromkeys(("beam", "pbeam", "wbeam"), _BEAM),
        )

    def pronunciations(self, word: str) -> Iterator[tuple[str, ...]]:
        """All that the dictionary has for a lower-case word, in ARPAbet without stress."""
        number = 1
        while phones := self._decoder.lookup_word(word if number == 1 else f"{word}({number})"):
            yield tuple(phones.split())
            number += 1

    def arc_name(self, phones: Sequence[str], number: int) -> str:
        """The name of the arc that sounds like `phones`; `number` tells equal ones apart."""
        name = f"={'_'.join(phones)}#{number}"
        if self._decoder.lookup_word(name) is None:
            self._decoder.add_word(name, " ".join(phones), False)
        return name

    def best_path(
        self,
        samples: np.ndarray,
        arcs: Sequence[Arc],
        final: int,
        speech: np.ndarray,
        tick: Tick = no_tick,
    ) -> list[Heard]:
        """What is heard in `samples`, int16 [T] at RATE, on the best way from state 0 to `final`.

        `speech` [S] is the part of it without pauses. Empty when no way fits. `tick` counts
        samples, twice. Raises EngineError.
        """
        decoder = self._decoder
        try:
            graph = decoder.create_fsg(
                "text", 0, final, [(a.start, a.end, a.probability, a.name) for a in arcs]
            )
            mean = cepstral_mean(decoder, speech)
            decoder.add_fsg("text", graph)
            decoder.activate_search("text")
            self._listen(samples, mean, tick, 0)
            if decoder.hyp() is None:
                return []
            decoder.set_alignment()
            self._listen(samples, mean, tick, len(samples))
            return [_heard(word) for word in decoder.get_alignment()]
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"pocketsphinx failed: {error}") from error

    def _listen(self, samples: np.ndarray, mean: str, tick: Tick, done: int) -> None:
        take_utterance(self._decoder, samples, mean, lambda at, total: tick(done + at, 2 * total))


def _heard(word) -> Heard:
    phones = list(word)
    silent = all(phone.name == _SILENCE for phone in phones)
    return Heard(
        "" if silent else word.name,
        word.start,
        word.start + word.duration,
        word.score / max(word.duration, 1) * _NATS,
        tuple((phone.start, phone.start + phone.duration) for phone in phones),
    )


_NATS = 1024 * np.log(1.0001)
"""Of one unit of pocketsphinx's scores."""
