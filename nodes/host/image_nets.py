"""ComfyUI's UPSCALE_MODEL, a net out of spandrel, as stages of ours use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import comfy.model_management as mm
import torch
from torch import Tensor

from ...myspinbot.errors import BadInputError
from .models import WholePatcher

_BYTES_A_PIXEL = 3 * 4 * 384
"""What a net takes while it runs for each pixel of its input, times its scale, as core estimates;
a net of Real-ESRGAN's size that enlarges 4 times takes two thirds of it."""


class UpscaleModel:
    """An UPSCALE_MODEL as myspinbot.video.nets.ImageNet."""

    def __init__(self, descriptor: Any):
        """Raises BadInputError for what is none, or works on no colours."""
        if not hasattr(descriptor, "model") or not hasattr(descriptor, "scale"):
            raise BadInputError(
                f"The upscale_model is a {type(descriptor).__name__}, not what Load Upscale Model "
                "loads. Connect that node."
            )
        channels = descriptor.input_channels, descriptor.output_channels
        if channels != (3, 3):
            raise BadInputError(
                f"The upscale_model, {architecture(descriptor)}, turns {channels[0]} channels into "
                f"{channels[1]}; a video has 3, red, green and blue. Choose another model."
            )
        self.descriptor = descriptor
        self.scale = int(descriptor.scale)
        # only core's own loader is sure to have made one
        self._patcher = getattr(descriptor, "patcher", None) or WholePatcher(
            descriptor.model,
            load_device=mm.get_torch_device(),
            offload_device=mm.unet_offload_device(),
        )

    @contextmanager
    def ready(self, pixels: int) -> Iterator[torch.device]:
        needed = pixels * _BYTES_A_PIXEL * max(self.scale, 1)
        mm.load_models_gpu([self._patcher], memory_required=needed, force_full_load=True)
        with _cancellable(self.descriptor.model):
            yield self._patcher.load_device

    def __call__(self, images: Tensor) -> Tensor:
        return self.descriptor(images)

    def out_of_memory(self, error: Exception) -> bool:
        if not mm.is_oom(error):
            return False
        mm.soft_empty_cache()
        return True


def architecture(descriptor: Any) -> str:
    """What spandrel calls the kind of net."""
    return str(getattr(getattr(descriptor, "architecture", None), "id", "an unknown net"))


@contextmanager
def _cancellable(module: torch.nn.Module) -> Iterator[None]:
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
