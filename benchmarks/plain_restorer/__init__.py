"""A node for `benchmarks/video.py`: a restorer of one layer that changes and costs little."""

import torch


class Plain:
    """What Restore Faces asks of an UPSCALE_MODEL."""

    scale, purpose, input_channels, output_channels = 1, "FaceSR", 3, 3

    def __init__(self) -> None:
        self.model = torch.nn.Conv2d(3, 3, 3, padding=1, bias=False).requires_grad_(False)
        torch.nn.init.dirac_(self.model.weight)
        self.model.weight.mul_(1.02)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return self.model(images)


class PlainRestorer:
    RETURN_TYPES, FUNCTION, CATEGORY = ("UPSCALE_MODEL",), "load", "benchmark"

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802 (ComfyUI's name)
        return {"required": {}}

    def load(self):
        return (Plain(),)


NODE_CLASS_MAPPINGS = {"PlainRestorer": PlainRestorer}
