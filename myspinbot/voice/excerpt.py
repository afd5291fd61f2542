"""Which stretch of a recording is used, and which words of the transcript are said in it.

Places are frames of HOP_S in a sound without long pauses. Judges neither sound nor words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..audio import Audio
from ..progress import Tick
from ..speech import Word
from .activity import HOP_S, only, runs
from .alignment.align import Alignment, align

LETTERS_PER_SECOND = (4.0, 25.0)
"""Nobody speaks slower or faster; 21 English clips have 11 to 18."""
_SEARCHED_S = 120.0
"""How much of the speech stretches are cut from: the words are found from the start on."""
_LEAST_S = 5.0
"""Of a stretch, if there is a better one."""
_PAUSE_S = 0.15
_WORD_S = 0.5
"""Room for the rest of a word at either end of a stretch that no pause ends."""
_CONTEXT_S = 5.0
"""Heard after a stretch, so that the words that follow are not pressed into it."""
_NEAR_S = 0.1
"""How far the found border of a word may be from the pause that it is meant to be at."""


@dataclass(frozen=True)
class Excerpt:
    """What is used of a recording."""

    start: int
    end: int
    transcript: str
    """What is said from `start` to `end`."""
    alignment: Alignment
    """Of that sound and transcript if words can be heard, else of the whole recording."""


def piece(audio: Audio, start: int, end: int) -> Audio:
    """The frames from `start` to `end` of a mono sound, faded at both ends."""
    return only(audio, np.arange(end) >= start)


def stretches(speech: np.ndarray, longest_s: float) -> list[tuple[int, int]]:
    """Cut `speech` (bool [N]) in pauses into stretches of at most `longest_s`: start, end.

    Only the first two minutes of a long recording; short leftovers are left out.
    """
    longest, pause = round(longest_s / HOP_S), round(_PAUSE_S / HOP_S)
    usual = longest - 2 * round(_WORD_S / HOP_S)
    found: list[tuple[int, int]] = []
    start = 0
    while len(speech) - start > longest and start * HOP_S < _SEARCHED_S:
        half = start + usual // 2
        pauses = [
            (last - first, half + (first + last) // 2)
            for first, last in runs(~speech[half : start + usual])
            if last - first >= pause
        ]
        # the longest pause is between sentences, if there is one in this half
        _, end = max(pauses, default=(0, start + usual))
        found.append((start, end))
        start = end
    if start * HOP_S < _SEARCHED_S:
        found.append((start, len(speech)))
    long = [(start, end) for start, end in found if speech[start:end].sum() * HOP_S >= _LEAST_S]
    return long or found[:1]


def cut_to_words(
    audio: Audio,
    speech: np.ndarray,
    first: int,
    stretch: tuple[int, int],
    transcript: str,
    language: str,
    tick: Tick,
) -> Excerpt:
    """Find the words of `transcript` in `stretch`, and let both begin and end with the same ones.

    The transcript begins at `first`, so that it is listened to from there on, for as many words as
    can be said until a little after the stretch. `tick` counts frames.
    """
    heard = min(len(speech), stretch[1] + round(_CONTEXT_S / HOP_S))
    is_whole = first == 0 and heard == len(speech)
    text = transcript if is_whole else _beginning(transcript, speech[first:heard].sum() * HOP_S)
    found = align(piece(audio, first, heard), text, language, tick)
    if found.method != "forced" and not is_whole:  # it lays the text over the whole of the sound
        first, found = 0, align(audio, transcript, language, tick)
    inside = (stretch[0] - first, stretch[1] - first)
    words = _words_in(found, inside)
    if not words:
        return Excerpt(*stretch, text, found)
    start, end = (first + edge for edge in _edges(words, speech[first:], inside))
    if (start, end) == (0, len(speech)) and len(words) == len(found.speech.words):
        return Excerpt(start, end, " ".join(transcript.split()), found)
    said = _text(words)
    if found.method == "forced":  # judge what is used, not what was cut away
        found = align(piece(audio, start, end), said, language, tick)
        said = _text(_words_in(found, (0, end - start))) or said
    return Excerpt(start, end, said, found)


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def letters(text: str) -> float:
    """How long a text is to say, in letters of an alphabet: a digit or a Chinese sign says more."""
    return sum(4 if c.isdigit() else 2.5 if c > "\u2e7f" else 1 for c in text if c.isalnum())


def _beginning(transcript: str, speech_s: float) -> str:
    """As many words as can be said in so long, and so at least those that are."""
    words = transcript.split()
    count = np.searchsorted(
        np.cumsum([letters(w) for w in words]), speech_s * LETTERS_PER_SECOND[1]
    )
    return " ".join(words[: int(count) + 1])


def _words_in(found: Alignment, stretch: tuple[int, int]) -> Sequence[Word]:
    """The words whose middle is inside, from the first to the last of those that were heard."""
    words = found.speech.words
    inside = [
        place
        for place, word in enumerate(words)
        if stretch[0] <= (word.start_s + word.end_s) / 2 / HOP_S <= stretch[1]
        and (found.heard[place] or found.method != "forced")
    ]
    return words[inside[0] : inside[-1] + 1] if inside else ()


def _edges(words: Sequence[Word], speech: np.ndarray, stretch: tuple[int, int]) -> tuple[int, int]:
    """`stretch` without what is said in it before the first and after the last of `words`.

    It is cut in pauses; where the stretch itself was not, at the border of the word.
    """
    start, end = stretch
    first, last = round(words[0].start_s / HOP_S), round(words[-1].end_s / HOP_S)
    pause, near_by, word = (round(each / HOP_S) for each in (_PAUSE_S, _NEAR_S, _WORD_S))
    pauses = [(start + a, start + b) for a, b in runs(~speech[start:end]) if b - a >= pause]
    before = [b for a, b in pauses if b <= first + near_by and speech[start:a].any()]
    after = [a for a, b in pauses if a >= last - near_by and speech[b:end].any()]
    if before:
        start = max(before) - pause // 2
    elif start and speech[start]:
        start = max(first, start - word)
    if after:
        end = min(after) + pause // 2
    elif end < len(speech) and speech[end - 1]:
        end = min(last, end + word)
    return start, min(end, len(speech))
