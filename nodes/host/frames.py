"""Sources of frames that ComfyUI's VIDEO objects are."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from comfy_api.latest import Types

from ...myspinbot.audio import Audio
from ...myspinbot.errors import BadInputError
from ...myspinbot.video import FrameSource, Stage
from .instrumentation import frame_clock

if TYPE_CHECKING:
    from .video import RenderedVideo


class Replayed(Stage):
    """What a RenderedVideo shows; keeps it, and so its file, alive."""

    def __init__(self, video: RenderedVideo, source: FrameSource):
        super().__init__(source)
        self._video = video

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        return self._video.made(first)


class Timed(Stage):
    """Passes frames on, and counts what making them took the stage that does."""

    def frames(self) -> Iterator[np.ndarray]:
        stage = self.source
        while isinstance(stage, Stage) and _only_passes(stage):
            stage = stage.source
        frames = self.source.frames()
        if isinstance(stage, Replayed):  # counted there
            return frames
        return frame_clock().timed(type(stage).__name__, frames)


def _only_passes(stage: Stage) -> bool:
    return type(stage).frames is Stage.frames or type(stage).__name__.startswith("_")


class TensorFrames:
    """Frames of an IMAGE batch that is in memory."""

    def __init__(self, components: Types.VideoComponents):
        """Raises BadInputError when there are none."""
        if not len(components.images):
            raise BadInputError("The video has no frames: look at the node that makes its images.")
        self._images = components.images
        self.frame_count, self.height, self.width = (int(n) for n in self._images.shape[:3])
        self.fps = Fraction(components.frame_rate)
        sound = components.audio
        self.audio: Audio | None = None
        if sound is not None and sound["waveform"].shape[-1]:
            samples = sound["waveform"][0].detach().float().cpu().numpy()
            length = ceil(self.frame_count / self.fps * sound["sample_rate"])  # as core cuts it
            self.audio = Audio(samples[:, :length], int(sound["sample_rate"]))

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        for image in self._images[first:]:
            pixels = image[..., :3].detach().float().cpu().numpy()
            yield (np.clip(pixels, 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)
