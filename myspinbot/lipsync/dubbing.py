"""A film, or a still, whose mouths say another sound; frame by frame, at constant memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain, islice, repeat
from typing import Final, Literal, get_args

import numpy as np

from ..audio import Audio
from ..errors import BadInputError
from ..face import Face, FaceFinder, FaceSmoother
from ..video import SeekableSource
from .engines import LipSyncEngine, Sound
from .mouth import frame_times_s, voice_gate
from .paste import crop, paste
from .prosody import loudness, pauses

log = logging.getLogger("myspinbot.lipsync")

WhenShort = Literal["loop", "ping-pong", "hold"]
WHEN_SHORT: Final[tuple[WhenShort, ...]] = get_args(WhenShort)
"""What is shown when the pictures end before the sound does."""
_PAUSE_S = 0.15
_BACKWARDS = 16
"""Frames that are read forwards, and held, to be shown backwards."""


def played(
    film: SeekableSource, count: int, when_short: WhenShort
) -> Iterator[tuple[int, np.ndarray]]:
    """`count` frames of `film` with their numbers in it, whatever its length."""
    last = film.frame_count - 1
    ahead = enumerate(film.frames())
    if when_short == "loop":
        rest = (shown for _ in repeat(None) for shown in enumerate(film.frames()))
    elif when_short == "ping-pong" and last:
        rest = _swung(film, last)
    else:
        rest = ((last, frame) for frame in film.frames(last) for _ in repeat(None))
    yield from islice(chain(ahead, rest), count)


def _swung(film: SeekableSource, last: int) -> Iterator[tuple[int, np.ndarray]]:
    """From the last but one frame to the first, back to the last, and so on for ever."""
    while True:
        for end in range(last, 0, -_BACKWARDS):
            first = max(end - _BACKWARDS, 0)
            held = [frame.copy() for frame in islice(film.frames(first), end - first)]
            yield from ((first + n, held[n]) for n in reversed(range(len(held))))
        yield from islice(enumerate(film.frames(1), 1), last)


class Dubbing:
    """The frames of `film` with their mouths drawn to `audio`: a FrameSource of just its length.

    `ready` makes the engine and the finder of faces able to run, when the first frame is taken.
    Frames without a face pass unchanged, `faceless` counts them, and after the last frame `tell`
    gets a line with the number. In pauses the mouth does what the net makes of silence. An odd
    width or height loses its last column or row.
    """

    def __init__(
        self,
        film: SeekableSource,
        audio: Audio,
        ready: Callable[[], tuple[LipSyncEngine, FaceFinder]],
        *,
        when_short: WhenShort = "loop",
        tell: Callable[[str], None] = lambda line: None,
    ):
        """Raises BadInputError for pictures that are too small."""
        if min(film.width, film.height) < 16:
            raise BadInputError(
                f"The pictures have only {film.width} x {film.height} pixels: use larger ones."
            )
        self.width: int = film.width // 2 * 2
        self.height: int = film.height // 2 * 2
        self.fps: Fraction = Fraction(film.fps)
        self.audio: Audio = audio.finite()
        self.frame_count: int = max(round(self.audio.duration_s * self.fps), 1)
        self.faceless = 0
        """How many of the frames made so far show no face."""
        self._film, self._ready, self._tell = film, ready, tell
        self._when_short: WhenShort = when_short
        self._gate = voice_gate(
            pauses(loudness(self.audio), _PAUSE_S), frame_times_s(self.frame_count, self.fps)
        )

    def frames(self) -> Iterator[np.ndarray]:
        """All frames in order, each a new uint8 [height, width, 3] RGB array."""
        engine, finder = self._ready()
        sound = engine.listen(self.audio)
        self.faceless = 0
        waiting: list[tuple[int, np.ndarray, Face | None]] = []
        for index, (frame, face) in enumerate(self._seen(finder)):
            waiting.append((index, frame, face))
            if len(waiting) == engine.batch:
                yield from self._spoken(engine, sound, waiting)
                waiting = []
        yield from self._spoken(engine, sound, waiting)
        if self.faceless:
            line = (
                f"{self.faceless} of {self.frame_count} frames show no face and stay as they are."
            )
            log.warning(line)
            self._tell(line)
        else:
            self._tell(f"All {self.frame_count} frames show a face.")

    def _seen(self, finder: FaceFinder) -> Iterator[tuple[np.ndarray, Face | None]]:
        """The frames with their faces, which are smoothed; a frame that stays is looked at once."""
        smoother = FaceSmoother()
        shown, raw, face, frame = -1, None, None, np.zeros(0)
        for index, (number, pixels) in enumerate(
            played(self._film, self.frame_count, self._when_short)
        ):
            if number != shown:
                frame = pixels[: self.height, : self.width].copy()
                if index == 0:
                    raw = next(iter(finder.find(frame)), None)
                else:
                    raw = finder.track(frame, raw)
                face = smoother.smooth(raw, float(index / self.fps))
                shown = number
            yield frame, face

    def _spoken(
        self,
        engine: LipSyncEngine,
        sound: Sound,
        waiting: list[tuple[int, np.ndarray, Face | None]],
    ) -> Iterator[np.ndarray]:
        cuts = {index: engine.cut(face) for index, _, face in waiting if face is not None}
        drawn = {}
        if cuts:
            heard = np.stack([self._heard(sound, index) for index in cuts])
            # a still is looked at once
            looks = {id(f): crop(f, cuts[i], engine.crop_px) for i, f, _ in waiting if i in cuts}
            faces = [looks[id(f)] for i, f, _ in waiting if i in cuts]
            faces = faces[:1] if len(looks) == 1 else faces
            drawn = dict(zip(cuts, engine.draw(np.stack(faces), heard), strict=True))
        for index, frame, face in waiting:
            if face is None:
                self.faceless += 1
                yield frame.copy()
            else:
                yield paste(frame, drawn[index], cuts[index], face)

    def _heard(self, sound: Sound, index: int) -> np.ndarray:
        gate = float(self._gate[index])
        if gate == 0:
            return sound.silence
        heard = sound.at(float(index / self.fps))
        return heard if gate == 1 else gate * heard + (1 - gate) * sound.silence
