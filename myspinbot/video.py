"""Frames in, frames out, one at a time. Knows containers and colour, not who makes frames."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace

from .audio import Audio
from .errors import BadInputError
from .files import replacing
from .progress import Tick, no_tick

AUDIO_BLOCK = 1024
"""Samples per AAC frame."""


class FrameSource(Protocol):
    """A video that is made while it is read; iterating `frames()` again makes it again."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def fps(self) -> Fraction: ...

    @property
    def frame_count(self) -> int: ...

    @property
    def audio(self) -> Audio | None: ...

    def frames(self) -> Iterator[np.ndarray]:
        """Yield `frame_count` arrays uint8 [height, width, 3] RGB, each valid until the next."""
        ...


def write_mp4(
    path: str | os.PathLike,
    source: FrameSource,
    *,
    crf: float = 18,
    preset: str = "veryfast",
    metadata: Mapping[str, object] | None = None,
    tick: Tick = no_tick,
    watch: Callable[[np.ndarray], object] | None = None,
) -> None:
    """Encode `source` to H.264 + AAC at constant memory; `path` appears only when it is complete.

    Width and height must be even. `crf` 0..51, lower is better. `metadata` values that are not
    strings are stored as JSON, as ComfyUI stores its workflows. `watch` sees each frame before
    `tick` counts it.
    """
    if source.width % 2 or source.height % 2:
        raise BadInputError(f"H.264 needs even dimensions, not {source.width}x{source.height}.")
    options = {"movflags": "use_metadata_tags+faststart"}
    with (
        replacing(path) as partial,
        av.open(os.fspath(partial), "w", format="mp4", options=options) as container,
    ):
        for key, value in (metadata or {}).items():
            container.metadata[key] = value if isinstance(value, str) else json.dumps(value)
        _encode(container, source, {"crf": str(crf), "preset": preset}, tick, watch)


def _encode(
    container,
    source: FrameSource,
    options: dict[str, str],
    tick: Tick,
    watch: Callable[[np.ndarray], object] | None,
) -> None:
    video = container.add_stream("libx264", rate=source.fps, options=options)
    video.width, video.height, video.pix_fmt = source.width, source.height, "yuv420p"
    # OpenCV's exact integer conversion is BT.601 limited range; say so, or players guess by size.
    video.codec_context.colorspace = Colorspace.ITU601
    video.codec_context.color_primaries = 6
    video.codec_context.color_trc = 6
    video.codec_context.color_range = ColorRange.MPEG
    sound = _AudioTrack(container, source.audio) if source.audio is not None else None
    count = 0
    for count, rgb in enumerate(source.frames(), 1):
        planes = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = count - 1, 1 / source.fps
        container.mux(video.encode(frame))
        if sound:
            sound.write_until(float(count / source.fps))
        if watch:
            watch(rgb)
        tick(count, source.frame_count)
    container.mux(video.encode(None))
    if sound:
        sound.finish()


class _AudioTrack:
    """Feeds audio to the muxer in step with the picture, so nothing piles up in the interleaver."""

    def __init__(self, container, audio: Audio):
        samples = audio.samples if len(audio.samples) <= 2 else audio.mono().samples
        self.audio = Audio(samples, audio.rate if audio.rate in _AAC_RATES else 48000)
        if audio.rate not in _AAC_RATES:
            self.audio = Audio(samples, audio.rate).resampled(48000)
        self.layout = "mono" if len(samples) == 1 else "stereo"
        self.container = container
        self.stream = container.add_stream("aac", rate=self.audio.rate, layout=self.layout)
        self.stream.bit_rate = 160_000
        self.position = 0

    def write_until(self, seconds: float) -> None:
        while self.position + AUDIO_BLOCK <= min(
            seconds * self.audio.rate, self.audio.samples.shape[1]
        ):
            self._write(AUDIO_BLOCK)

    def finish(self) -> None:
        while self.position < self.audio.samples.shape[1]:
            self._write(AUDIO_BLOCK)
        self.container.mux(self.stream.encode(None))

    def _write(self, count: int) -> None:
        block = self.audio.samples[:, self.position : self.position + count]
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block), format="fltp", layout=self.layout
        )
        frame.sample_rate = self.audio.rate
        frame.pts, frame.time_base = self.position, Fraction(1, self.audio.rate)
        self.container.mux(self.stream.encode(frame))
        self.position += block.shape[1]


_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


def read_frames(path: str | os.PathLike) -> Iterator[np.ndarray]:
    """Decode a file's first video stream to uint8 [H, W, 3] RGB, one frame at a time."""
    with _open(path) as container:
        for frame in container.decode(container.streams.video[0]):
            yield frame.to_ndarray(format="rgb24")


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


def _open(path: str | os.PathLike):
    try:
        container = av.open(os.fspath(path))
    except FFmpegError as error:
        raise BadInputError(f"{Path(path).name} cannot be opened as video: {error}") from error
    if not container.streams.video:
        container.close()
        raise BadInputError(f"{Path(path).name} has no video stream.")
    return container


def stack(frames: Iterable[np.ndarray], count: int, height: int, width: int) -> np.ndarray:
    """Hold a whole video in memory as float32 [count, height, width, 3] 0..1."""
    images = np.empty((count, height, width, 3), np.float32)
    for index, frame in enumerate(frames):
        np.multiply(frame, np.float32(1 / 255), out=images[index])
    return images


def fit_within(pixels: np.ndarray, max_side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale an image [H, W, C] down so that no side exceeds `max_side_px` (0: any size).

    Returns it with the matrix [2, 3] from old to new pixel coordinates.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, max_side_px / max(height, width)) if max_side_px else 1.0
    shift = (scale - 1) / 2  # integers are the centres of pixels
    matrix = np.array([[scale, 0, shift], [0, scale, shift]])
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return pixels, matrix
