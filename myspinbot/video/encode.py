"""Frames and sound into an MP4, at constant memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from ..audio import Audio
from ..errors import BadInputError
from ..files import not_written, replacing
from ..progress import Tick, no_tick
from .colour import Matrix, to_yuv
from .source import FrameSource

AUDIO_BLOCK = 1024
"""Samples per AAC frame."""
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


class Mp4Writer:
    """An H.264 + AAC file that grows frame by frame; `path` appears only when it is complete.

    Use as a context manager, and `write` every frame. Width and height must be even. `crf` 0..51,
    lower is better. `metadata` values that are not strings are stored as JSON, as ComfyUI stores
    its workflows. `repeatable`: equal frames make an equal file, for a tenth more of the time.
    Raises BadInputError for odd sizes, StorageError when the disk takes no more.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        width: int,
        height: int,
        fps: Fraction,
        audio: Audio | None = None,
        crf: float = 18,
        preset: str = "veryfast",
        metadata: Mapping[str, object] | None = None,
        matrix: Matrix = Matrix.BT601,
        repeatable: bool = False,
    ):
        if width % 2 or height % 2:
            raise BadInputError(f"H.264 needs even dimensions, not {width}x{height}.")
        self.frame_count = 0
        self._path, self._size, self._fps = Path(path), (width, height), fps
        self._sound, self._metadata, self._matrix = audio, metadata or {}, matrix
        self._options = {"crf": str(crf), "preset": preset}
        if repeatable and _has_avx512():
            # what x264 0.165 has for AVX-512 decides otherwise once in ten files of noise
            self._options["x264-params"] = "asm=AVX2"

    def __enter__(self) -> Mp4Writer:
        with ExitStack() as stack:
            try:
                self._partial = stack.enter_context(replacing(self._path))
                self._open(stack, self._partial)
            except (FFmpegError, OSError) as error:
                raise not_written(self._path, error) from error
            self._stack = stack.pop_all()
        return self

    def _open(self, stack: ExitStack, partial: Path) -> None:
        options = {"movflags": "use_metadata_tags+faststart"}
        container = av.open(os.fspath(partial), "w", format="mp4", options=options)
        self._container = stack.enter_context(container)
        for key, value in self._metadata.items():
            container.metadata[key] = value if isinstance(value, str) else json.dumps(value)
        self._video = container.add_stream("libx264", rate=self._fps, options=self._options)
        self._video.width, self._video.height = self._size
        self._video.pix_fmt = "yuv420p"
        self._matrix.tag(self._video.codec_context)
        self._track = _AudioTrack(container, self._sound) if self._sound is not None else None

    def write(self, rgb: np.ndarray) -> None:
        """Append one frame, uint8 [height, width, 3] RGB."""
        frame = to_yuv(rgb, self._matrix)
        frame.pts, frame.time_base = self.frame_count, 1 / self._fps
        self.frame_count += 1
        try:
            self._container.mux(self._video.encode(frame))
            if self._track:
                self._track.write_until(float(self.frame_count / self._fps))
        except FFmpegError as error:
            raise not_written(self._path, error) from error

    def __exit__(self, kind, value, traceback) -> None:
        if kind is not None:
            with suppress(FFmpegError, OSError):
                # or closing would first move all of a file about that is then removed
                self._partial.unlink()
            with suppress(FFmpegError, OSError):
                self._stack.__exit__(kind, value, traceback)
            return
        try:
            with self._stack:
                self._container.mux(self._video.encode(None))
                if self._track:
                    self._track.finish()
        except (FFmpegError, OSError) as error:
            raise not_written(self._path, error) from error


def _has_avx512() -> bool:
    import torch  # large, and only few need it here

    return torch.backends.cpu.get_cpu_capability() == "AVX512"


def write_mp4(
    path: str | os.PathLike,
    source: FrameSource,
    *,
    crf: float = 18,
    preset: str = "veryfast",
    metadata: Mapping[str, object] | None = None,
    matrix: Matrix = Matrix.BT601,
    repeatable: bool = False,
    tick: Tick = no_tick,
    watch: Callable[[np.ndarray], object] | None = None,
) -> None:
    """Encode all of `source` as `Mp4Writer` does. `watch` sees a frame before `tick` counts it."""
    writer = Mp4Writer(
        path,
        width=source.width,
        height=source.height,
        fps=source.fps,
        audio=source.audio,
        crf=crf,
        preset=preset,
        metadata=metadata,
        matrix=matrix,
        repeatable=repeatable,
    )
    # a cancelled generator would else live, with its files, until the error has been shown
    with writer, closing(_generator(source)) as frames:
        for rgb in frames:
            writer.write(rgb)
            if watch:
                watch(rgb)
            tick(writer.frame_count, source.frame_count)


def _generator(source: FrameSource):
    yield from source.frames()


class _AudioTrack:
    """Feeds audio to the muxer in step with the picture, so nothing piles up in the interleaver."""

    def __init__(self, container, audio: Audio):
        samples = audio.stereo().samples
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
