"""What a LoRA needs of ComfyUI beside the net: text, latents, pictures, names and a place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import comfy.lora
import comfy.lora_convert
import comfy.sample
import comfy.utils
import folder_paths
import node_helpers
import torch
from latent_preview import Latent2RGBPreviewer
from torch import Tensor

from ...myspinbot.errors import BadInputError
from ...myspinbot.lora.batches import generator
from ...myspinbot.progress import Tick
from .denoiser import Caption, HostedDenoiser
from .encoding import encoded_once

_TRAINED_GUIDANCE, _SAMPLED_GUIDANCE = 1.0, 3.5
"""Of Flux: its authors' tools train it at 1, and it is used at 3.5."""
_CFG = {"flux": 1.0, "wan": 5.0}
_PREVIEW_CFG = 7.0
_TRACED = 256
_MAX_NAME_BYTES = 200
"""File systems take 255, and steps, number and ending come after it."""


def captions(clip: Any, texts: Sequence[str], tick: Tick) -> tuple[dict[str, Caption], int]:
    """Encode each of `texts` once, and count the new ones; raises BadInputError without a CLIP."""
    if clip is None:
        raise BadInputError("There is no CLIP: connect the text encoder that goes with the model.")

    def encode(text: str) -> list:
        made = clip.encode_from_tokens_scheduled(clip.tokenize(text))
        return node_helpers.conditioning_set_values(made, {"guidance": _TRAINED_GUIDANCE})

    wanted = {text: partial(encode, text) for text in texts}
    found, new = encoded_once(clip, wanted, tick, "texts")
    return {text: Caption(made) for text, made in found.items()}, new


def latents(
    vae: Any, pictures: Sequence[Tensor], denoiser: HostedDenoiser, seed: int, tick: Tick
) -> tuple[list[Tensor], int]:
    """Latents [C, ...] as the net is fed, one for each picture [H, W, 3] 0..1, and how many of the
    pictures are new; raises BadInputError without a fitting VAE."""
    if vae is None:
        raise BadInputError("There is no VAE: connect the one that goes with the model.")

    def encode(picture: Tensor) -> Tensor:
        with torch.random.fork_rng(_cuda(denoiser)):  # some VAEs draw from a distribution
            torch.manual_seed(seed)
            return vae.encode(picture[None])

    keys = [(seed, picture.shape, _digest(picture)) for picture in pictures]
    wanted = {key: partial(encode, picture) for key, picture in zip(keys, pictures, strict=True)}
    found, new = encoded_once(vae, wanted, tick, "images")
    return [_as_fed(found[key], denoiser) for key in keys], new


def _digest(picture: Tensor) -> bytes:
    return hashlib.sha256(picture.contiguous().cpu().numpy().tobytes()).digest()


def _as_fed(latent: Tensor, denoiser: HostedDenoiser) -> Tensor:
    format = denoiser.patcher.get_model_object("latent_format")
    if latent.shape[1] != format.latent_channels:
        raise BadInputError(
            f"The VAE makes latents of {latent.shape[1]} channels and the model reads "
            f"{format.latent_channels}: connect the VAE that goes with the model."
        )
    if format.latent_dimensions == 3 and latent.ndim == 4:
        latent = latent.unsqueeze(2)
    with torch.inference_mode(False):
        latent = latent.clone()  # it will be part of a graph
        return denoiser.patcher.model.process_latent_in(latent)[0].float().cpu()


def traces(caption: Caption, latent: Tensor) -> Tensor:
    """Some of the numbers that a text encoder and a VAE made, [2, N]: enough to tell others."""
    values = (caption.conditioning[0][0], latent)
    flat = (value.detach().float().flatten().cpu() for value in values)
    return torch.stack([one[torch.linspace(0, len(one) - 1, _TRACED).long()] for one in flat])


