"""Frames by number out of any video file: constant frame rate, upright, trimmed."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from ..audio import Audio
from ..errors import BadInputError
from .colour import to_rgb

_FALLBACK_FPS = Fraction(25)
_MAX_FPS = 240
"""What claims more has a clock for a rate."""


@dataclass(frozen=True)
class _Facts:
    width: int
    height: int
    fps: Fraction
    start_s: Fraction
    """Of the first picture, on the file's clock."""
    last_s: Fraction
    """From there to the last picture."""
    length_s: Fraction
    """From there to its end."""


class FileFrames:
    """A FrameSource that decodes a file; `file` is a path, or a BytesIO with the file in it.

    Frame n is what a player shows n / `fps` seconds after the first picture, so a variable frame
    rate becomes a constant one (the file's mean unless `fps` says another), damaged frames repeat
    the one before, and rotated films stand upright. `start_s` and `duration_s` (0: to the end) cut
    a part out. `audio` replaces the sound of the file. Raises BadInputError for what is no video.
    """

    def __init__(
        self,
        file: str | os.PathLike | io.BytesIO,
        *,
        start_s: float = 0.0,
        duration_s: float = 0.0,
        fps: Fraction | None = None,
        audio: Audio | None = None,
    ):
        self._file = file
        self._start_s = Fraction(start_s).limit_denominator(10**6)
        self._duration_s = Fraction(duration_s).limit_denominator(10**6)
        self._fps, self._audio = fps, audio

    @property
    def width(self) -> int:
        return self._facts.width

    @property
    def height(self) -> int:
        return self._facts.height

    @property
    def fps(self) -> Fraction:
        return self._fps or self._facts.fps

    @property
    def frame_count(self) -> int:
        facts, left_s = self._facts, self._facts.length_s - self._start_s
        if left_s <= 0:
            raise BadInputError(
                f"{_name(self._file)} is {float(facts.length_s):.2f} s long: nothing is left from "
                f"{float(self._start_s):.2f} s on. Start earlier."
            )
        # containers that count milliseconds give the last picture next to no time
        count = max(round(left_s * self.fps), round((facts.last_s - self._start_s) * self.fps) + 1)
        return max(min(count, round(self._duration_s * self.fps)) if self._duration_s else count, 1)

    @property
    def audio(self) -> Audio | None:
        """The sound of just the frames' time, aligned with them; None when there is none."""
        return self._audio or self._own_audio

    @cached_property
    def _own_audio(self) -> Audio | None:
        start_s = self._facts.start_s + self._start_s
        whole = self._start_s == 0 and not self._duration_s
        return _sound(self._file, start_s, None if whole else self.frame_count / self.fps)

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        """Frames from number `first` on, uint8 [height, width, 3] RGB."""
        start_s = self._facts.start_s + self._start_s
        count, number = self.frame_count, first
        shown: av.VideoFrame | None = None
        with _open(self._file) as container:
            for frame in _decoded(container, float(start_s + first / self.fps)):
                at = round((_time_s(frame) - start_s) * self.fps)
                if shown is not None and at > number:
                    until = min(at, count)
                    yield from repeat(_upright(shown), until - number)
                    number = until
                shown = frame
                if number >= count:
                    return
        if shown is None:
            raise BadInputError(f"No picture of {_name(self._file)} can be decoded.")
        yield from repeat(_upright(shown), count - number)

    @cached_property
    def _facts(self) -> _Facts:
        with _open(self._file) as container:
            stream = container.streams.video[0]
            rate = stream.average_rate or stream.guessed_rate
            fps = Fraction(rate) if rate and 0 < rate <= _MAX_FPS else _FALLBACK_FPS
            base = Fraction(stream.time_base or 1)
            times = [
                (p.pts * base, (p.duration or 0) * base)
                for p in container.demux(stream)
                if p.pts is not None and p.size and not p.is_discard
            ]
        if not times:
            raise BadInputError(f"{_name(self._file)} has no pictures.")
        start_s = min(time for time, _ in times)
        last_s, shown_s = max(times)
        with _open(self._file) as container:
            frame = next(_decoded(container, 0.0), None)
        if frame is None:
            raise BadInputError(f"No picture of {_name(self._file)} can be decoded.")
        turned = _quarters(frame) % 2
        width, height = (frame.height, frame.width) if turned else (frame.width, frame.height)
        last_s -= start_s
        return _Facts(width, height, fps, start_s, last_s, last_s + (shown_s or 1 / fps))


