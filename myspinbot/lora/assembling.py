"""From a user's pictures to a dataset: look, crop, caption, mask, fill up, warn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch

from ..errors import BadInputError
from ..face import Face
from ..progress import Tick, no_tick
from . import captioning, judging, loss_mask
from .dataset import LoraDataset, TrainingImage
from .framing import FACE_SCALE, Window, face_window, whole_window
from .reporting import report
from .sources import Source
from .variants import draw_variant

Crop = Literal["both", "face", "whole"]
FindFaces = Callable[[np.ndarray], Sequence[Face]]
"""Faces in uint8 [H, W, 3] RGB, the most prominent first; a second one is only warned of."""

MIN_SIDE_PX = 64
MAX_ENLARGEMENT = 1.5
SAME_VIEW = 0.85
"""A face crop whose side is this much of the whole picture's shows nothing that it does not."""
LEAST_SHOWN = 0.5
"""Of a whole picture that is longer than any bucket; below it a warning tells."""
RIVAL_SIZE = 0.6
"""A second face this large, relative to the first, leaves open who is meant."""


@dataclass(frozen=True)
class DatasetSettings:
    trigger: str = "ohwx"
    class_word: str = "person"
    captions: str = ""
    """One a line in the order of the pictures, or one for all; empty lines are made."""
    crop: Crop = "both"
    resolution_px: int = 512
    min_images: int = 12
    """Altered copies fill up to it."""
    may_mirror: bool = True
    """Whether half of the copies are mirrored."""
    mask_face: bool = True
    """Whether the loss looks at the head alone, where there is one."""
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Assembled:
    dataset: LoraDataset
    labels: tuple[str, ...]
    """Where each image comes from, in a few words."""
    report: str


@dataclass(frozen=True, eq=False)
class _Picture:
    """What is kept of a source when its pixels are gone."""

    source: Source
    caption: str
    size: tuple[int, int]
    face: Face | None
    mask: np.ndarray | None
    """float32 [H, W] of the user's."""
    fingerprint: np.ndarray
    detail: float
    enlarged: bool


@dataclass
class _Work:
    settings: DatasetSettings
    images: list[TrainingImage] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, label: str, pixels: np.ndarray, caption: str, mask: np.ndarray | None) -> None:
        loaded = torch.from_numpy(pixels).float() / 255
        weight = None if mask is None else torch.from_numpy(mask)
        self.images.append(TrainingImage(loaded, caption, weight))
        self.labels.append(label)


def assemble(
    sources: Sequence[Source],
    settings: DatasetSettings,
    find_faces: FindFaces,
    tick: Tick = no_tick,
) -> Assembled:
    """Make the dataset. Pictures that cannot be used are skipped and named in its warnings.

    Raises BadInputError when none can be used, when `crop` is "face" and nowhere is one, and when
    the captions do not fit.
    """
    if not sources:
        raise BadInputError("There are no pictures: connect images, or choose a folder of them.")
    given = captioning.caption_lines(settings.captions, len(sources))
    work = _Work(settings)
    pictures: list[_Picture] = []
    for number, (source, line) in enumerate(zip(sources, given, strict=True)):
        tick(number, len(sources))
        if picture := _take(work, source, line or source.caption, find_faces):
            pictures.append(picture)
    _check_any(work, pictures, len(sources))
    _fill_up(work, pictures, tick)
    work.warnings += judging.remarks(
        [picture.source.name for picture in pictures],
        [None if picture.enlarged else picture.detail for picture in pictures],
        [picture.fingerprint for picture in pictures],
    )
    tick(len(sources), len(sources))
    dataset = LoraDataset.of(
        work.images,
        trigger=settings.trigger.strip(),
        class_word=settings.class_word.strip(),
        warnings=work.warnings,
    )
    faces = sum(picture.face is not None for picture in pictures)
    return Assembled(dataset, tuple(work.labels), report(dataset, len(pictures), faces))


