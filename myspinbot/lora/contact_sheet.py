"""All images of a dataset on one picture, as they are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..video.lettering import load_font
from .dataset import LoraDataset, TrainingImage

CELL_PX, GAP_PX, TEXT_PX = 224, 10, 14
MAX_CELLS = 60
"""More are counted in the last line."""
_PAPER, _INK, _FAINT = (24, 24, 24), (235, 235, 235), (160, 160, 160)
_UNSEEN = 0.35
"""How bright the part of an image is that the loss does not look at."""


def contact_sheet(
    dataset: LoraDataset, labels: Sequence[str], *, font: Path | None = None
) -> np.ndarray:
    """uint8 [H, W, 3] RGB: each image with its number, size, origin and caption.

    What the loss does not look at is darkened.
    """
    shown = dataset.images[:MAX_CELLS]
    columns = min(len(shown), 6 if len(shown) > 12 else 4)
    letters = load_font(font, TEXT_PX)
    line = TEXT_PX + 4
    row_px = CELL_PX + 2 * line + GAP_PX
    rows = -(-len(shown) // columns)
    more = len(dataset.images) - len(shown)
    size = (
        columns * (CELL_PX + GAP_PX) + GAP_PX,
        rows * row_px + GAP_PX + (line if more else 0),
    )
    sheet = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, (image, label) in enumerate(zip(shown, labels, strict=False)):
        x = GAP_PX + number % columns * (CELL_PX + GAP_PX)
        y = GAP_PX + number // columns * row_px
        tile = _tile(image)
        dy, dx = ((CELL_PX - side) // 2 for side in tile.shape[:2])
        sheet.paste(Image.fromarray(tile), (x + dx, y + dy))
        height, width = image.size
        facts = f"{number + 1}: {width} x {height}, {label}"
        pen.text((x, y + CELL_PX + 2), _cut(facts, letters), _FAINT, letters)
        pen.text((x, y + CELL_PX + 2 + line), _cut(image.caption, letters), _INK, letters)
    if more:
        pen.text((GAP_PX, size[1] - line - 4), f"and {more} more", _INK, letters)
    return np.array(sheet)


def _tile(image: TrainingImage) -> np.ndarray:
    pixels = image.pixels.numpy()
    if image.mask is not None:
        pixels = pixels * (_UNSEEN + (1 - _UNSEEN) * image.mask.numpy()[..., None])
    scale = CELL_PX / max(image.size)
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=smooth)
    return (small.clip(0, 1) * 255 + 0.5).astype(np.uint8)[:CELL_PX, :CELL_PX]


def _cut(text: str, letters: ImageFont.FreeTypeFont) -> str:
    """`text`, or its beginning with an ellipsis, no wider than a cell."""
    if len(text) <= CELL_PX and letters.getlength(text) <= CELL_PX:
        return text
    text = text[:CELL_PX]  # no letter is narrower than a pixel; measuring a book takes minutes
    while text and letters.getlength(f"{text}...") > CELL_PX:
        text = text[:-1]
    return f"{text}..."
