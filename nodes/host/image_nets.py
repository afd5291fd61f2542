"""ComfyUI's UPSCALE_MODEL, a net out of spandrel, and INTERP_MODEL, as stages of ours use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import comfy.model_management as mm
import comfy.utils
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...myspinbot.errors import BadInputError, MissingModelError
from .models import WholePatcher, cancellable

_BYTES_A_PIXEL = 3 * 4 * 384
"""What a net takes while it runs for each pixel of its input, times its scale, as core estimates;
a net of Real-ESRGAN's size that enlarges 4 times takes two thirds of it."""


class UpscaleModel:
    """An UPSCALE_MODEL as myspinbot.video.nets.ImageNet."""

    def __init__(self, descriptor: Any, draw: Callable[[Tensor], Tensor] | None = None):
        """`draw` calls it, if not as spandrel does. Raises BadInputError for what is no such net,
        and for one that works on no colours."""
        if not hasattr(descriptor, "model") or not hasattr(descriptor, "scale"):
            raise BadInputError(
                f"The upscale_model is a {type(descriptor).__name__}, not what Load Upscale Model "
                "loads. Connect that node."
            )
        channels = descriptor.input_channels, descriptor.output_channels
        if channels != (3, 3):
            raise BadInputError(
                f"This model turns {channels[0]} channels into {channels[1]}; a video has 3: red, "
                "green and blue. Choose another model."
            )
        self._module, self._draw = descriptor.model, draw or descriptor
        self.scale = int(descriptor.scale)
        # only core's own loader is sure to have made one
        self._patcher = getattr(descriptor, "patcher", None) or _patcher(descriptor.model)

    @contextmanager
    def ready(self, pixels: int) -> Iterator[torch.device]:
        needed = pixels * _BYTES_A_PIXEL * max(self.scale, 1)
        mm.load_models_gpu([self._patcher], memory_required=needed, force_full_load=True)
        with _interruptible(self._module):
            yield self._patcher.load_device

    def __call__(self, images: Tensor) -> Tensor:
        return self._draw(images)

    def out_of_memory(self, error: Exception) -> bool:
        if not mm.is_oom(error):
            return False
        mm.soft_empty_cache()
        return True


class FrameInterpolator:
    """An INTERP_MODEL (RIFE or FILM) as myspinbot.video.interpolate.Between."""

    def __init__(self, patcher: Any):
        """Raises BadInputError for what is no such net."""
        if not hasattr(getattr(patcher, "model", None), "extract_features"):
            raise BadInputError(
                f"The interp_model is a {type(patcher).__name__}, not what Load Frame "
                "Interpolation Model loads. Connect that node."
            )
        self._patcher = patcher
        self._several = hasattr(patcher.model, "forward_multi_timestep")
        self._last: tuple[np.ndarray, Any] | None = None
        """The frame that came last, and what the net saw in it."""

    def __call__(
        self, before: np.ndarray, after: np.ndarray, shares: Sequence[float]
    ) -> list[np.ndarray]:
        from ...myspinbot.video.nets import as_pictures

        net, dtype = self._patcher.model, self._patcher.model_dtype()
        needed = net.memory_used_forward((1, *before.shape), dtype)
        mm.load_models_gpu([self._patcher], memory_required=needed)
        with torch.inference_mode(), _interruptible(net):
            first, second = (self._tensor(frame, dtype) for frame in (before, after))
            seen = {"img0": self._last[1]} if self._last and self._last[0] is before else {}
            if not seen:
                seen["img0"] = net.extract_features(first)
            seen["img1"] = net.extract_features(second)
            self._last = after, seen["img1"]
            made = self._made(net, first, second, shares, seen)
            return as_pictures(made[..., : before.shape[0], : before.shape[1]].float())

    def _tensor(self, frame: np.ndarray, dtype: torch.dtype) -> Tensor:
        """[1, 3, H, W] 0..1 on the device, with sides that the net can halve."""
        image = torch.from_numpy(frame).to(self._patcher.load_device).permute(2, 0, 1)[None]
        step = getattr(self._patcher.model, "pad_align", 1)
        right, below = (-side % step for side in (frame.shape[1], frame.shape[0]))
        return functional.pad(image.to(dtype) / 255, (0, right, 0, below), mode="replicate")

    def _made(
        self, net: Any, first: Tensor, second: Tensor, shares: Sequence[float], seen: dict
    ) -> Tensor:
        if self._several and len(shares) > 1:
            try:
                return net.forward_multi_timestep(first, second, shares, cache=seen)
            except Exception as error:
                if not mm.is_oom(error):
                    raise
            self._several = False
            mm.soft_empty_cache()
        times = (first.new_full((1, 1, *first.shape[2:]), share) for share in shares)
        return torch.cat([net(first, second, timestep=time, cache=seen) for time in times])


def load_restorer(path: Path, *, accepted: bool, fidelity: float) -> Any:
    """The UPSCALE_MODEL in a file with a face restorer, as core would load it."""
    from ...myspinbot.video.restorers import open_restorer

    def load() -> Any:
        try:
            tensors: Any = comfy.utils.load_torch_file(str(path), safe_load=True)
        except Exception as error:
            raise MissingModelError(
                f"{path.name} is damaged, or no file of weights ({error}): fetch it again."
            ) from error
        return open_restorer(tensors, accepted=accepted, fidelity=fidelity)

    descriptor = cancellable(load)
    descriptor.patcher = _patcher(descriptor.model)
    return descriptor


def _patcher(module: torch.nn.Module) -> WholePatcher:
    return WholePatcher(
        module, load_device=mm.get_torch_device(), offload_device=mm.unet_offload_device()
    )


@contextmanager
def _interruptible(module: torch.nn.Module) -> Iterator[None]:
    """Let a cancel end a run between two layers: on a CPU a whole one may take minutes."""

    def poll(*_: Any) -> None:
        mm.throw_exception_if_processing_interrupted()

    leaves = [part for part in module.modules() if next(part.children(), None) is None]
    hooks = [part.register_forward_pre_hook(poll) for part in leaves]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
