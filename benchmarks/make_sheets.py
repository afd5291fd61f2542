"""Contact sheets: every portrait of the set in the poses that show faults first.

Run: python -m benchmarks.make_sheets [--out FOLDER] [--only name,name]. It writes one sheet a
portrait and, unless told to make only some, the overview that docs/lipsync.md shows.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks._portraits import portraits
from myspinbot.face.finder import FaceFinder
from myspinbot.face.geometry import Face
from myspinbot.lipsync.actuate import Limits, amounts_of
from myspinbot.lipsync.mouth import MouthTrack
from myspinbot.lipsync.puppet import Pose, Puppet
from myspinbot.lipsync.visemes import TONGUE, VISEMES
from scripts.environment import BASE, ROOT, WORK

OVERVIEW = ROOT / "docs" / "images" / "lipsync_ten.jpg"
STRIPS = (
    "astronaut",
    "hopper",
    "mona_lisa",
    "van_gogh",
    "stubble",
    "laughing",
    "dark_skin",
    "red_glasses",
    "elf",
    "grey",
)
"""What the overview shows."""
MOUTHS = ("silence", "aa", "i", "u", "o", "p", "f", "s")
TURN = np.array([0.05, 0.03, 0.015, 0, 0, 0, 0], np.float32)
AWAY = np.array([-1, -1, -1, 0, 0, 0, 0], np.float32)
BROWS = np.full(2, 0.1, np.float32)
_MOUTH_VIEW = (0.25, 1.8)
"""Height of the middle and reach to each side, half mouth widths."""
_FACE_VIEW = (-1.2, 4.2)


class Poser:
    """Cells of one portrait's sheet."""

    def __init__(self, image: np.ndarray, face: Face):
        """`image` uint8 [H, W, 3] RGB."""
        self._puppet = Puppet(image, face)
        self._limits = Limits.of(self._puppet.mouth, 1.0)

    def cell(
        self, viseme: str, view: tuple[float, float], size_px: int, label: str = "", **changes
    ) -> np.ndarray:
        """One pose, cut out upright around the mouth, uint8 [size_px, size_px, 3]."""
        v = VISEMES[viseme]
        state = (v.pose, not v.bilabial, v.labiodental)
        track = MouthTrack(*(np.array([x], np.float32) for x in state))
        rest = {"head": 0 * TURN, "brows": 0 * BROWS, "tongue": v.pose[TONGUE]}
        pose = Pose(amounts_of(track, self._limits)[0], **(rest | changes))
        frame = self._puppet.mouth.frame
        scale = size_px / (2 * view[1] * frame.unit_px)
        matrix = np.column_stack([scale * frame.axes, (0, 0)])
        matrix[:, 2] = size_px / 2 - matrix[:, :2] @ frame.pixels(np.array([0, view[0]]))
        kind = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        drawn = cv2.warpAffine(self._puppet.draw(pose), matrix, (size_px, size_px), flags=kind)
        return cv2.putText(drawn, label, (4, 14), 0, 0.45, (0, 160, 0), 1, cv2.LINE_AA)

    def sheet(self, size_px: int = 300) -> np.ndarray:
        """Mouths above, whole faces below, uint8 [h, w, 3]."""
        mouths = [self.cell(v, _MOUTH_VIEW, size_px, v) for v in MOUTHS]
        faces = [
            self.cell(viseme, _FACE_VIEW, size_px, label, **changes)
            for label, viseme, changes in (
                ("rest", "silence", {}),
                ("half blink", "silence", {"blink": 0.5}),
                ("blink", "silence", {"blink": 1.0}),
                ("gaze", "silence", {"gaze": (0.3, 0.0)}),
                ("aa, turned", "aa", {"head": TURN}),
                ("o, turned back", "o", {"head": TURN * AWAY}),
                ("i, brows up", "i", {"brows": BROWS}),
                ("ae", "ae", {}),
            )
        ]
        return np.vstack([np.hstack(mouths), np.hstack(faces)])

    def strip(self, size_px: int = 150) -> np.ndarray:
        """The whole face in seven poses side by side, uint8 [h, w, 3]."""
        cells = [self.cell(v, _FACE_VIEW, size_px) for v in ("silence", "aa", "i", "o", "p", "f")]
        return np.hstack([*cells, self.cell("silence", _FACE_VIEW, size_px, blink=1.0)])


def save(picture: np.ndarray, path: Path) -> None:
    """Write RGB `picture` as the kind of file that `path` names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 84] if path.suffix == ".jpg" else []
    cv2.imwrite(str(path), picture[..., ::-1], quality)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=BASE / "models" / "myspinbot")
    parser.add_argument("--out", type=Path, default=WORK / "sheets")
    parser.add_argument("--only", default="", help="names of the set; no overview then")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    finder = FaceFinder.load(options.models)
    only = options.only.split(",") if options.only else []
    strips = []
    for portrait in portraits():
        if only and portrait.name not in only:
            continue
        poser = Poser(portrait.image, finder.require_face(portrait.image))
        save(poser.sheet(), options.out / f"{portrait.name}.png")
        print(f"{portrait.name:<12}{portrait.shows}", flush=True)
        if portrait.name in STRIPS:
            strips.append(poser.strip())
    if not only:
        save(np.vstack(strips), OVERVIEW)
        print(f"{OVERVIEW.relative_to(ROOT)}: {OVERVIEW.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
