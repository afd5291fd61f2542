"""ComfyUI's UPSCALE_MODEL, a net out of spandrel, as stages of ours use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import comfy.model_management as mm
import comfy.utils
import torch
from torch import Tensor

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
