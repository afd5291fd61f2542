"""Frames by number out of any video file: constant frame rate, upright, trimmed."""

from __future__ import annotations

import io
import os
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import repeat
from math import floor
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.error import FFmpegError

from ..audio import Audio
from ..errors import BadInputError
from .colour import to_rgb

_FALLBACK_FPS = Fraction(25)
_MAX_FPS = 240
"""What claims more has a clock for a rate."""
_GAP_S = 0.05
"""Sound that is missing for longer is silence; less is what clocks of containers round."""


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
    the one before, rotated films stand upright, oblong pixels become square, and all frames get the
    size of the first. `start_s` and `duration_s` (0: to the end) cut a part out. Raises
    BadInputError for what is no video.
    """

    def __init__(
        self,
        file: str | os.PathLike | io.BytesIO,
        *,
        start_s: float = 0.0,
        duration_s: float = 0.0,
        fps: Fraction | None = None,
    ):
        self._file = file
        self._start_s = Fraction(start_s).limit_denominator(10**6)
        self._duration_s = Fraction(duration_s).limit_denominator(10**6)
        self._fps = fps

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
        count = self._total - self._first
        return max(min(count, round(self._duration_s * self.fps)) if self._duration_s else count, 1)

    @cached_property
    def _total(self) -> int:
        """Frames of the whole file."""
        # containers that count milliseconds give the last picture next to no time
        facts = self._facts
        return max(round(facts.length_s * self.fps), round(facts.last_s * self.fps) + 1)

    @cached_property
    def _first(self) -> int:
        """A part begins with a frame of the whole: between two, pictures would come twice."""
        if self._start_s >= self._facts.length_s:
            raise BadInputError(
                f"{_name(self._file)} is {float(self._facts.length_s):.2f} s long: nothing is left "
                f"from {float(self._start_s):.2f} s on. Start earlier."
            )
        return min(round(self._start_s * self.fps), self._total - 1)

    @property
    def audio(self) -> Audio | None:
        """The sound, aligned with the frames, and of a part just as long; None without one."""
        return self._audio

    @cached_property
    def _audio(self) -> Audio | None:
        start_s = self._facts.start_s + self._first / self.fps
        whole = not self._first and not self._duration_s
        return _sound(self._file, start_s, self.frame_count / self.fps, whole)

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        """Frames from number `first` on, uint8 [height, width, 3] RGB."""
        start_s, skipped = self._facts.start_s, self._first
        count, number = self.frame_count, first
        shown: av.VideoFrame | None = None
        from_s = start_s + (skipped + first) / self.fps if skipped + first else None
        with closing(_decoded(self._file, from_s)) as decoded:
            for frame in decoded:
                at = floor((_time_s(frame) - start_s) * self.fps + Fraction(1, 2)) - skipped
                if shown is not None and at > number:
                    until = min(at, count)
                    yield from repeat(self._picture(shown), until - number)
                    number = until
                shown = frame
                if number >= count:
                    return
        if shown is None:
            raise _undecodable(self._file)
        yield from repeat(self._picture(shown), count - number)

    def _picture(self, frame: av.VideoFrame) -> np.ndarray:
        pixels, size = to_rgb(frame), (self.width, self.height)
        if turns := _quarters(frame):
            pixels = np.ascontiguousarray(np.rot90(pixels, turns))
        if (pixels.shape[1], pixels.shape[0]) != size:
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        return pixels

    @cached_property
    def _facts(self) -> _Facts:
        with _open(self._file) as container:
            stream = container.streams.video[0]
            rate = stream.average_rate or stream.guessed_rate
            fps = Fraction(rate) if rate and 0 < rate <= _MAX_FPS else _FALLBACK_FPS
            base, shape = Fraction(stream.time_base or 1), stream.sample_aspect_ratio
            times = [
                (p.pts * base, (p.duration or 0) * base)
                for p in container.demux(stream)
                if p.pts is not None and p.size and not p.is_discard
            ]
        if not times:
            raise _undecodable(self._file)
        start_s = min(time for time, _ in times)
        last_s, shown_s = max(times)
        with closing(_decoded(self._file)) as decoded:
            frame = next(decoded, None)
        if frame is None:
            raise _undecodable(self._file)
        width, height = round(frame.width * (shape or 1)), frame.height
        if _quarters(frame) % 2:
            width, height = height, width
        last_s -= start_s
        return _Facts(width, height, fps, start_s, last_s, last_s + (shown_s or 1 / fps))


def _decoded(file: Any, from_s: Fraction | None = None) -> Generator[av.VideoFrame, None, None]:
    """Frames with a time, from the last key frame not after `from_s` (the file's clock) on."""
    for seeks in (True, False) if from_s is not None else (False,):
        with _open(file) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            if from_s is not None and seeks:
                with suppress(FFmpegError):
                    container.seek(int(from_s / stream.time_base), stream=stream)
            frames = _each(container, stream)
            first = next(frames, None)
            if from_s is not None and seeks and (first is None or _time_s(first) > from_s):
                continue  # without an index FFmpeg guesses: from the start, then
            if first is not None:
                yield first
                yield from frames
            return


def _each(container: Any, stream: Any) -> Iterator[av.VideoFrame]:
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


def _sound(file: Any, start_s: Fraction, length_s: Fraction, whole: bool) -> Audio | None:
    """The file's first sound from `start_s` (the file's clock) on, silent where it pauses.

    `length_s` lasts the picture; of the `whole` film the sound may last longer.
    """
    blocks: list[np.ndarray] = []
    with _open(file) as container:
        stream = next((s for s in container.streams.audio if s.codec_context is not None), None)
        if stream is None:
            return None
        rate, first, count = stream.rate, 0, 0
        resampler = av.AudioResampler(format="fltp")
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except FFmpegError:
                continue
            if not whole and count > length_s * rate:
                break
            for frame in frames:
                at_s = None if frame.pts is None else _time_s(frame) - start_s
                if not blocks:
                    first = count = round((at_s or 0) * rate)
                elif at_s is not None and count / rate + _GAP_S < at_s < length_s:
                    gap = round(at_s * rate) - count
                    blocks.append(np.zeros((len(blocks[0]), gap), np.float32))
                    count += gap
                for block in resampler.resample(frame):
                    blocks.append(block.to_ndarray())
                    count += block.samples
        blocks += [block.to_ndarray() for block in resampler.resample(None)]
    if not blocks:
        return None
    samples = np.concatenate(blocks, axis=1)
    samples = np.pad(samples, ((0, 0), (first, 0))) if first > 0 else samples[:, -first:]
    if not whole:
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
        raise BadInputError(
            f"{_name(file)} cannot be opened as video: {error.strerror or error}. It may be "
            "incomplete: fetch it again, or choose another file."
        ) from error
    if not container.streams.video:
        container.close()
        raise BadInputError(f"{_name(file)} has no video stream: choose a file with pictures.")
    return container


def _undecodable(file: Any) -> BadInputError:
    return BadInputError(
        f"No picture of {_name(file)} can be decoded: convert it to MP4 with H.264, or choose "
        "another file."
    )


def _name(file: Any) -> str:
    return "The video" if isinstance(file, io.BytesIO) else Path(file).name