class Sampler:
    """Makes pictures with the net as it is at the moment, always from the same noise."""

    def __init__(
        self,
        denoiser: HostedDenoiser,
        positive: Caption,
        negative: Caption,
        latent: Tensor,
        *,
        steps: int,
        seed: int,
    ):
        """`latent` [C, ...] has the size that the pictures get."""
        self._denoiser, self._steps, self._seed = denoiser, steps, seed
        cfg = _CFG.get(denoiser.family.name, _PREVIEW_CFG)
        self._cfg = cfg
        self._positive = node_helpers.conditioning_set_values(
            positive.conditioning, {"guidance": _SAMPLED_GUIDANCE}
        )
        self._negative = negative.conditioning
        self._noise = torch.randn((1, *latent.shape), generator=generator(seed, "preview"))
        self.samples: list[Tensor] = []
        """Latents [1, C, ...] for a VAE."""

    @torch.no_grad()
    def __call__(self) -> None:
        made = comfy.sample.sample(
            self._denoiser.patcher,
            self._noise,
            self._steps,
            self._cfg,
            "euler",
            "simple",
            self._positive,
            self._negative,
            torch.zeros_like(self._noise),
            disable_pbar=True,
            seed=self._seed,
        )
        self._denoiser.patcher.pre_run()  # the sampler has cleaned up behind itself
        self.samples.append(made)

    def quick_look(self) -> Any:
        """The latest sample as a small PIL image without a VAE; None where nobody knows how."""
        format = self._denoiser.patcher.get_model_object("latent_format")
        if not self.samples or format.latent_rgb_factors is None:
            return None
        previewer = Latent2RGBPreviewer(
            format.latent_rgb_factors,
            format.latent_rgb_factors_bias,
            format.latent_rgb_factors_reshape,
        )
        latent = self._denoiser.patcher.model.process_latent_in(self.samples[-1])
        return previewer.decode_latent_to_preview(latent.float().cpu())


def pictures(vae: Any, samples: Sequence[Tensor]) -> Tensor:
    """ComfyUI's IMAGE [N, H, W, 3] of a Sampler's latents; one black pixel where there are none."""
    if not samples:
        return torch.zeros(1, 1, 1, 3)
    images = [vae.decode(sample) for sample in samples]
    return torch.cat([image.reshape(-1, *image.shape[-3:]) for image in images]).float().cpu()


def unmapped(model: Any, lora: Mapping[str, Tensor]) -> list[str]:
    """Names in `lora` that ComfyUI's loaders would not know what to do with."""
    keys = comfy.lora.model_lora_keys_unet(model.model, {})
    converted = comfy.lora_convert.convert_lora(dict(lora))
    patches = comfy.lora.load_lora(converted, keys, log_missing=False)
    used = {name for patch in patches.values() for name in getattr(patch, "loaded_keys", ())}
    used |= {name for name in converted if name.endswith((".diff", ".diff_b"))}
    return sorted(set(converted) - used)


def published_names(model: Any) -> dict[str, str]:
    """How other programs call the layers of a Stable Diffusion UNet, by our names of them."""
    config = model.model.model_config.unet_config
    named = comfy.utils.unet_to_diffusers(config)
    end = ".weight"
    return {
        ours.removesuffix(end): theirs.removesuffix(end)
        for theirs, ours in named.items()
        if theirs.endswith(end)
    }


def lora_file(prefix: str, steps: int) -> tuple[Path, str]:
    """A new file in ComfyUI's folder of trained LoRAs, and the name that LoRA loaders know it by.

    Raises BadInputError for a prefix that leads out of the folder.
    """
    output = Path(folder_paths.get_output_directory()) / "loras"
    folders = [Path(folder).resolve() for folder in folder_paths.get_folder_paths("loras")]
    if output.resolve() not in folders:  # core lists it; somebody may have taken it away
        output = folders[0]
    root = output.resolve()
    longest = max((len(os.fsencode(part)) for part in Path(prefix).parts), default=0)
    plain = prefix.strip() and "\0" not in prefix and longest <= _MAX_NAME_BYTES
    target = (root / f"{prefix}_{steps}_steps").resolve() if plain else root
    if root not in target.parents:
        raise BadInputError(f"{prefix!r} is not a file name inside {root}: use a plain name.")
    path = next(
        path
        for number in range(1, 10**6)
        if not (path := target.with_name(f"{target.name}_{number:05}.safetensors")).exists()
    )
    return path, str(path.relative_to(root))


def _cuda(denoiser: HostedDenoiser) -> list:
    return [denoiser.device] if denoiser.device.type == "cuda" else []
