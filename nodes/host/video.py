"""ComfyUI's VIDEO over frames that do not exist yet, and frames out of any VIDEO."""

from __future__ import annotations

import os
import shutil
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folder_paths
import numpy as np
import torch
from comfy_api.latest import Input, InputImpl, Types

from ...myspinbot.errors import StorageError
from ...myspinbot.files import not_written, replacing
from .instrumentation import frame_clock, metrics
from .progress import VideoTicker

if TYPE_CHECKING:
    from ...myspinbot.video import FrameSource, SeekableSource
    from ...myspinbot.video.credentials import Credentials

_KEPT_CRF = 12
"""Of the copy that later stages work on: what it loses is not seen even when encoded again."""


class RenderedVideo(Input.Video):
    """A VIDEO that is rendered once, into ComfyUI's temp folder, when somebody first needs a file.

    From then on it is that file: every consumer streams it, and core's Save Video only copies
    packets. Memory does not grow with the length. Stages of ours read `source` instead and need no
    file. With `keep`, for frames that are dear, such a stage leaves a file behind in passing, so
    that no later one makes them again. The file lives as long as this object. The sound is always
    the source's own, to the sample.
    """

    def __init__(self, source: FrameSource, keep: bool = False):
        from ...myspinbot.video import even

        self._source = even(source)
        self._keep = keep
        self._path = ""
        self._lock = threading.Lock()

    @property
    def source(self) -> SeekableSource:
        """The frames and the sound, without a file between if there is none yet."""
        from .frames import Replayed

        return Replayed(self, self._source)

    def made(self, first: int = 0) -> Iterator[np.ndarray]:
        """The frames from number `first` on: sought in the file if there is one."""
        from ...myspinbot.video import FileFrames
        from .frames import Timed

        if os.path.isfile(self._path):
            return FileFrames(self._path).frames(first)
        frames = Timed(self._source).frames()
        if self._keep:
            frames = self._copied(frames)
        return islice(frames, first, None) if first else frames

    def _copied(self, frames: Any) -> Iterator[np.ndarray]:
        """Pass the frames on, and keep them."""
        from ...myspinbot.video import Mp4Writer

        path, source = _temporary("mp4"), self._source
        writer = Mp4Writer(
            path,
            width=source.width,
            height=source.height,
            fps=source.fps,
            audio=source.audio,
            crf=_KEPT_CRF,
            preset="ultrafast",
        )
        with writer, closing(frames):
            for frame in frames:
                writer.write(frame)
                yield frame
        self._adopt(path)

    def _file(self) -> InputImpl.VideoFromFile:
        from ...myspinbot.video import write_mp4
        from .frames import Timed

        with self._lock:
            if not os.path.isfile(self._path):
                path, ticker = _temporary("mp4"), VideoTicker()
                with _encoding(self._source):
                    write_mp4(path, Timed(self._source), tick=ticker, watch=ticker.watch)
                self._adopt(path)
        return InputImpl.VideoFromFile(self._path)

    def _adopt(self, path: Path) -> None:
        self._path = str(path)
        weakref.finalize(self, _remove, self._path)

    def get_components(self) -> Types.VideoComponents:
        """All frames at once, as core wants them; the tensor lies in a file, not in memory."""
        sound = self._source.audio
        return Types.VideoComponents(
            images=_on_disk(self.source),
            audio=sound
            and {"waveform": torch.from_numpy(sound.samples)[None], "sample_rate": sound.rate},
            frame_rate=self._source.fps,
        )

    def save_to(self, path, **options):
        if not isinstance(path, str | os.PathLike):
            self._file().save_to(path, **options)
            return
        video = self._file()
        try:
            with replacing(path) as partial:
                video.save_to(str(partial), **options)
        except OSError as error:
            raise not_written(path, error) from error

    def as_trimmed(self, start_time=None, duration=None, strict_duration=False):
        """Cut lazily, to the frame; None when nothing is left, or less than asked if strict."""
        from ...myspinbot.video import Trimmed

        total, fps = self._source.frame_count, self._source.fps
        first = round((start_time or 0) * fps)
        first = first if first >= 0 else max(total + first, 0)
        wanted = max(round(duration * fps), 1) if duration else total - first
        count = min(wanted, total - first)
        if count <= 0 or (strict_duration and count < wanted):
            return None
        return RenderedVideo(Trimmed(self.source, first, count))

    def get_stream_source(self):
        return self._file().get_stream_source()

    def get_active_trim_window(self) -> tuple[float, float]:
        return 0.0, 0.0

    def get_dimensions(self) -> tuple[int, int]:
        return self._source.width, self._source.height

    def get_duration(self) -> float:
        return float(self._source.frame_count / self._source.fps)

    def get_frame_count(self) -> int:
        return self._source.frame_count

    def get_frame_rate(self) -> Fraction:
        return self._source.fps

    def get_container_format(self) -> str:
        return "mp4"

    def get_bit_depth(self) -> int:
        return 8

    def get_color_space(self):
        """Asked for from ComfyUI 0.33 on."""
        video: Any = self._file()
        return video.get_color_space()


