"""A talking video of any length: its windows, what each depends on, and what is finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from ..audio import Audio
from ..errors import BadInputError
from ..progress import Tick, no_tick
from ..video import write_mp4
from . import hearing
from .film import Film, Pictures
from .forecast import Forecast
from .portrait import require_size
from .steadying import match_colours, reference
from .window_store import WindowStore, content_hash
from .windows import LATENT_FRAMES, PATCH_PX, Window, frame_count, plan

_VERSION = 2
"""Of how windows are made: another number forgets what is stored."""
_KEPT_CRF = 12
"""Of a window in the store: what it loses is not seen even when encoded again."""
MEMORY_LATENTS = 19
"""S2V remembers 73 frames: 1 + 2 + 16 latents (Wan-S2V, arXiv:2508.18621; FramePack)."""


@dataclass(frozen=True)
class Model:
    """What tells one video model from another."""

    name: str
    fps: int
    """The model knows no other."""
    continues_latents: bool
    """It starts from the latents of the window before, else from its frames."""
    ears: str
    """The size of wav2vec 2.0 that it listens through."""
    heard_width: int
    """How many values that gives for each moment."""


INFINITETALK = Model("InfiniteTalk", 25, False, "base", 768)
S2V = Model("Wan 2.2 S2V", 16, True, "large", 1024)


@dataclass(frozen=True)
class Sampling:
    """How each window is sampled."""

    steps: int
    cfg: float
    sampler_name: str
    scheduler: str
    seed: int
    """Of the first window; each next one adds one."""


@dataclass
class LongVideo:
    """The plan of one video and its way through the store. Knows no ComfyUI."""

    model: Model
    pixels: np.ndarray
    """The portrait, uint8 [H, W, 3]."""
    size: tuple[int, int]
    """Width and height of the video."""
    speeches: list[Audio]
    """Of one speaker, or of two who speak one after the other."""
    window_frames: int
    motion_frames: int
    sampling: Sampling
    store: WindowStore
    weights: Any
    """JSON that names the models and the prompts: other weights, other windows."""
    options: Mapping[str, float]
    """audio_scale, colour_match (0..1), and zoom (1: none), pan_x and pan_y (0: none; 1 and -1:
    to the borders) of the portrait at the end."""
    window_s: list[float] = field(default_factory=list)
    """How long the windows rendered so far took."""

    def __post_init__(self) -> None:
        """Raises BadInputError for a portrait that shows nothing."""
        require_size(self.pixels)
        self._left: tuple[str, dict[str, torch.Tensor]] = "", {}
        """Of the window that was made last: somebody may empty the store meanwhile."""
        # what is no number would make the pictures none, too
        self.speeches = [speech.finite() for speech in self.speeches]

    @cached_property
    def sound(self) -> Audio:
        """The whole speech, for the video."""
        first, *others = self.speeches
        if not others:  # half an hour is large enough once
            return first
        channels = max(len(speech.samples) for speech in self.speeches)
        tracks = [np.broadcast_to(first.samples, (channels, first.samples.shape[1]))]
        for other in others:
            samples = other.resampled(first.rate).samples
            tracks.append(np.broadcast_to(samples, (channels, samples.shape[1])))
        return Audio(np.ascontiguousarray(np.concatenate(tracks, axis=1)), first.rate)

    @cached_property
    def frames(self) -> int:
        return frame_count(self.sound.samples.shape[1], self.sound.rate, self.model.fps)

    @cached_property
    def border(self) -> int | None:
        """The frame at which the second speaker begins."""
        if len(self.speeches) == 1:
            return None
        first = self.speeches[0]
        return frame_count(first.samples.shape[1], first.rate, self.model.fps)

    @cached_property
    def windows(self) -> list[Window]:
        if self.model.continues_latents:
            return plan(self.frames, self.window_frames - 1, 0)
        return plan(self.frames, self.window_frames, self.motion_frames)

    @cached_property
    def voices(self) -> list[Audio]:
        """Each speaker alone, silent while the other speaks, as the model hears them."""
        whole = self.sound.mono().resampled(hearing.RATE)
        if self.border is None:
            return [whole]
        cut = round(self.speeches[0].duration_s * hearing.RATE)
        alone = [whole.samples.copy(), whole.samples.copy()]
        alone[0][:, cut:] = 0
        alone[1][:, :cut] = 0
        return [Audio(samples, hearing.RATE) for samples in alone]

    def remembered(self, window: Window) -> int:
        """Latents before `window` that the model is given, if it continues latents."""
        return min(MEMORY_LATENTS, window.start // LATENT_FRAMES)

    def heard(self, window: Window) -> list[hearing.Excerpt]:
        """What each speaker says in a window, with what the model remembers before it."""
        first = window.start
        if self.model.continues_latents:
            first -= LATENT_FRAMES * self.remembered(window)
        end = window.start + window.length
        return [hearing.excerpt(voice, first, end, self.model.fps) for voice in self.voices]

    def view(self, window: Window) -> tuple[float, float, float]:
        """Zoom, pan_x and pan_y of the portrait in a window: from none to all at the end."""
        share, options = window.start / max(1, self.frames), self.options
        # adding 0 makes 0 of -0, which would have another hash
        pan_x, pan_y = (options[name] * share + 0.0 for name in ("pan_x", "pan_y"))
        return 1 + (options["zoom"] - 1) * share, pan_x, pan_y

    def portrait(self, window: Window) -> np.ndarray:
        """The portrait as a window sees it, uint8 [height, width, 3]."""
        zoom, *pan = self.view(window)
        return reference(self.pixels, *self.size, zoom, (pan[0], pan[1]))

    def seen_mask(self, mask: np.ndarray, window: Window, name: str) -> np.ndarray:
        """A mask of the portrait, float32 [h, w] of any size, as a window sees that.

        float32 [height // 16, width // 16] of 0 and 1, as many as the model has patches. Raises
        BadInputError, with the mask's `name`, when nothing of it is left.
        """
        rows, columns = self.pixels.shape[:2]
        levels = np.asarray(np.clip(mask, 0, 1) * 255, np.uint8)
        levels = cv2.resize(levels, (columns, rows), interpolation=cv2.INTER_AREA)
        zoom, *pan = self.view(window)
        seen = reference(levels, *self.size, zoom, (pan[0], pan[1]))
        patches = self.size[0] // PATCH_PX, self.size[1] // PATCH_PX
        marked = np.asarray(cv2.resize(seen, patches, interpolation=cv2.INTER_AREA)) > 127
        if not marked.any():
            raise BadInputError(
                f"{name} marks nothing of what the video shows of the portrait: paint its speaker."
            )
        return marked.astype(np.float32)

    @cached_property
    def keys(self) -> list[str]:
        """The content hash of each window: all that it depends on, the window before included."""
        sampling = self.sampling
        key = content_hash(
            [_VERSION, self.model.name, self.weights, self.size, self.window_frames],
            [self.motion_frames, sampling.steps, sampling.cfg, sampling.sampler_name],
            [sampling.scheduler, self.options["audio_scale"], self.options["colour_match"]],
            self.pixels,
        )
        keys = []
        for window in self.windows:
            parts: list[Any] = [key, sampling.seed + window.index, self.view(window)]
            for excerpt in self.heard(window):
                parts += [excerpt.lead, excerpt.samples]
            if self.border is not None:
                parts.append(min(max(self.border - window.start, -9), window.length + 9))
            key = content_hash(*parts)
            keys.append(key)
        return keys

    def missing(self) -> list[int]:
        """The windows that are not in the store; the others count as just used."""
        return [index for index, key in enumerate(self.keys) if not self.store.use(key)]

    def before(self, index: int) -> dict[str, torch.Tensor]:
        """What the window before `index` left: "frames" uint8 [N, H, W, 3], or "latents"."""
        if not index:
            return {}
        key = self.keys[index - 1]
        return self._left[1] if self._left[0] == key else self.store.state(key)

    def _finish(self, index: int, state: dict[str, torch.Tensor]) -> None:
        self._left = self.keys[index], state
        self.store.finish(*self._left)

    def keep_frames(self, index: int, frames: np.ndarray, tick: Tick = no_tick) -> np.ndarray:
        """Store a window: its new frames uint8 [N, H, W, 3], led back to the portrait's colours."""
        new = match_colours(
            frames, self.portrait(self.windows[index]), self.options["colour_match"]
        )
        self._write(index, new, tick)
        known = [state.numpy() for state in self.before(index).values()]
        tail = np.concatenate([*known, new])[-self.motion_frames :]
        self._finish(index, {"frames": torch.from_numpy(tail)})
        return new

    def keep_latents(
        self, index: int, frames: np.ndarray, latents: torch.Tensor, tick: Tick = no_tick
    ) -> None:
        """Store a window of a model that continues `latents` [1, C, T, h, w]."""
        self._write(index, frames, tick)
        known = list(self.before(index).values())
        tail = torch.cat([*known, latents.float().cpu()], dim=2)[:, :, -MEMORY_LATENTS:]
        self._finish(index, {"latents": tail})

    def _write(self, index: int, frames: np.ndarray, tick: Tick) -> None:
        window = self.windows[index]
        if len(frames) != window.made:
            raise BadInputError(
                f"The model made {len(frames)} new frames in window {index + 1}, not {window.made}."
            )
        source = Pictures(frames, self.model.fps)
        path = self.store.video(self.keys[index])
        write_mp4(path, source, crf=_KEPT_CRF, repeatable=True, tick=tick)

    def film(self, count: int, folder: Path) -> Film:
        """The first `count` windows as a video; its links to the store's files lie in `folder`."""
        windows = [
            (self.store.video(self.keys[window.index]), window.keep)
            for window in self.windows[:count]
        ]
        return Film(windows, self.sound, self.model.fps, self.size, folder)

    def forecast(self) -> Forecast:
        width, height = self.size
        if self.model.continues_latents:
            state = MEMORY_LATENTS * 16 * (width // 8) * (height // 8) * 4
        else:
            state = self.motion_frames * width * height * 3
        return Forecast(
            windows=len(self.windows),
            missing=len(self.missing()),
            frames=self.frames,
            fps=self.model.fps,
            width=width,
            height=height,
            length=self.window_frames,
            state_bytes=state,
        )
