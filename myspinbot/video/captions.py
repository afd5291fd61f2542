"""Captions: SubRip and WebVTT in and out, and a stage that burns them in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import BadInputError
from ..files import not_written, replacing
from ..speech import timestamp
from .lettering import Look, check_glyphs, draw, load_font, wrapped
from .source import FrameSource, Stage

Position = Literal["bottom", "middle", "top"]
POSITIONS: dict[Position, float] = {"bottom": 1.0, "middle": 0.5, "top": 0.07}
"""Share of the height between the margins; at the top there is room for the disclosure label."""
_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{2})[,.](\d{1,3})"
_SPAN = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_MARKUP = re.compile(r"</?[^<>]+>|\{\\[^}]*\}")


@dataclass(frozen=True)
class Cue:
    """A text and when it shows."""

    text: str
    start_s: float
    end_s: float


def parse(text: str) -> list[Cue]:
    """The cues of a SubRip or WebVTT text, in order of time; raises BadInputError without any."""
    cues: list[Cue] = []
    for block in re.split(
        r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n").strip("\ufeff \n")
    ):
        lines = block.split("\n")
        spans = [(index, _SPAN.match(line)) for index, line in enumerate(lines)]
        index, span = next(((i, found) for i, found in spans if found), (0, None))
        if span is None:
            continue
        words = _MARKUP.sub("", "\n".join(lines[index + 1 :])).strip()
        start_s, end_s = (_seconds(*span.groups()[part : part + 4]) for part in (0, 4))
        if words and end_s > start_s:
            cues.append(Cue(words, start_s, end_s))
    if not cues:
        raise BadInputError(
            "There are no captions in the text: connect the captions of Speak, or a SubRip or "
            "WebVTT text with lines like 00:00:01,000 --> 00:00:02,500."
        )
    return sorted(cues, key=lambda cue: cue.start_s)


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return 3600 * int(hours or 0) + 60 * int(minutes) + float(f"{seconds}.{fraction}")


def to_srt(cues: Sequence[Cue]) -> str:
    """SubRip."""
    rows = (
        f"{number}\n{timestamp(cue.start_s)} --> {timestamp(cue.end_s)}\n{cue.text}\n"
        for number, cue in enumerate(cues, 1)
    )
    return "\n".join(rows)


def to_vtt(cues: Sequence[Cue]) -> str:
    """WebVTT."""
    rows = (
        f"{timestamp(cue.start_s, '.')} --> {timestamp(cue.end_s, '.')}\n{cue.text}\n"
        for cue in cues
    )
    return "WEBVTT\n\n" + "\n".join(rows)


def write_sidecar(path: Path, cues: Sequence[Cue]) -> None:
    """Write the cues to `path` in the format that its suffix, .srt or .vtt, names.

    Raises StorageError when the disk does not take them.
    """
    text = to_vtt(cues) if path.suffix == ".vtt" else to_srt(cues)
    try:
        with replacing(path) as partial:
            partial.write_text(text, "utf-8")
    except OSError as error:
        raise not_written(path, error) from error


class Captioned(Stage):
    """A source with its captions on the picture.

    `size` is the height of the letters and `safe_area` the margin they keep to every border, both
    as a share of the picture's shorter side. Raises BadInputError when the font lacks a letter.
    """

    def __init__(
        self,
        source: FrameSource,
        cues: Sequence[Cue],
        *,
        look: Look,
        position: Position = "bottom",
        size: float = 0.05,
        safe_area: float = 0.06,
    ):
        super().__init__(source)
        check_glyphs("".join(cue.text for cue in cues), look.font)
        self._cues, self._look, self._place = cues, look, (0.5, POSITIONS[position])
        side = min(source.width, source.height)
        self._size_px, self._margin_px = max(8, round(size * side)), round(safe_area * side)

    def frames(self) -> Iterator[np.ndarray]:
        font = load_font(self._look.font, self._size_px)
        frame_size = self.width, self.height
        for number, frame in enumerate(self.source.frames()):
            time_s = number / self.fps
            texts = [cue.text for cue in self._cues if cue.start_s <= time_s < cue.end_s]
            if not texts:
                yield frame
                continue
            lines = _lines("\n".join(texts), font, self.width - 2 * self._margin_px)
            yield draw(
                lines, self._size_px, self._look, frame_size, self._place, self._margin_px
            ).over(frame)


def _lines(text: str, font, width_px: float) -> tuple[str, ...]:
    return tuple(line for part in text.splitlines() for line in wrapped(part, font, width_px))
