"""RGB to H.264's YUV and back, with the matrix that the file's tags name.

Video stores limited range (16..235). BT.601 goes through OpenCV, which is exact to a level and
eight times as fast as swscale; all else through swscale, told to round instead of to truncate
(its default darkens by half a level and turns grey greenish).
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import av
import cv2
import numpy as np

from . import hdr

# names of FFmpeg's AVColorSpace, AVColorRange, and of swscale's flags
_UNSPECIFIED = 2
_BT601_FAMILY = (_UNSPECIFIED, 5, 6)
"""Untagged counts as BT.601, as in FFmpeg: ComfyUI 0.30 writes that without a tag."""
_LIMITED, _FULL = 1, 2
_BILINEAR, _AREA = 2, 32
_FULL_CHROMA_OUT, _FULL_CHROMA_IN, _ACCURATE = 0x2000, 0x4000, 0x40000


class Matrix(Enum):
    """Value: FFmpeg's numbers for matrix, primaries, transfer as a file is tagged."""

    BT601 = (5, 6, 6)
    BT709 = (1, 1, 1)

    @classmethod
    def usual(cls, height_px: int) -> Matrix:
        """What players that ignore tags take a video of this height for."""
        return cls.BT709 if height_px >= 720 else cls.BT601

    def tag(self, codec: Any) -> None:
        """Write it, and limited range, into an encoder's context."""
        codec.colorspace, codec.color_primaries, codec.color_trc = self.value
        codec.color_range = _LIMITED


def to_yuv(rgb: np.ndarray, matrix: Matrix) -> av.VideoFrame:
    """A yuv420p frame, limited range, of uint8 [H, W, 3] RGB with even sides."""
    if matrix is Matrix.BT601:
        planes = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)
        return av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    return frame.reformat(
        format="yuv420p",
        src_colorspace=matrix.value[0],
        dst_colorspace=matrix.value[0],
        src_color_range=_FULL,
        dst_color_range=_LIMITED,
        interpolation=_AREA | _FULL_CHROMA_IN | _FULL_CHROMA_OUT | _ACCURATE,
    )


def to_rgb(frame: av.VideoFrame) -> np.ndarray:
    """uint8 [H, W, 3] RGB of any decoded frame, by its own tags; HDR becomes as bright as paper."""
    usual = frame.colorspace in _BT601_FAMILY and not hdr.is_wide(frame)
    even = frame.width % 2 == 0 and frame.height % 2 == 0
    limited = frame.color_range != _FULL
    if frame.format.name == "yuv420p" and even and limited and usual:
        return np.asarray(cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2RGB_I420), np.uint8)
    if frame.format.name == "rgb24":
        return frame.to_ndarray()
    space = 5 if frame.colorspace in _BT601_FAMILY else frame.colorspace
    full = frame.color_range == _FULL or frame.format.name.startswith("yuvj")
    options: dict[str, Any] = {
        "src_colorspace": space,
        "dst_colorspace": space,
        "src_color_range": _FULL if full else _LIMITED,
        "dst_color_range": _FULL,
        "interpolation": _BILINEAR | _FULL_CHROMA_OUT | _ACCURATE,
    }
    if hdr.is_wide(frame):
        return hdr.narrowed(frame.reformat(format="gbrp16le", **options).to_ndarray(), frame)
    return frame.reformat(format="rgb24", **options).to_ndarray()
