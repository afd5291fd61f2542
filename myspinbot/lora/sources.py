"""The pictures a user has: files of a folder with captions beside them, or pixels at hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..errors import BadInputError
from ..face import Face

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


@dataclass(frozen=True, eq=False)
class Source:
    """One picture, read when it is its turn: a folder of photographs would fill the memory."""

    name: str
    load: Callable[[], np.ndarray]
    """uint8 [H, W, 3] RGB; raises BadInputError."""
    caption: str = ""
    """Empty: one is made."""
    face: Face | None = None
    """Which one is meant, where the user said so."""
    mask: np.ndarray | None = None
    """float32 [H, W] 0..1, what the user wants to be learned, in any size."""


def folder_sources(folder: Path) -> list[Source]:
    """The pictures of `folder`, by name; name.txt beside name.jpg is its caption.

    Raises BadInputError for a folder that is not there or holds no picture.
    """
    if not folder.is_dir():
        raise BadInputError(f"There is no folder {folder}. Make it, and put your pictures there.")
    paths = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
    paths = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    if not paths:
        raise BadInputError(
            f"The folder {folder} holds no picture. Put {', '.join(SUFFIXES)} files into it."
        )
    return [
        Source(path.name, lambda path=path: read_picture(path), _caption_of(path))
        for path in sorted(paths, key=_natural)
    ]


def given_sources(
    pictures: Sequence[Callable[[], np.ndarray]],
    faces: Sequence[Face] = (),
    masks: Sequence[np.ndarray] = (),
) -> list[Source]:
    """Pictures at hand, with their faces and masks: as many, or none; raises BadInputError."""
    for what, given in (("faces", faces), ("masks", masks)):
        if given and len(given) != len(pictures):
            raise BadInputError(
                f"There are {len(given)} {what} for {len(pictures)} images. Connect one for every "
                "image, in the same order, or none."
            )
    return [
        Source(
            f"image {number + 1}",
            load,
            face=faces[number] if faces else None,
            mask=masks[number] if masks else None,
        )
        for number, load in enumerate(pictures)
    ]


def read_picture(path: Path) -> np.ndarray:
    """A file as uint8 [H, W, 3] RGB, upright as its camera noted, on white where it is clear.

    Raises BadInputError when it cannot be read.
    """
    try:
        with Image.open(path) as picture:
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I"):  # 16 bits, of which only 8 would be kept: white
                levels = np.asarray(upright).clip(0, 65535) // 257
                upright = Image.fromarray(levels.astype(np.uint8))
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                clear = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
            return np.array(upright.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadInputError(f"it cannot be read ({error})") from error


def _caption_of(path: Path) -> str:
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        return ""
    try:
        return " ".join(beside.read_text("utf-8-sig").split())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"The caption {beside} cannot be read as UTF-8 text: {error}. Save it as UTF-8, or "
            "take it away: then a caption is made."
        ) from error


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts 2.jpg before 10.jpg."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]
