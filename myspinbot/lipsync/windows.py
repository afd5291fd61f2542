"""Which frames of a long talking video each run of a video model makes.

A model makes a window of a few seconds; the next one starts from its last frames. Pure arithmetic:
the plan is the same whoever renders it, and resuming relies on that.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..errors import BadInputError

LATENT_FRAMES = 4
"""Frames that one latent of Wan's VAE holds, the first one apart."""

PATCH_PX = 16
"""What the model attends to in one piece, and so what sizes are multiples of."""

LONGEST_SIDE_PX, WIDEST = 1280, 2.5
"""Models know neither pictures longer than this nor wider than this many times their height."""

DECODE_CONTEXT = 4
"""Latents before a window that its decoding starts from where latents continue: decoders look back.
"""


@dataclass(frozen=True)
class Window:
    """One run of the model, in frames of the whole video."""

    index: int
    start: int
    """The frame that its first frame shows; the audio it hears begins there, too."""
    length: int
    """Frames the model makes."""
    known: int
    """How many of them, at its start, repeat the window before and are dropped."""
    keep: int
    """How many after those belong to the video; fewer than are made only in the last window."""

    @property
    def first(self) -> int:
        """The first frame that is new."""
        return self.start + self.known

    @property
    def end(self) -> int:
        """One past the last frame that is kept."""
        return self.first + self.keep

    @property
    def made(self) -> int:
        """New frames, those past the end of the video included."""
        return self.length - self.known


def frame_count(samples: int, rate: int, fps: Fraction | int) -> int:
    """Frames of a video as long as `samples` at `rate` Hz, rounded half up, at least one."""
    return max(1, int(Fraction(samples, rate) * fps + Fraction(1, 2)))


def plan(frames: int, length: int, known: int) -> list[Window]:
    """Cover `frames` frames, each once, with windows of `length` of which `known` overlap.

    The first window has nothing before it. `length` and `known` fit the VAE when they are 4n+1
    (or, for a model that continues latents, 4n and 0): see `check_window`.
    """
    if not 0 <= known < length:
        raise BadInputError(f"{known} known frames leave nothing new in a window of {length}.")
    windows = [Window(0, 0, length, 0, min(length, frames))]
    while (last := windows[-1]).end < frames:
        start = last.end - known
        keep = min(length - known, frames - last.end)
        windows.append(Window(last.index + 1, start, length, known, keep))
    return windows


def check_window(length: int, known: int) -> None:
    """Raise BadInputError unless both lengths are 4n+1, as the VAE counts, and something is new."""
    for name, value in (("window_frames", length), ("motion_frames", known)):
        if value % LATENT_FRAMES != 1:
            near = max(1, value // LATENT_FRAMES * LATENT_FRAMES + 1)
            raise BadInputError(f"{name} is {value}, but must be 4n+1: {near}, for instance.")
    if known >= length:
        raise BadInputError(
            f"motion_frames ({known}) must be less than window_frames ({length}): nothing is new."
        )


def _check_length(image_size: tuple[int, int], found: tuple[float, float], given: int) -> None:
    sides = dict(zip(("width", "height"), found, strict=True))
    long = max(sides, key=lambda name: sides[name])
    if sides[long] == given or sides[long] <= max(LONGEST_SIDE_PX, WIDEST * given):
        return
    short = "height" if long == "width" else "width"
    size, portrait = (f"{round(w)} x {round(h)}" for w, h in (found, image_size))
    raise BadInputError(
        f"A {short} of {given} makes a video of {size} from a portrait of {portrait}. Set {long}, "
        f"too ({round(given * 832 / 480 / 16) * 16}, for instance): what is beyond is cut off. Or "
        "crop the portrait around the face."
    )


def fit_size(image_size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """(width, height) of the video: as given, or where 0, from the image's shape.

    Both 0: the area of 832x480, the size the 480p models were trained at. Multiples of 16.
    BadInputError if one is given and the shape makes the other far longer than any model knows.
    """
    image_width, image_height = image_size
    if width and height:
        found = width, height
    elif width or height:
        scale = width / image_width if width else height / image_height
        found = width or image_width * scale, height or image_height * scale
        _check_length(image_size, found, width or height)
    else:
        scale = (832 * 480 / (image_width * image_height)) ** 0.5
        found = image_width * scale, image_height * scale
    width, height = (max(1, round(side / PATCH_PX)) * PATCH_PX for side in found)
    return width, height
