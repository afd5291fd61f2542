"""Whether the models that a Talking Video was given are those that it can use.

ComfyUI would notice late, with a line on shapes, or not at all: a text-to-video net draws anybody.
"""

from __future__ import annotations

from typing import Any

import torch

from ..myspinbot.errors import BadInputError
from ..myspinbot.lipsync.long_video import S2V, Model
from . import host


def check_models(wanted: Model, model: Any, vae: Any, model_patch: Any) -> None:
    """Raise BadInputError unless MODEL, VAE and MODEL_PATCH, or none, are `wanted`'s."""
    net = host.net_facts(model)
    if wanted is S2V:
        if net.get("model_type") != "s2v":
            raise BadInputError(
                f"Without a model_patch the model has to be Wan 2.2 S2V, but it is {net['name']}. "
                "For InfiniteTalk connect its patch to model_patch, from Load Model Patch."
            )
    elif net.get("image_model") != "wan2.1" or net.get("in_dim") != 36:
        raise BadInputError(
            "With a model_patch the model has to be Wan 2.1 I2V, which takes a picture, but it is "
            f"{net['name']}. Load an I2V file, or disconnect model_patch if the model is S2V."
        )
    elif (width := host.infinitetalk_width(model_patch)) != net["dim"]:
        its = f"for nets of width {width}" if width else "not InfiniteTalk's"
        raise BadInputError(
            f"The model_patch is {its}, and this model needs InfiniteTalk's of width "
            f"{net['dim']}: wan2.1_infiniteTalk_single_fp16 goes with the 14B models (5120)."
        )
    if (vae.latent_channels, vae.latent_dim) != (16, 3):
        raise BadInputError(
            f"The vae has {vae.latent_channels} channels in {vae.latent_dim} dimensions, and "
            "Talking Video needs Wan 2.1's, with 16 in 3: wan_2.1_vae."
        )


def check_hearing(wanted: Model, layers: list[torch.Tensor]) -> None:
    """Raise BadInputError unless an audio encoder's `layers` are what `wanted` listens to."""
    width = layers[-1].shape[-1]
    if width != wanted.heard_width:
        raise BadInputError(
            f"The audio_encoder gives {width} values for each moment, and {wanted.name} needs "
            f"{wanted.heard_width}: load wav2vec 2.0 {wanted.ears}."
        )
