"""The one face geometry of the pack: find it, measure it, cut it out, mask it, judge it."""

from __future__ import annotations

from .advice import advice, softness_px
from .crop import AlignedCrop, aligned_crop
from .finder import FaceFinder
from .geometry import Face
from .masks import region_mask

__all__ = [
    "AlignedCrop",
    "Face",
    "FaceFinder",
    "advice",
    "aligned_crop",
    "region_mask",
    "softness_px",
]
