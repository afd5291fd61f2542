"""A MODEL whose net is trained where it is, under ComfyUI's model manager, without a second copy.

The LoRA goes in as an injection of a clone of the MODEL: core takes it out before it moves or
unpatches the net, and puts it in again after loading. What the user's MODEL computes afterwards is
bit for bit what it computed before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import comfy.conds
import comfy.ldm.modules.attention
import comfy.model_base
import comfy.model_management as mm
import comfy.model_sampling
import comfy.ops
import comfy.quant_ops
import comfy.sampler_helpers
import comfy.samplers
import torch
from comfy.patcher_extension import PatcherInjection
from torch import Tensor, nn

from ...myspinbot.errors import BadInputError
from ...myspinbot.lora.families import FAMILIES, Family, Prediction
from ...myspinbot.lora.recipe import AUTO, BF16, FP32

_KEY = "myspinbot_lora"
_Quantized: Any = comfy.quant_ops.QuantizedTensor
_EVERYTHING = 10**20
"""More bytes than any device has: all other models make room."""


class Caption:
    """A text's conditioning, made ready for the net once for each size of image."""

    def __init__(self, conditioning: list):
        (self._encoded,) = conditioning[:1]
        self._ready: dict[tuple[int, ...], dict[str, Any]] = {}

    def at(self, noisy: Tensor, model: Any) -> dict[str, Any]:
        """What `model` wants to know for latents like `noisy` [1, C, ...], by name."""
        shape = tuple(noisy.shape[1:])
        if shape not in self._ready:
            # outside inference mode: gradients flow past these
            tensor, options = self._encoded
            cond = [[_cloned(tensor), {name: _cloned(value) for name, value in options.items()}]]
            (made,) = comfy.samplers.encode_model_conds(
                model.extra_conds,
                comfy.sampler_helpers.convert_cond(cond),
                noisy,
                noisy.device,
                "positive",
                latent_image=torch.zeros_like(noisy),
                denoise_mask=None,
                seed=0,
            )
            self._ready[shape] = {
                name: value.process_cond(batch_size=1, area=None, device=noisy.device)
                for name, value in made["model_conds"].items()
            }
        return self._ready[shape]

    @property
    def conditioning(self) -> list:
        """ComfyUI's CONDITIONING, for a sampler."""
        return [self._encoded]


