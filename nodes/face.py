"""Nodes that look at a portrait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from comfy_api.latest import io

from . import host, types

if TYPE_CHECKING:
    from ..myspinbot.face import Face


def load_finder() -> host.Managed:
    from ..myspinbot.face import FaceFinder

    return host.Managed(lambda: FaceFinder.load(host.weights()))


def find_face(pixels: np.ndarray) -> Face:
    finder = load_finder().ready()
    with host.one_thread():
        return finder.require_face(pixels)


class DetectFace(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_DetectFace",
            display_name="Detect Face",
            category="MySpinBot/face",
            description="Find the most prominent face of a portrait, measure it with 478 points, "
            "and say what would make a better portrait.",
            inputs=[
                io.Image.Input("image"),
                io.Int.Input(
                    "crop_px", default=512, min=64, max=2048, step=8, tooltip="Side of the crop."
                ),
                io.Float.Input(
                    "crop_scale",
                    default=2.0,
                    min=1.0,
                    max=4.0,
                    step=0.1,
                    tooltip="Side of the crop in sizes of the face.",
                ),
                io.Float.Input(
                    "feather_px", default=8, min=0, max=200, tooltip="Soft edge of the masks."
                ),
            ],
            outputs=[
                types.Face.Output(display_name="face"),
                io.Image.Output(display_name="crop"),
                io.Mask.Output(display_name="face_mask"),
                io.Mask.Output(display_name="lip_mask"),
                io.String.Output(display_name="report"),
            ],
        )

    @classmethod
    def execute(cls, image, crop_px, crop_scale, feather_px) -> io.NodeOutput:
        from ..myspinbot.face import advice, aligned_crop, region_mask

        pixels = types.to_pixels(image)
        finder = load_finder().ready()
        with host.one_thread():
            face = finder.require_face(pixels)
            faces = finder.find(pixels, max_faces=3)
        crop = aligned_crop(pixels, face, size_px=crop_px, scale=crop_scale)
        masks = [
            torch.from_numpy(region_mask(face, region, *pixels.shape[:2], feather_px=feather_px))
            for region in ("face", "lips")
        ]
        report = "\n".join(advice(pixels, faces)) or "A good portrait."
        return io.NodeOutput(
            face, types.from_pixels(crop.image), masks[0][None], masks[1][None], report
        )
