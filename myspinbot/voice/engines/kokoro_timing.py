"""When Kokoro says each word and sound, from the frames it predicts."""

from __future__ import annotations

from collections.abc import Sequence

from ...speech import Phoneme, Word
from ..text.alphabet import PUNCTUATION, STRESS, ipa
from ..text.phonemes import SpokenWord, to_symbols
from .kokoro_net import SAMPLES_PER_FRAME
from .kokoro_vocoder import SAMPLE_RATE

_FRAME_S = SAMPLES_PER_FRAME / SAMPLE_RATE
_EARLY_FRAMES = 2
"""A sound comes this much before its frames: where sibilants and vowels correlate best with the
spectrum (four voices: r .6 at 50 ms, .29 at 0)."""


def time_words(words: Sequence[SpokenWord], frames: Sequence[tuple[int, ...]]) -> tuple[Word, ...]:
    """Words and phonemes in seconds from the frames of each symbol, one tuple per call of the net.

    Stress and length marks belong to their sound; a space without punctuation belongs half to each
    neighbour, so that fluent speech has no holes; punctuation is silence.
    """
    symbols = to_symbols(words)
    starts, ends = _spans(symbols, frames)
    timed: list[Word] = []
    position = 0
    for word in words:
        first = position + len(word.before)
        last = first + len(word.symbols)
        phonemes = _phonemes(symbols, first, last, starts, ends)
        timed.append(Word(word.text, phonemes[0].start_s, phonemes[-1].end_s, phonemes))
        position = last + len(word.after) + 1
    return tuple(timed)


def _spans(symbols: str, frames: Sequence[tuple[int, ...]]) -> tuple[list[float], list[float]]:
    """Start and end of every symbol in seconds, with the fluent spaces shared out."""
    edges: list[tuple[float, float]] = []
    clock = -_EARLY_FRAMES
    for call in frames:
        clock += call[0]
        for count in call[1:-1]:
            edges.append((max(clock, 0) * _FRAME_S, max(clock + count, 0) * _FRAME_S))
            clock += count
        clock += call[-1]
    starts, ends = [e[0] for e in edges], [e[1] for e in edges]
    for index in range(1, len(symbols) - 1):
        before, after = symbols[index - 1], symbols[index + 1]
        joined = starts[index] == ends[index - 1] and starts[index + 1] == ends[index]
        if symbols[index] == " " and joined and not {before, after} & set(PUNCTUATION):
            middle = (starts[index] + ends[index]) / 2
            ends[index - 1] = starts[index + 1] = middle
    return starts, ends


def _phonemes(
    symbols: str, first: int, last: int, starts: Sequence[float], ends: Sequence[float]
) -> tuple[Phoneme, ...]:
    """The sounds of symbols[first:last]; marks are merged, inner spaces already shared out."""
    found: list[Phoneme] = []
    start, stress = None, 0
    for index in range(first, last):
        symbol = symbols[index]
        if symbol in STRESS:
            start, stress = starts[index], 1 + STRESS.index(symbol)
        elif sound := ipa(symbol):
            begin = starts[index] if start is None else start
            found.append(Phoneme(sound, begin, ends[index], stress))
            start, stress = None, 0
        elif found and symbol != " " and symbol not in PUNCTUATION:  # length and other modifiers
            last_sound = found.pop()
            found.append(
                Phoneme(last_sound.symbol, last_sound.start_s, ends[index], last_sound.stress)
            )
    return tuple(found)