def _cloned(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


class HostedDenoiser:
    """myspinbot.lora.batches.Denoiser over a MODEL."""

    def __init__(self, model: Any, precision: str = AUTO):
        """`precision` is one of recipe.PRECISIONS: auto takes bfloat16 on a GPU that has it.

        Raises BadInputError for a MODEL that cannot be trained.
        """
        if model.is_dynamic():
            model = _static(model)
        self.patcher = model.clone()
        self.net: nn.Module = self.patcher.model.diffusion_model
        self.family = _family(self.patcher.model)
        sampling = self.patcher.get_model_object("model_sampling")
        self.prediction = _prediction(sampling)
        with torch.inference_mode(False):  # they become a part of graphs
            self.sigmas: Tensor = sampling.sigmas.detach().clone().float().cpu()
        self.noise_scale = float(getattr(sampling, "noise_scale", 1.0))
        self.device: torch.device = self.patcher.load_device
        self._autocast = nullcontext
        if precision == AUTO and self.device.type != "cpu" and mm.should_use_bf16(self.device):
            precision = BF16  # float16 overflows in gradients
        if precision == BF16:
            self.patcher.set_model_compute_dtype(torch.bfloat16)
            self._autocast = lambda: torch.autocast(self.device.type, torch.bfloat16)
        elif precision == FP32:
            self.patcher.set_model_compute_dtype(torch.float32)

    @contextmanager
    def held(self, insert: Callable[[], None], remove: Callable[[], None]) -> Iterator[None]:
        """Load the net, with gradients on; `insert` and `remove` change it and put it back.

        Both are called as often as ComfyUI moves the net meanwhile. When the block ends the net is
        as it was, whatever ended it.
        """
        injection = PatcherInjection(lambda patcher: insert(), lambda patcher: remove())
        was_training = mm.in_training
        with torch.inference_mode(False), torch.enable_grad():
            self.patcher.set_injections(_KEY, [injection])
            mm.in_training = True  # else rotary embeddings have no gradient
            try:
                mm.load_models_gpu(
                    [self.patcher], memory_required=_EVERYTHING, force_full_load=True
                )
                self.patcher.pre_run()
                yield
            finally:
                mm.in_training = was_training
                self.patcher.eject_model()
                self.patcher.remove_injections(_KEY)
                self.patcher.cleanup()

    def predict(self, noisy: Tensor, sigmas: Tensor, captions: Sequence[Caption]) -> Tensor:
        """Clean latents [B, C, ...], one forward for all captions of equal length."""
        model = self.patcher.model
        conds = [caption.at(noisy[:1], model) for caption in captions]
        groups: dict[tuple, list[int]] = {}
        for row, cond in enumerate(conds):
            groups.setdefault(_form(cond), []).append(row)
        parts: dict[int, Tensor] = {}
        for rows in groups.values():
            whole = len(rows) == len(captions)
            x, s = (noisy, sigmas) if whole else (noisy[rows], sigmas[rows])
            with self._autocast():
                denoised = model.apply_model(x, s, **self._together(conds, rows, s))
            if whole:
                return denoised
            parts |= dict(zip(rows, denoised, strict=True))
        return torch.stack([parts[row] for row in range(len(captions))])

    def _together(self, conds: list[dict], rows: list[int], sigmas: Tensor) -> dict[str, Any]:
        first, *others = (conds[row] for row in rows)
        joined: dict[str, Any] = {
            name: value.concat([other[name] for other in others]) for name, value in first.items()
        }
        joined["transformer_options"] = {
            **self.patcher.model_options.get("transformer_options", {}),
            "optimized_attention_override": _attention,
            "cond_or_uncond": [0] * len(rows),
            "sigmas": sigmas,
        }
        return joined

    def weight_of(self, layer: nn.Module, like: Tensor) -> Tensor:
        """A layer's weight as it computes with; a cancel is heard here, in the way back."""
        mm.throw_exception_if_processing_interrupted()
        if hasattr(layer, "weight_function"):
            cast: Any = comfy.ops.cast_bias_weight(layer, like)
            weight: Any = cast[0]
        else:
            weight = layer.weight
        return (weight.dequantize() if isinstance(weight, _Quantized) else weight).to(like)


def _form(cond: dict[str, Any]) -> tuple:
    """Equal for conditionings that fit into one batch; constants must be equal."""
    constants = {n: c.cond for n, c in cond.items() if isinstance(c, comfy.conds.CONDConstant)}
    return tuple((name, tuple(value.size())) for name, value in cond.items()), repr(constants)


def _attention(function: Callable, *args: Any, **kwargs: Any) -> Tensor:
    """Torch's own: others that ComfyUI may have chosen have no gradient, or a slow one."""
    kwargs.pop("transformer_options", None)
    return comfy.ldm.modules.attention.attention_pytorch(*args, **kwargs)


def _static(model: Any) -> Any:
    """The MODEL with its weights in one place; needs what core's loaders leave in it."""
    try:
        return model.clone(disable_dynamic=True)
    except RuntimeError as error:
        raise BadInputError(
            "This MODEL keeps its weights on the move and cannot be loaded whole. Load it with "
            "core's Load Checkpoint or Load Diffusion Model, or start ComfyUI with "
            "--disable-dynamic-vram."
        ) from error


def _family(model: Any) -> Family:
    kinds = (
        (comfy.model_base.SDXL, "sdxl"),
        (comfy.model_base.Flux, "flux"),
        (comfy.model_base.WAN21, "wan"),
    )
    for kind, name in kinds:
        if isinstance(model, kind):
            return FAMILIES[name]
    unet = type(model.diffusion_model).__name__ == "UNetModel"
    return FAMILIES["sd15" if unet else "other"]


def _prediction(sampling: Any) -> Prediction:
    """What the net puts out, from the classes that core mixes for it."""
    names = comfy.model_sampling
    first = next((k for k in type(sampling).__mro__ if "calculate_denoised" in vars(k)), None)
    known = {
        names.EPS: Prediction.EPS,
        names.V_PREDICTION: Prediction.V,
        names.CONST: Prediction.FLOW,
    }
    if first not in known:
        name = getattr(first, "__name__", type(sampling).__name__)
        raise BadInputError(
            f"Models that predict as {name} cannot be trained: use one of Stable Diffusion 1 or "
            "XL, Flux or Wan, without a node that changes its sampling to something else."
        )
    return known[first]
