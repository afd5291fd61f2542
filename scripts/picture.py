"""Frames of a finished video side by side: `python -m scripts.picture VIDEO IMAGE FRAME ...`."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from myspinbot.video import read_frames

HEIGHT_PX = 300


def strip(path: Path, wanted: list[int]) -> np.ndarray:
    """The frames `wanted` of the video, each HEIGHT_PX high, as uint8 [H, W, 3] RGB."""
    found = {i: frame.copy() for i, frame in enumerate(read_frames(path)) if i in wanted}
    tiles = []
    for index in wanted:
        height, width = found[index].shape[:2]
        size = round(width * HEIGHT_PX / height), HEIGHT_PX
        tiles.append(cv2.resize(found[index], size, interpolation=cv2.INTER_AREA))
    return np.hstack(tiles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("frame", type=int, nargs="+")
    options = parser.parse_args()
    pixels = strip(options.video, options.frame)
    cv2.imwrite(str(options.image), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
