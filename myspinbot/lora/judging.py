"""Says which pictures do a LoRA no good: blurred ones, and the same one twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import cv2
import numpy as np

MAX_DISTANCE = 10
"""Bits of 64 in which fingerprints of the same picture may differ. Recoded, smaller and brighter
copies of 44 pictures reached 6, a crop of 10 percent 16; two different pictures never less than
18."""
MIN_DETAIL = 0.02
"""Of `detail`, below which a picture is blurred or was enlarged: 44 sharp ones had 0.047 or more,
the same ones under a blur of 1 percent of their side 0.008 or less."""
MIN_RELATIVE_DETAIL = 0.1
"""Of the median of the set, below which a picture falls behind the others."""
_PROBE_PX = 256


def fingerprint(picture: np.ndarray) -> np.ndarray:
    """bool [64] that hardly changes when `picture` (uint8 [H, W, 3] RGB) is scaled or recoded.

    The signs of its 8 x 8 lowest frequencies about their median, the perceptual hash of Zauner,
    "Implementation and benchmarking of perceptual image hash functions" (2010).
    """
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(luma, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[1:9, 1:9].ravel()
    return low > np.median(low)


def near_duplicates(fingerprints: Sequence[np.ndarray]) -> list[tuple[int, int]]:
    """Numbers of the pairs that show the same picture, the earlier one first."""
    return [
        (first, second)
        for first, second in combinations(range(len(fingerprints)), 2)
        if (fingerprints[first] != fingerprints[second]).sum() <= MAX_DISTANCE
    ]


def detail(picture: np.ndarray) -> float:
    """Variance of the Laplacian of `picture` (uint8 [H, W, 3] RGB) relative to that of its luma.

    Large pictures are measured at one size, so that values compare. The variance of the
    Laplacian as a measure of focus is Pech-Pacheco's, "Diatom autofocusing in brightfield
    microscopy" (2000); dividing it makes low contrast and blur two things.
    """
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    scale = _PROBE_PX / max(luma.shape)
    if scale < 1:
        luma = cv2.resize(luma, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(luma, cv2.CV_32F).var() / max(luma.var(), 1.0))


def blurred(details: Sequence[float | None]) -> list[int]:
    """Numbers of the pictures that are blurred, or much more so than the rest; None is passed."""
    known = [detail for detail in details if detail is not None]
    limit = max(MIN_DETAIL, MIN_RELATIVE_DETAIL * float(np.median(known))) if known else 0.0
    return [n for n, detail in enumerate(details) if detail is not None and detail < limit]


def remarks(
    names: Sequence[str], details: Sequence[float | None], fingerprints: Sequence[np.ndarray]
) -> list[str]:
    """Warnings about pictures by their names; a detail of None is not judged."""
    lines = [f"{names[number]} is blurred: use a sharper picture." for number in blurred(details)]
    lines += [
        f"{names[first]} and {names[second]} show the same: keep one, or it is learned twice."
        for first, second in near_duplicates(fingerprints)
    ]
    if len(names) == 1:
        lines.append(
            "There is only one picture, so light, pose and expression are learned as if they were "
            "part of the subject: ten to twenty different ones are better."
        )
    return lines
