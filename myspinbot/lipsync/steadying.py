"""Keeps a long video near its portrait: colours that drift are led back, and slow zoom and pan."""

from __future__ import annotations

import cv2
import numpy as np


def reference(
    pixels: np.ndarray,
    width: int,
    height: int,
    zoom: float = 1.0,
    pan: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """An image uint8 [H, W, 3], `zoom` times closer, as [height, width, 3].

    `pan` says which part of it, right and down: (0, 0) is the middle, 1 and -1 are its borders.
    """
    rows, columns = pixels.shape[:2]
    scale = min(columns / width, rows / height) / zoom
    corner = (
        (columns - width * scale) * (1 + pan[0]) / 2,
        (rows - height * scale) * (1 + pan[1]) / 2,
    )
    if scale > 1:  # area averaging has no subpixel corner: blur first instead
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.45 * scale)
    # integers are the centres of pixels
    matrix = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]])
    matrix[:, 2] += (scale - 1) / 2
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(pixels, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    )


def match_colours(frames: np.ndarray, portrait: np.ndarray, amount: float) -> np.ndarray:
    """Lead `frames` uint8 [N, H, W, 3] towards the colours of `portrait`, more from frame to frame.

    Mean and deviation of L*a*b* over the whole window (Reinhard et al. 2001, "Color Transfer
    between Images"), none at the first frame and `amount` (0..1) at the last, so that no joint
    shows; the next window starts from what was led back.
    """
    if not amount or len(frames) == 0:
        return frames
    lab = np.stack([_lab(frame) for frame in frames])
    mean, deviation = lab.mean((0, 1, 2)), lab.std((0, 1, 2))
    wanted = _lab(portrait)
    goal_mean, goal_deviation = wanted.mean((0, 1)), wanted.std((0, 1))
    gain = np.clip(goal_deviation / np.maximum(deviation, 1e-3), 0.8, 1.25)
    matched = np.empty_like(frames)
    for index, frame in enumerate(lab):
        share = amount * index / max(1, len(lab) - 1)
        led = frame + share * ((frame - mean) * gain + goal_mean - frame)
        rgb = cv2.cvtColor(led.astype(np.float32), cv2.COLOR_LAB2RGB)
        matched[index] = np.clip(rgb * 255 + 0.5, 0, 255)
    return matched


def _lab(frame: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))