def frame_source(video: Input.Video) -> FrameSource:
    """Frames and sound of any VIDEO: ours stay lazy, files are decoded as they are read."""
    return video.source if isinstance(video, RenderedVideo) else seekable_source(video)


def seekable_source(video: Input.Video) -> SeekableSource:
    """The same by number: a VIDEO of ours that has no file yet is rendered for it."""
    from ...myspinbot.video import FileFrames
    from .frames import TensorFrames

    if isinstance(video, InputImpl.VideoFromComponents):
        return TensorFrames(video.get_components())
    start_s, duration_s = video.get_active_trim_window()
    return FileFrames(video.get_stream_source(), start_s=start_s, duration_s=duration_s)


def _temporary(suffix: str) -> Path:
    """A name for a new file in ComfyUI's temp folder, which is emptied at start and exit."""
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"myspinbot_{os.urandom(8).hex()}.{suffix}"


def _remove(path: str | os.PathLike) -> None:
    """Windows keeps what is still open; it goes when ComfyUI empties its temp folder."""
    with suppress(OSError):
        os.unlink(path)


def _on_disk(source: FrameSource) -> torch.Tensor:
    """ComfyUI's IMAGE [N, H, W, 3] 0..1 of all frames, mapped from a file without a name."""
    path, ticker = _temporary("frames"), VideoTicker()
    shape = source.frame_count, source.height, source.width, 3
    size = int(np.prod(shape, dtype=np.int64))
    free = shutil.disk_usage(path.parent).free
    if 4 * size > free:
        raise StorageError(
            f"{shape[0]} frames as IMAGE take {4 * size / 1e9:.1f} GB, and {path.parent} has "
            f"{free / 1e9:.1f} GB left. Keep the video a VIDEO (Upscale Video, Restore Faces, Save "
            "Talking Bot), or trim it first."
        )
    try:
        with open(path, "wb") as file:
            for number, frame in enumerate(source.frames(), 1):
                np.multiply(frame, np.float32(1 / 255), dtype=np.float32).tofile(file)
                ticker.watch(frame)
                ticker(number, shape[0])
        return torch.from_file(str(path), shared=True, size=size).view(shape)
    except OSError as error:
        raise StorageError(
            f"{shape[0]} frames as IMAGE could not be written: {error}. Free space in "
            f"{path.parent}, then run again: what is finished is not made again."
        ) from error
    finally:
        _remove(path)


def save(
    path: Path,
    source: FrameSource,
    *,
    crf: float,
    preset: str,
    metadata: dict[str, Any] | None,
    credentials: Credentials | None = None,
) -> None:
    """Encode `source` to `path`, reporting to the running node and heeding its cancel.

    With `credentials` the file is signed before it gets its name.
    """
    from ...myspinbot.video import write_mp4
    from ...myspinbot.video.colour import Matrix
    from .frames import Timed

    ticker = VideoTicker()
    with ExitStack() as stack:
        written = stack.enter_context(replacing(path)) if credentials else path
        with _encoding(source):
            write_mp4(
                written,
                Timed(source),
                crf=crf,
                preset=preset,
                metadata=metadata,
                matrix=Matrix.usual(source.height),
                tick=ticker,
                watch=ticker.watch,
            )
        if credentials:
            credentials.sign(written, path.name)


@contextmanager
def _encoding(source: FrameSource) -> Iterator[None]:
    """Count what the block, which encodes all of `source`, takes without making the frames."""
    with frame_clock().own() as own:
        yield
    count = source.frame_count
    metrics().encoded(count, own.seconds, float(count / source.fps))