def _decoded(container: Any, from_s: float) -> Iterator[av.VideoFrame]:
    """Frames with a time, from the key frame before `from_s` (the file's clock) on."""
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    if from_s > 0:
        container.seek(int(from_s / stream.time_base), stream=stream)
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except FFmpegError:  # a damaged picture: the one before is shown in its place
            continue
        for frame in frames:
            if frame.pts is not None:
                yield frame


def _time_s(frame: Any) -> Fraction:
    return Fraction(frame.pts * frame.time_base)


def _quarters(frame: av.VideoFrame) -> int:
    """Quarter turns to the left that make the frame upright."""
    return round(frame.rotation / 90) % 4 if abs(frame.rotation) <= 360 else 0


def _upright(frame: av.VideoFrame) -> np.ndarray:
    pixels = to_rgb(frame)
    turns = _quarters(frame)
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def _sound(file: Any, start_s: Fraction, length_s: Fraction | None) -> Audio | None:
    """The file's first sound from `start_s` (the file's clock) on, or silence where it has none."""
    blocks: list[np.ndarray] = []
    at_s = None
    with _open(file) as container:
        stream = next((s for s in container.streams.audio if s.codec_context is not None), None)
        if stream is None:
            return None
        rate = stream.rate
        resampler = av.AudioResampler(format="fltp")
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except FFmpegError:
                continue
            for frame in frames:
                if at_s is None and frame.pts is not None:
                    at_s = _time_s(frame)
                blocks += [block.to_ndarray() for block in resampler.resample(frame)]
        blocks += [block.to_ndarray() for block in resampler.resample(None)]
    if not blocks:
        return None
    samples = np.concatenate(blocks, axis=1)
    late = round(((at_s or Fraction(0)) - start_s) * rate)
    samples = np.pad(samples, ((0, 0), (late, 0))) if late > 0 else samples[:, -late:]
    if length_s is not None:
        samples = samples[:, : round(length_s * rate)]
    return Audio(np.ascontiguousarray(samples), rate) if samples.size else None


def read_frames(path: str | os.PathLike) -> Iterator[np.ndarray]:
    """Decode a file's first video stream to uint8 [H, W, 3] RGB, one frame at a time."""
    return FileFrames(path).frames()


def probe(path: str | os.PathLike) -> dict[str, Any]:
    """Codec names, size, fps, frame count, and seconds of both streams (0: absent)."""
    with _open(path) as container:
        video = container.streams.video[0]
        audio = container.streams.audio[0] if container.streams.audio else None
        rate = video.average_rate or Fraction(0)
        audio_s = float((audio.duration or 0) * (audio.time_base or 0)) if audio else 0.0
        found: dict[str, Any] = {
            "video_codec": video.codec.name,
            "audio_codec": audio.codec.name if audio else "",
            "width": video.width,
            "height": video.height,
            "fps": float(rate),
            "audio_s": audio_s,
        }
        frames = sum(1 for packet in container.demux(video) if packet.size)
    return found | {"frames": frames, "video_s": float(frames / rate) if rate else 0.0}


def _open(file: Any) -> Any:
    # a view of its own, since several readers may be under way
    opened = io.BytesIO(file.getvalue()) if isinstance(file, io.BytesIO) else os.fspath(file)
    try:
        container = av.open(opened)
    except (FFmpegError, OSError) as error:
        raise BadInputError(f"{_name(file)} cannot be opened as video: {error}") from error
    if not container.streams.video:
        container.close()
        raise BadInputError(f"{_name(file)} has no video stream.")
    return container


def _name(file: Any) -> str:
    return "The video" if isinstance(file, io.BytesIO) else Path(file).name
