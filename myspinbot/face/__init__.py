"""The one face geometry of the pack: find, follow, measure, cut out, mask and judge a face."""

from __future__ import annotations

from .advice import advice, softness_px
from .crop import AlignedCrop, aligned_crop
from .finder import MIN_PRESENCE, FaceFinder, chosen_face
from .following import FaceFollower, Followed
from .geometry import Face
from .masks import REGIONS, region_mask
from .overlay import draw_overlay
from .skin import hair_safe_mask
from .smoothing import FaceSmoother

__all__ = [
    "MIN_PRESENCE",
    "REGIONS",
    "AlignedCrop",
    "Face",
    "FaceFinder",
    "FaceFollower",
    "FaceSmoother",
    "Followed",
    "advice",
    "aligned_crop",
    "chosen_face",
    "draw_overlay",
    "hair_safe_mask",
    "region_mask",
    "softness_px",
]
