"""Nodes that look at a portrait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from comfy_api.latest import io, ui

from . import host, types

if TYPE_CHECKING:
    from ..myspinbot.face import Face, FaceFinder

MAX_FACES = 8
"""Always looked for, so that a face keeps its number whichever is chosen."""
CoreFaceModel = io.Custom("FACE_DETECTION_MODEL")


def load_finder() -> host.Managed:
    from ..myspinbot.face import FaceFinder

    return host.Managed(lambda: FaceFinder.load(host.weights()))


class VideoFinder:
    """The finder for frames of a video, wherever ComfyUI has put its networks by then."""

    def __init__(self) -> None:
        self._finder = load_finder()

    def find(self, image: np.ndarray, *, max_faces: int = 1, small: bool = True) -> list[Face]:
        ready = self._finder.ready()
        with host.one_thread():
            return ready.find(image, max_faces=max_faces, small=small)

    def track(self, image: np.ndarray, previous: Face | None) -> Face | None:
        ready = self._finder.ready()
        with host.one_thread():
            return ready.track(image, previous)


def find_face(pixels: np.ndarray) -> Face:
    finder = load_finder().ready()
    with host.one_thread():
        return finder.require_face(pixels)


def core_finder(face_model) -> FaceFinder:
    """A finder that looks with the networks of ComfyUI's own face landmarker."""
    from ..myspinbot.face import MIN_PRESENCE, FaceFinder

    return FaceFinder(*host.face_networks(face_model), new_presence=MIN_PRESENCE)


class DetectFace(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_DetectFace",
            has_intermediate_output=True,
            display_name="Detect Face",
            category="MySpinBot/face",
            description="Find a face of a portrait, measure it with 478 points, show them, and say "
            "what would make a better portrait.",
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
                io.Int.Input(
                    "face_index",
                    default=0,
                    min=0,
                    max=MAX_FACES - 1,
                    optional=True,
                    tooltip="Which face, as numbered in the picture on the node: 0 is the most "
                    "prominent.",
                ),
                CoreFaceModel.Input(
                    "face_model",
                    optional=True,
                    tooltip="From Load Face Detection Model (MediaPipe), to look with that one "
                    "instead of the embedded one.",
                ),
            ],
            outputs=[
                types.Face.Output(display_name="face"),
                io.Image.Output(display_name="crop"),
                io.Mask.Output(display_name="face_mask"),
                io.Mask.Output(display_name="lip_mask"),
                io.String.Output(display_name="report"),
                io.Mask.Output(display_name="mouth_mask"),
                io.Mask.Output(display_name="eye_mask"),
                io.Mask.Output(display_name="hair_safe_mask"),
            ],
        )

    @classmethod
    def execute(
        cls, image, crop_px, crop_scale, feather_px, face_index=0, face_model=None
    ) -> io.NodeOutput:
        from ..myspinbot.face import (
            REGIONS,
            advice,
            aligned_crop,
            chosen_face,
            draw_overlay,
            hair_safe_mask,
            region_mask,
        )

        pixels = types.to_pixels(image)
        finder = load_finder().ready() if face_model is None else core_finder(face_model)
        with host.one_thread():
            found = finder.find(pixels, max_faces=MAX_FACES)
            face = chosen_face(pixels, found, face_index)
            # what a covered mouth measures is known of the embedded model only
            doubt = finder.lip_doubt(pixels, face) if face_model is None else 0.0
        others = [other for other in found if other is not face]
        lines = advice(pixels, [face, *others], lip_doubt=doubt) or ["A good portrait."]
        crop = aligned_crop(pixels, face, size_px=crop_px, scale=crop_scale)
        masks = {
            region: region_mask(face, region, *pixels.shape[:2], feather_px=feather_px)
            for region in REGIONS
        }
        hair_safe = hair_safe_mask(pixels, face, feather_px=feather_px)
        overlay = draw_overlay(pixels, found, chosen=face_index, lines=lines)
        return io.NodeOutput(
            face,
            types.from_pixels(crop.image),
            _mask(masks["face"]),
            _mask(masks["lips"]),
            "\n".join(lines),
            _mask(masks["mouth"]),
            _mask(masks["eyes"]),
            _mask(hair_safe),
            ui=ui.PreviewImage(types.from_pixels(overlay), cls=cls),
        )


def _mask(mask: np.ndarray) -> torch.Tensor:
    """Make ComfyUI's MASK [1, H, W] from float32 [H, W]."""
    return torch.from_numpy(mask)[None]
