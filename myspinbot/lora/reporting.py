"""Tells a user in words what a dataset holds."""

from __future__ import annotations

from collections import Counter

from .captioning import tally
from .dataset import LoraDataset


def report(dataset: LoraDataset, pictures: int, faces: int) -> str:
    """Several lines about a dataset of so many pictures, so many of them with a face."""
    sizes = Counter(image.size for image in dataset.images)
    shapes = ", ".join(f"{count} of {w} x {h}" for (h, w), count in sizes.most_common())
    masked = sum(image.mask is not None for image in dataset.images)
    count = len(dataset.images)
    lines = [
        f"{count} training image{'s' * (count != 1)} from {pictures} "
        f"picture{'s' * (pictures != 1)}: {shapes} pixels.",
        f"Faces in {faces} of {pictures}; the loss is masked in {masked} of {count} images.",
        "Captions:",
        *(f"  {line}" for line in tally([image.caption for image in dataset.images])),
    ]
    if dataset.warnings:
        lines += ["Warnings:", *(f"  {warning}" for warning in dataset.warnings)]
    return "\n".join(lines)
