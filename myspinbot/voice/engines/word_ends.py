"""Where words end in the sound itself: a net counts the silence of a pause to the word before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...speech import Word

_BLOCK_S = 0.01
_SILENT_DB = -38.0
"""Below the loudest block."""
_SHORTEST_S = 0.04


def end_with_sound(words: Sequence[Word], samples: np.ndarray, rate: int) -> tuple[Word, ...]:
    """Cut the last sound before each pause where `samples` [T] fall silent; nets stretch it."""
    block = round(_BLOCK_S * rate)
    power = np.square(samples[: len(samples) // block * block], dtype=np.float64)
    power = power.reshape(-1, block).mean(1)
    loud = power > power.max(initial=0) * 10 ** (_SILENT_DB / 10)
    ended = list(words)
    for index, word in enumerate(words):
        follows = index + 1 < len(words) and words[index + 1].start_s <= word.end_s
        if follows or not word.phonemes:
            continue
        last = word.phonemes[-1]
        first_block = int(last.start_s / _BLOCK_S)
        heard = np.flatnonzero(loud[first_block : int(last.end_s / _BLOCK_S) + 1])
        sound_s = float(first_block + heard[-1] + 2) * _BLOCK_S if heard.size else 0.0
        end_s = min(last.end_s, max(sound_s, last.start_s + _SHORTEST_S))
        phonemes = (*word.phonemes[:-1], replace(last, end_s=end_s))
        ended[index] = replace(word, end_s=end_s, phonemes=phonemes)
    return tuple(ended)