def _take(work: _Work, source: Source, given: str, find_faces: FindFaces) -> _Picture | None:
    """Add what a source shows to the work; None, with a warning, when it cannot be used."""
    settings = work.settings
    try:
        pixels = source.load()
    except BadInputError as error:
        work.warnings.append(f"{source.name} was skipped: {error}.")
        return None
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE_PX:
        work.warnings.append(
            f"{source.name} was skipped: it has {width} x {height} pixels, and {MIN_SIDE_PX} a "
            "side are the least."
        )
        return None
    face = source.face or _only_face(work, source.name, find_faces(pixels))
    mask = _given_mask(work, source, height, width)
    windows = _windows(settings, height, width, face)
    for kind, window in windows.items():
        caption = captioning.caption_for(
            given, settings.trigger, settings.class_word, close_up=kind == "face"
        )
        weight = _weight(settings, face, mask, window)
        work.add(f"{source.name}, {kind}", window.cut(pixels), caption, weight)
    shown = windows["whole"].share_of(height, width) if "whole" in windows else 1.0
    if shown < LEAST_SHOWN:
        work.warnings.append(
            f"{source.name} is {width} x {height}, and {shown:.0%} of it is learned: cut it "
            "to what is meant."
        )
    closest = windows.get("face") or windows["whole"]
    enlarged = closest.enlargement > MAX_ENLARGEMENT
    if enlarged:
        part = "face" if closest is windows.get("face") else "picture"
        work.warnings.append(
            f"The {part} of {source.name} is enlarged {closest.enlargement:.1f} times, and its "
            "softness is learned, too: use a larger picture or a smaller resolution."
        )
    fingerprint, detail = judging.fingerprint(pixels), judging.detail(closest.cut(pixels))
    return _Picture(source, given, (height, width), face, mask, fingerprint, detail, enlarged)


def _only_face(work: _Work, name: str, faces: Sequence[Face]) -> Face | None:
    if not faces:
        if work.settings.crop != "whole":
            work.warnings.append(f"No face was found in {name}: it is used whole.")
        return None
    if len(faces) > 1 and faces[1].size_px >= RIVAL_SIZE * faces[0].size_px:
        work.warnings.append(
            f"{name} shows several people, and the largest is taken for the one that is meant: cut "
            "it to that one."
        )
    return faces[0]


def _windows(
    settings: DatasetSettings, height: int, width: int, face: Face | None
) -> dict[str, Window]:
    whole = whole_window(height, width, settings.resolution_px, face)
    if face is None or settings.crop == "whole":
        return {"whole": whole}
    close = face_window(height, width, settings.resolution_px, face)
    if settings.crop == "face":
        return {"face": close}
    if close.x1 - close.x0 >= SAME_VIEW * min(height, width) and height == width:
        return {"whole": whole}
    return {"face": close, "whole": whole}


def _is_close_up(face: Face | None, window: Window) -> bool:
    return face is not None and window.x1 - window.x0 <= 1.1 * FACE_SCALE * face.size_px


def _given_mask(work: _Work, source: Source, height: int, width: int) -> np.ndarray | None:
    if source.mask is None:
        return None
    if not source.mask.any():
        work.warnings.append(f"The mask of {source.name} is empty and was ignored.")
        return None
    return loss_mask.fitted(source.mask, height, width)


def _weight(
    settings: DatasetSettings, face: Face | None, mask: np.ndarray | None, window: Window
) -> np.ndarray | None:
    """float32 [H, W] of a window: the user's mask, or the head, or nothing."""
    if mask is not None:
        return window.cut(mask).clip(0, 1)
    return None if face is None or not settings.mask_face else loss_mask.head(face, window)


def _check_any(work: _Work, pictures: Sequence[_Picture], asked: int) -> None:
    if not pictures:
        raise BadInputError(
            f"None of the {asked} pictures can be used. {' '.join(work.warnings[:5])}"
        )
    if work.settings.crop == "face" and all(picture.face is None for picture in pictures):
        raise BadInputError(
            f"No face was found in {', '.join(p.source.name for p in pictures[:5])}, and crop is "
            "'face'. Use pictures in which one face is upright and well lit, or crop 'whole' for "
            "things and styles."
        )


def _fill_up(work: _Work, pictures: Sequence[_Picture], tick: Tick) -> None:
    """Add altered copies until there are enough images, of each picture as many as of any."""
    settings = work.settings
    lacking = max(settings.min_images - len(work.images), 0)
    for turn, picture in enumerate(pictures[:lacking]):
        pixels = picture.source.load()  # one at a time is in memory
        for number in range(turn, lacking, len(pictures)):
            tick(len(work.images), settings.min_images)
            variant = draw_variant(
                np.random.default_rng([settings.seed, number]),
                *picture.size,
                settings.resolution_px,
                picture.face,
                may_mirror=settings.may_mirror,
            )
            weight = _weight(settings, picture.face, picture.mask, variant.window)
            caption = captioning.caption_for(
                picture.caption,
                settings.trigger,
                settings.class_word,
                close_up=_is_close_up(picture.face, variant.window),
            )
            work.add(
                f"{picture.source.name}, altered",
                variant.apply(pixels),
                caption,
                None if weight is None else variant.place(weight),
            )
