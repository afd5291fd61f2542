"""What a LoRA is trained on: images with captions and loss masks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import BadInputError

GRID_PX = 16
"""Sides are whole multiples of it: one latent patch of every family; 64 from 256 px on."""


@dataclass(frozen=True, eq=False)
class TrainingImage:
    pixels: torch.Tensor
    """float32 [H, W, 3] RGB 0..1, both sides multiples of GRID_PX."""
    caption: str
    mask: torch.Tensor | None = None
    """float32 [H, W] 0..1, the weight of each pixel in the loss; None weighs all the same."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


@dataclass(frozen=True, eq=False)
class LoraDataset:
    """What SPINBOT_DATASET carries; make it with `LoraDataset.of`."""

    images: tuple[TrainingImage, ...]
    trigger: str
    """The invented word that stands for the subject in every caption, such as "sks"."""
    class_word: str
    """What the subject is, such as "woman": the captions of prior preservation."""
    sha256: str
    """Of pixels, captions and masks: equal datasets train equally."""
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        images: Sequence[TrainingImage],
        *,
        trigger: str,
        class_word: str,
        warnings: Sequence[str] = (),
    ) -> LoraDataset:
        """Check the images and hash them; raises BadInputError on none or an odd size."""
        if not images:
            raise BadInputError("There is no image to train on.")
        for number, image in enumerate(images, 1):
            _check(image, number)
        known = _digest(images, trigger, class_word)
        return cls(tuple(images), trigger, class_word, known, tuple(warnings))

    @property
    def name(self) -> str:
        """The trigger as a short plain name for a file; "lora" without one."""
        return re.sub(r"[^\w-]+", "_", self.trigger).strip("_")[:32] or "lora"


def _check(image: TrainingImage, number: int) -> None:
    shape = tuple(image.pixels.shape)
    if len(shape) != 3 or shape[2] != 3 or 0 in shape or shape[0] % GRID_PX or shape[1] % GRID_PX:
        raise BadInputError(
            f"Training image {number} is {list(shape)}, not [H, W, 3] with sides in multiples of "
            f"{GRID_PX}."
        )
    if image.mask is not None and tuple(image.mask.shape) != image.size:
        raise BadInputError(
            f"The mask of training image {number} is {list(image.mask.shape)}, and the image "
            f"{list(image.size)}."
        )


def _digest(images: Sequence[TrainingImage], *words: str) -> str:
    digest = hashlib.sha256()

    def add(part: bytes) -> None:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)

    for word in words:
        add(word.encode())
    for image in images:
        add(image.caption.encode())
        for plane in (image.pixels, image.mask):
            levels = np.empty(0) if plane is None else plane.detach().float().cpu().numpy()
            add(repr(levels.shape).encode())
            add(np.round(levels * 255).astype(np.uint8).tobytes())
    return digest.hexdigest()
