"""Speech that knows when each sentence, word and phoneme is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

LEAD_S, TAIL_S = 0.2, 0.5
"""Room tone around what is said: a face opens and closes its mouth in it."""


@dataclass(frozen=True)
class Phoneme:
    """One sound, as IPA without stress or length marks; "" is silence."""

    symbol: str
    start_s: float
    end_s: float
    stress: int = 0
    """0 none, 1 primary, 2 secondary."""


@dataclass(frozen=True)
class Word:
    """One word as the text writes it."""

    text: str
    start_s: float
    end_s: float
    phonemes: tuple[Phoneme, ...] = ()


@dataclass(frozen=True)
class Sentence:
    """One sentence; its words lie inside its span, pauses lie between words."""

    text: str
    start_s: float
    end_s: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Speech:
    """A timed text over an audio of `duration_s` seconds."""

    sentences: tuple[Sentence, ...]
    duration_s: float

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for sentence in self.sentences for word in sentence.words)

    @property
    def phonemes(self) -> tuple[Phoneme, ...]:
        return tuple(phoneme for word in self.words for phoneme in word.phonemes)


def shift(sentence: Sentence, offset_s: float) -> Sentence:
    """Move a sentence and all it holds later by `offset_s` seconds."""

    def moved(item):
        return replace(item, start_s=item.start_s + offset_s, end_s=item.end_s + offset_s)

    words = tuple(
        replace(moved(word), phonemes=tuple(moved(p) for p in word.phonemes))
        for word in sentence.words
    )
    return replace(moved(sentence), words=words)


def timestamp(seconds: float, point: str = ",") -> str:
    """Hours, minutes, seconds and, after `point`, milliseconds, as captions write them."""
    milliseconds = round(max(seconds, 0) * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def to_srt(speech: Speech, line_characters: int = 42) -> str:
    """Captions in SubRip format: a cue never crosses a sentence nor exceeds `line_characters`."""
    cues = [cue for s in speech.sentences for cue in _cues(s, line_characters)]
    return "\n".join(
        f"{number}\n{timestamp(start)} --> {timestamp(end)}\n{text}\n"
        for number, (text, start, end) in enumerate(cues, 1)
    )


def _cues(sentence: Sentence, limit: int) -> Iterable[tuple[str, float, float]]:
    line: list[Word] = []
    for word in sentence.words:
        if line and len(" ".join(w.text for w in [*line, word])) > limit:
            yield " ".join(w.text for w in line), line[0].start_s, line[-1].end_s
            line = []
        line.append(word)
    if line:
        yield " ".join(w.text for w in line), line[0].start_s, line[-1].end_s
    elif not sentence.words and sentence.text:
        yield sentence.text, sentence.start_s, sentence.end_s
