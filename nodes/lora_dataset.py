"""The node that makes a training set of pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from comfy_api.latest import io, ui

from ..myspinbot.errors import BadInputError
from . import host, types
from .face import load_finder

NO_FOLDER = "none"
CROPS = ("both", "face", "whole")
MAX_PEOPLE = 2
"""That are looked for: a second one is warned of."""


class LoraDataset(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_LoraDataset",
            has_intermediate_output=True,
            display_name="LoRA Dataset",
            category="MySpinBot/lora",
            description="Pictures of a person, a thing or a style become a training set: cropped "
            "around faces, captioned, masked, and filled up with altered copies when there are "
            "few. For Train LoRA, or for ComfyUI's own trainer.",
            search_aliases=["training data", "caption", "bucket", "augment", "dreambooth"],
            is_input_list=True,
            inputs=[
                io.Image.Input(
                    "images", optional=True, tooltip="A batch or a list; all sizes are welcome."
                ),
                io.Combo.Input(
                    "folder",
                    options=[NO_FOLDER, *host.input_folders()],
                    tooltip="A folder inside ComfyUI's input folder; name.txt beside name.jpg is "
                    "its caption. Press R in the editor to see new folders.",
                ),
                io.String.Input(
                    "trigger",
                    default="ohwx",
                    tooltip="An invented word that will stand for the subject in your prompts.",
                ),
                io.String.Input(
                    "class_word",
                    default="person",
                    tooltip="What the subject is: woman, man, dog, vase.",
                ),
                io.String.Input(
                    "captions",
                    multiline=True,
                    default="",
                    tooltip="One a line in the order of the pictures, or one for all. Empty: the "
                    "text file of each picture, or trigger and class word.",
                ),
                io.Combo.Input(
                    "crop",
                    options=list(CROPS),
                    tooltip="What of each picture is trained on: the head, all of it, or both. "
                    "Things and styles: whole.",
                ),
                io.Int.Input(
                    "resolution",
                    default=512,
                    min=64,
                    max=2048,
                    step=64,
                    tooltip="Side of the squares in pixels; other shapes get the same area. 512 "
                    "for SD1.5, 768 to 1024 for SDXL, Flux and Wan.",
                ),
                io.Int.Input(
                    "min_images",
                    default=12,
                    min=0,
                    max=200,
                    tooltip="With fewer images than this, copies in another crop, scale and light "
                    "fill up. 0: never.",
                ),
                io.Boolean.Input(
                    "mirror",
                    default=True,
                    tooltip="Mirror half of those copies. Off for a parting, a scar, or lettering.",
                ),
                io.Boolean.Input(
                    "face_mask",
                    default=True,
                    tooltip="Learn from the head alone, not from what is behind it.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**63 - 1,
                    # other copies are another training, and none would be resumed
                    control_after_generate=io.ControlAfterGenerate.fixed,
                    tooltip="Of the copies.",
                ),
                types.Face.Input(
                    "face",
                    optional=True,
                    tooltip="From Detect Face, one for each of the images: which person is meant.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="What to learn from, one for each of the images, instead of the head.",
                ),
                io.Vae.Input("vae", optional=True, tooltip="Only for the output latents."),
                io.Clip.Input("clip", optional=True, tooltip="Only for the output positive."),
            ],
            outputs=[
                types.Dataset.Output(display_name="dataset"),
                io.Latent.Output(display_name="latents", is_output_list=True),
                io.Conditioning.Output(display_name="positive", is_output_list=True),
                io.Image.Output(display_name="contact_sheet"),
                io.String.Output(display_name="report"),
            ],
        )

    @classmethod
    def validate_inputs(cls, folder):
        # also of a folder that was made after the editor was opened
        try:
            _folder(folder)
        except BadInputError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, folder, **others):
        path = _folder(folder)
        if path is None or not path.is_dir():
            return ""
        states = ((entry.name, entry.stat()) for entry in path.iterdir() if entry.is_file())
        return repr(sorted((name, s.st_size, s.st_mtime_ns) for name, s in states))

    @classmethod
    def execute(
        cls,
        folder,
        trigger,
        class_word,
        captions,
        crop,
        resolution,
        min_images,
        mirror,
        face_mask,
        seed,
        images=(),
        face=(),
        mask=(),
        vae=(None,),
        clip=(None,),
    ) -> io.NodeOutput:
        from ..myspinbot.lora.assembling import DatasetSettings, assemble
        from ..myspinbot.lora.contact_sheet import contact_sheet
        from ..myspinbot.lora.sources import folder_sources, given_sources

        settings = DatasetSettings(
            trigger=trigger[0],
            class_word=class_word[0],
            captions=captions[0],
            crop=crop[0],
            resolution_px=resolution[0],
            min_images=min_images[0],
            may_mirror=mirror[0],
            mask_face=face_mask[0],
            seed=seed[0],
        )
        sources = given_sources(_readers(images), list(face), _masks(mask))
        path = _folder(folder)
        if path is not None:
            sources += folder_sources(path)
        finder = load_finder().ready()
        with host.one_thread():
            made = assemble(
                sources,
                settings,
                lambda pixels: finder.find(pixels, max_faces=MAX_PEOPLE),
                host.ticker(),
            )
        sheet = types.from_pixels(contact_sheet(made.dataset, made.labels, font=host.font()))
        return io.NodeOutput(
            made.dataset,
            _latents(made.dataset, vae[0]),
            _conditioning(made.dataset, clip[0]),
            sheet,
            made.report,
            ui=ui.PreviewImage(sheet, cls=cls),
        )


def _folder(name: Any) -> Path | None:
    """The folder that was chosen, as a value or a list of one; None without."""
    chosen = name[0] if isinstance(name, list) else name
    return None if chosen in (None, "", NO_FOLDER) else host.input_folder(chosen)


def _readers(batches: Sequence[torch.Tensor]) -> list[Callable[[], Any]]:
    """A reader for each picture of a list of batches [B, H, W, C]."""
    singles = [batch[number : number + 1] for batch in batches for number in range(len(batch))]
    return [lambda single=single: types.to_pixels(single) for single in singles]


def _masks(batches: Sequence[torch.Tensor]) -> list[Any]:
    """float32 [H, W] of each mask of a list of batches [B, H, W] or [H, W]."""
    planes = (batch if batch.ndim == 3 else batch[None] for batch in batches)
    return [plane.detach().float().cpu().numpy() for batch in planes for plane in batch]


def _latents(dataset: Any, vae: Any) -> list[Any]:
    if vae is None:
        return [host.blocked("Connect a VAE to LoRA Dataset: without one it has no latents.")]
    tick, count = host.ticker(), len(dataset.images)
    latents = []
    for number, image in enumerate(dataset.images):
        tick(number, count)
        latents.append({"samples": vae.encode(image.pixels[None])})
    return latents


def _conditioning(dataset: Any, clip: Any) -> list[Any]:
    """One conditioning an image; equal captions are encoded once."""
    if clip is None:
        return [host.blocked("Connect a CLIP to LoRA Dataset: without one it has no positive.")]
    tick, captions = host.ticker(), [image.caption for image in dataset.images]
    encoded = {}
    for number, caption in enumerate(dict.fromkeys(captions)):
        tick(number, len(captions))
        encoded[caption] = clip.encode_from_tokens_scheduled(clip.tokenize(caption))
    return [encoded[caption] for caption in captions]
