"""Whether a LoRA learns somebody, and not pictures by heart or noise: on drawn people.

A small model is trained to draw anybody. Then Train LoRA's loop sees eight pictures of one person,
whom it has to draw in views that it was never shown; the same with noise, and with eight different
people, in their place. About three minutes of CPU time.

    python -m benchmarks.lora_identity [sheet.png]
"""

from __future__ import annotations

import sys
from statistics import mean

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from myspinbot.lora.recipe import preset
from scripts.environment import ROOT

sys.path.append(str(ROOT / "tests"))
from lora_likeness import VIEWS, Case, Found, look, trained
from lora_painter import SIDE, pretrained

SUBJECTS, ZOOM = 4, 4
SETTINGS = {
    "steps": 400,
    "learning_rate": 3e-3,  # a small net wants more
    "rank": 8,
    "alpha": 8.0,
    "batch": 4,
    "preview_every": 0,
}
BEFORE, HELD, FREE = "nothing", "the subject", "the subject, class not held"
OTHERS, NOISE = "eight other people", "noise"


def sheet(rows: list[tuple[str, Tensor]]) -> Image.Image:
    """Rows of pictures, each under its name."""
    line, step = 14, SIDE * ZOOM
    made = Image.new("RGB", (VIEWS * step, len(rows) * (step + line)), "white")
    pen = ImageDraw.Draw(made)
    for number, (name, pictures) in enumerate(rows):
        top = number * (step + line)
        pen.text((2, top), name, fill="black")
        strip = torch.cat(list(pictures), 2).permute(1, 2, 0)
        pixels = ((strip + 1) * 127.5).round().to(torch.uint8).numpy()
        image = Image.fromarray(np.ascontiguousarray(pixels))
        size = image.width * ZOOM, step
        made.paste(image.resize(size, Image.Resampling.NEAREST), (0, top + line))
    return made


def rows(case: Case, found: dict[str, Found]) -> list[tuple[str, Tensor]]:
    """What a case looks like."""
    return [
        ("shown", case.subject),
        ("the truth in other views", case.crowd[:, 0]),
        *((f"learned: {name}", one.samples) for name, one in found.items()),
        *((f"no trigger; learned: {n}", found[n].others) for n in (BEFORE, HELD, FREE)),
    ]


def main() -> None:
    torch.set_num_threads(1)
    denoiser = pretrained()
    held = preset("other", "identity", "balanced", **SETTINGS)
    free = preset("other", "identity", "balanced", **SETTINGS, prior_weight=0.0)
    cases = [Case(seed) for seed in range(SUBJECTS)]
    found: list[dict[str, Found]] = []
    for case in cases:
        trials = {
            HELD: (case.subject, held),
            FREE: (case.subject, free),
            OTHERS: (case.several, held),
            NOISE: (case.snow, held),
        }
        found.append({BEFORE: look(denoiser, case)})
        for name, (pictures, recipe) in trials.items():
            with trained(denoiser, case, pictures, recipe):
                found[-1][name] = look(denoiser, case)
    print("| learned | loss | samples, off the truth by | taken for the subject ", end="")
    print("| no trigger: loss of others | taken for the subject |\n|---|---|---|---|---|---|")
    for name in found[0]:
        all_of = [one[name] for one in found]
        print(
            f"| {name} | {mean(f.loss for f in all_of):.4f} | {mean(f.apart for f in all_of):.3f} "
            f"| {mean(f.taken for f in all_of):.0%} | {mean(f.others_loss for f in all_of):.4f} "
            f"| {mean(f.others_taken for f in all_of):.0%} |"
        )
    nearest = mean(case.nearest_shown() for case in cases)
    print(f"The most similar picture shown is {nearest:.3f} off the truth.")
    for path in sys.argv[1:]:
        sheet(rows(cases[0], found[0])).quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()
