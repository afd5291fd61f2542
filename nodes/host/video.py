"""ComfyUI's VIDEO over frames that do not exist yet."""

from __future__ import annotations

import os
import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths
from comfy_api.latest import Input, InputImpl, Types

from .progress import VideoTicker

if TYPE_CHECKING:
    from ...myspinbot.video import FrameSource


class RenderedVideo(Input.Video):
    """A VIDEO that is rendered once, into ComfyUI's temp folder, when somebody first needs frames.

    From then on it is that file: every consumer streams it, and core's Save Video only copies
    packets. Memory does not grow with the length.
    """

    def __init__(self, source: FrameSource):
        self._source = source
        self._path = ""
        self._lock = threading.Lock()

    def _file(self) -> InputImpl.VideoFromFile:
        from ...myspinbot.video import write_mp4

        with self._lock:
            if not os.path.isfile(self._path):
                folder = Path(folder_paths.get_temp_directory())
                path = folder / f"myspinbot_{id(self):x}_{os.urandom(4).hex()}.mp4"
                ticker = VideoTicker()
                write_mp4(path, self._source, tick=ticker, watch=ticker.watch)
                self._path = str(path)
        return InputImpl.VideoFromFile(self._path)

    def get_components(self) -> Types.VideoComponents:
        return self._file().get_components()

    def save_to(self, path, **options):
        self._file().save_to(path, **options)

    def as_trimmed(self, start_time=None, duration=None, strict_duration=False):
        return self._file().as_trimmed(start_time or 0, duration or 0, strict_duration)

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
