"""Words on pictures: fonts, line breaks, and blending what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from ..errors import BadInputError

FONT_FILE = "noto-sans.ttf"
"""In the folder of weights."""
_WEIGHT = 600
_OUTLINE = 0.08
"""Width of the outline, of the font's size."""
_PADDING = 0.35
"""Of a box around its text, of the font's size."""
_BOX_ALPHA = 0.6


@dataclass(frozen=True)
class Look:
    """How letters look."""

    font: Path | None = None
    """A font file; None: the ASCII font that Pillow carries."""
    colour: str = "#ffffff"
    box: bool = False
    """On a dark box instead of with a dark outline."""
    opacity: float = 1.0

    def __post_init__(self) -> None:
        """Raises BadInputError for what is no colour, before a film is rendered."""
        try:
            ImageColor.getrgb(self.colour)
        except ValueError as error:
            raise BadInputError(
                f"{self.colour!r} is no colour: write #rrggbb, or a name such as white or gold."
            ) from error


@dataclass(frozen=True, eq=False)
class Lettering:
    """Something drawn, ready to be laid over pictures."""

    x: int
    y: int
    colour: np.ndarray
    """float32 [H, W, 3] 0..255, multiplied by its opacity."""
    clear: np.ndarray
    """float32 [H, W, 1]: how much of the picture shows through, 0..1."""

    def over(self, frame: np.ndarray) -> np.ndarray:
        """A copy of `frame` (uint8 [H, W, 3]) with the letters on it."""
        frame = frame.copy()
        height, width = self.clear.shape[:2]
        part = frame[self.y : self.y + height, self.x : self.x + width]
        part[:] = part * self.clear + self.colour + np.float32(0.5)
        return frame


def load_font(path: Path | None, size_px: int) -> ImageFont.FreeTypeFont:
    """The font at a size, semi-bold if it is a variable one; raises BadInputError."""
    try:
        if path is None:
            font = ImageFont.load_default(size_px)
            assert isinstance(font, ImageFont.FreeTypeFont)
            return font
        font = ImageFont.truetype(str(path), size_px)
    except OSError as error:
        raise BadInputError(f"{path.name if path else 'The font'} is no font: {error}") from error
    try:
        axes = font.get_variation_axes()
    except OSError:  # not a variable font
        return font
    heavy = (b"eight" in (axis["name"] or b"") for axis in axes)
    font.set_variation_by_axes(
        [_WEIGHT if yes else axis["default"] or 0 for yes, axis in zip(heavy, axes, strict=True)]
    )
    return font


def check_glyphs(text: str, path: Path | None) -> None:
    """Raise BadInputError, naming the signs, unless the font has all of `text`'s."""
    font = load_font(path, 32)
    blank = _glyph(font, "\uffff")
    signs = sorted({sign for sign in text if sign.isprintable() and not sign.isspace()})
    if absent := [sign for sign in signs if _glyph(font, sign) == blank]:
        name = path.name if path else "Pillow's own font"
        raise BadInputError(
            f"{name} cannot write {' '.join(absent[:12])}: put a font file that can into ComfyUI's "
            "input folder and choose it in font."
        )


def _glyph(font: ImageFont.FreeTypeFont, sign: str) -> tuple[tuple[int, int], bytes]:
    mask: Any = font.getmask(sign)
    return mask.size, bytes(mask)


def wrapped(text: str, font: ImageFont.FreeTypeFont, width_px: float) -> list[str]:
    """`text` in lines of at most `width_px`, about equally long; a word never breaks."""
    lines = [line for part in text.splitlines() for line in _greedy(part, font, width_px)]
    if len(lines) < 2 or len(text.splitlines()) > 1:
        return lines
    # the same number of lines, but no single word in the last
    low, high = width_px / len(lines), width_px
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (
            (low, middle) if len(_greedy(text, font, middle)) <= len(lines) else (middle, high)
        )
    return _greedy(text, font, high)


def _greedy(text: str, font: ImageFont.FreeTypeFont, width_px: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@lru_cache(maxsize=4)
def draw(
    lines: tuple[str, ...],
    size_px: int,
    look: Look,
    frame: tuple[int, int],
    place: tuple[float, float],
    margin_px: int,
) -> Lettering:
    """Draw `lines` for pictures of `frame` (width, height).

    `place` 0..1 across and down between the margins: (0.5, 1) is the middle of the bottom. Letters
    shrink when the block would leave the margins.
    """
    width, height = (side - 2 * margin_px for side in frame)
    font = load_font(look.font, size_px)
    pad = round(size_px * (_PADDING if look.box else _OUTLINE)) + 1
    stroke = 0 if look.box else max(1, round(size_px * _OUTLINE))
    text, align = "\n".join(lines), ("left", "center", "right")[round(2 * place[0])]
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    # every line as high as the font, so that a block does not jump with its letters
    line_px = sum(font.getmetrics())
    own_px = probe.textbbox((0, 0), "A", font=font, stroke_width=stroke)[3] + stroke
    options = {"font": font, "align": align, "stroke_width": stroke, "spacing": line_px - own_px}
    box = probe.multiline_textbbox((0, 0), text, **options)
    w, h = round(box[2] - box[0]) + 2 * pad, len(lines) * line_px + 2 * pad
    if (w > width or h > height) and size_px > 6:
        smaller = min(size_px - 1, int(size_px * min(width / w, height / h)))
        return draw(lines, max(6, smaller), look, frame, place, margin_px)
    # on black without opacity, what PIL blends is multiplied by its opacity already
    image = Image.new("RGBA", (w, h))
    pen = ImageDraw.Draw(image)
    if look.box:
        ground = (0, 0, 0, round(255 * _BOX_ALPHA))
        pen.rounded_rectangle((0, 0, w - 1, h - 1), radius=pad * 0.6, fill=ground)
    ink = (*ImageColor.getrgb(look.colour)[:3], 255)
    pen.multiline_text((pad - box[0], pad), text, fill=ink, stroke_fill=(0, 0, 0, 255), **options)
    drawn = np.asarray(image, np.float32) * np.float32(look.opacity)
    colour, clear = drawn[..., :3], 1 - drawn[..., 3:] / 255
    x, y = (
        margin_px + round((room - size) * share)
        for room, size, share in ((width, w, place[0]), (height, h, place[1]))
    )
    x0, y0 = max(x, 0), max(y, 0)
    cut = slice(y0 - y, y0 - y + frame[1] - y0), slice(x0 - x, x0 - x + frame[0] - x0)
    return Lettering(x0, y0, colour[cut], clear[cut])
