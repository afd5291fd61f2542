"""High dynamic range and wide gamut, as phones record it, to the colours that H.264 files have."""

from __future__ import annotations

from functools import cache
from typing import Any

import av
import cv2
import numpy as np

# names of FFmpeg's AVColorTransferCharacteristic and AVColorPrimaries
_PQ, _HLG = 16, 18
_BT2020 = 9
_UNSPECIFIED = 2
_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
"""Linear light of BT.2020's primaries in BT.709's (ITU-R BT.2087)."""
_LUMA = np.array([[0.2627, 0.6780, 0.0593]], np.float32)
_WHITE_CD_M2, _HLG_PEAK_CD_M2 = 203.0, 1000.0
"""What counts as white paper, and the display that HLG is made for (ITU-R BT.2408)."""
_GAMMA = 2.4
_KNEE = 0.75
"""Of white: what is brighter is pressed into the rest."""
_STEPS = 1 << 16


def is_wide(frame: av.VideoFrame) -> bool:
    """Whether the frame's tags say that it has such colours."""
    primaries, transfer = _tags(frame)
    return primaries == _BT2020 or transfer in (_PQ, _HLG)


def narrowed(signal: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """uint8 [H, W, 3] RGB for BT.709 displays of such a frame, whose RGB is uint16 `signal`.

    White paper is nearly white; what shines brighter keeps its hue.
    """
    transfer = _tags(frame)[1]
    light = _curve(transfer)[signal]
    if transfer == _HLG:  # the display adds contrast by brightness
        light *= np.maximum(cv2.transform(light, _LUMA), 1e-6)[..., None] ** np.float32(0.2)
        light *= np.float32(_HLG_PEAK_CD_M2 / _WHITE_CD_M2)
    light = np.maximum(cv2.transform(light, _TO_BT709), 0)
    red, green, blue = cv2.split(light)  # max(axis=2) takes seven times as long
    brightest = np.maximum(np.maximum(red, green), np.maximum(blue, 1e-6))
    light *= (_pressed(brightest) / brightest)[..., None]
    return _levels()[(light * np.float32(_STEPS - 1)).astype(np.uint16)]


def _tags(frame: Any) -> tuple[int, int]:
    """Primaries and transfer; PyAV before 17 does not tell them."""
    primaries = getattr(frame, "color_primaries", _UNSPECIFIED)
    return int(primaries), int(getattr(frame, "color_trc", _UNSPECIFIED))


def _pressed(light: np.ndarray) -> np.ndarray:
    """Light 0.. to 0..1: as it is up to the knee, and without a bend there."""
    room = np.float32(1 - _KNEE)
    return np.where(light < _KNEE, light, 1 - room * np.exp((_KNEE - light) / room))


@cache
def _curve(transfer: int) -> np.ndarray:
    """Light for each of 65536 levels, float32: white paper is 1; of HLG the brightest."""
    level = np.arange(65536) / 65535
    if transfer == _PQ:  # SMPTE ST 2084
        power = level ** (32 / 2523)
        light = np.maximum(power - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * power)
        light = light ** (16384 / 2610) * 10_000 / _WHITE_CD_M2
    elif transfer == _HLG:  # ITU-R BT.2100
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(level <= 0.5, level**2 / 3, (np.exp((level - c) / a) + b) / 12)
    else:
        light = level**_GAMMA
    return light.astype(np.float32)


@cache
def _levels() -> np.ndarray:
    light = np.arange(_STEPS) / (_STEPS - 1)
    return np.rint(light ** (1 / _GAMMA) * 255).astype(np.uint8)
