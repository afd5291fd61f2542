"""Runs a converted face model: a list of steps over numbered tensors. Knows no faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..errors import MissingModelError
from .convert import METADATA_KEY


class GraphNet(nn.Module):
    """The model of one file made by `convert`; float32, any device, any batch size."""

    def __init__(self, description: dict[str, Any], weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.steps: list[dict[str, Any]] = description["steps"]
        self.input_number: int = description["input"]
        self.output_numbers: list[int] = description["outputs"]
        for name, value in weights.items():
            self.register_parameter(name, nn.Parameter(value.float(), requires_grad=False))
        for step in self.steps:
            if step["op"] == "Landmarks2TransformMatrix":
                step["index"] = f"index{step['out']}"
                indices = torch.tensor(step["subset_idxs"])
                self.register_buffer(step["index"], indices, persistent=False)
        self._last_use = {number: at for at, step in enumerate(self.steps) for number in step["in"]}
        self._last_use.update(dict.fromkeys(self.output_numbers, len(self.steps)))

    @classmethod
    def load(cls, path: Path) -> GraphNet:
        """Read `path`; raises MissingModelError when it is absent, truncated or another file."""
        try:
            with safe_open(path, framework="pt") as file:
                description = json.loads((file.metadata() or {})[METADATA_KEY])
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                net = cls(description, weights).eval()
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise MissingModelError(
                f"The face model {path} is missing or damaged. Run: python install.py"
            ) from error
        # A third quicker on CPU; survives moves between devices.
        return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def regions(self) -> list[Tensor]:
        """The point indices that each of the model's attention crops is about."""
        return [self.get_buffer(step["index"]) for step in self.steps if "index" in step]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run on `image` [B, 3, H, W]; returns the outputs in the order of the original model."""
        tensors = {self.input_number: image.contiguous(memory_format=torch.channels_last)}
        for at, step in enumerate(self.steps):
            numbers = step["in"]
            operation = getattr(self, "_" + step["op"])
            tensors[step["out"]] = operation(step, *(tensors[number] for number in numbers))
            for number in numbers:
                if self._last_use[number] == at:
                    tensors.pop(number, None)
        return [tensors[number] for number in self.output_numbers]

    def _conv(self, step: dict[str, Any], x: Tensor) -> Tensor:
        before, after = step["pad"]
        if before != after:
            x, before = F.pad(x, (before, after, before, after)), 0
        weight, bias = self._weight(step["weight"]), self._weight(step["bias"])
        return F.conv2d(x, weight, bias, step["stride"], before, 1, step["groups"])

    def _max_pool(self, step: dict[str, Any], x: Tensor) -> Tensor:
        return F.max_pool2d(x, step["size"])

    def _relu(self, step: dict[str, Any], x: Tensor) -> Tensor:
        return F.relu(x)

    def _prelu(self, step: dict[str, Any], x: Tensor) -> Tensor:
        return F.prelu(x, self._weight(step["weight"]))

    def _mul(self, step: dict[str, Any], x: Tensor) -> Tensor:
        return x * self._weight(step["weight"])

    def _add(self, step: dict[str, Any], a: Tensor, b: Tensor) -> Tensor:
        """Sum; where one has fewer channels, the rest of the other stays as it is."""
        if a.shape[1] == b.shape[1]:
            return a + b
        narrow, wide = (a, b) if a.shape[1] < b.shape[1] else (b, a)
        return torch.cat([wide[:, : narrow.shape[1]] + narrow, wide[:, narrow.shape[1] :]], 1)

    def _concatenation(self, step: dict[str, Any], *parts: Tensor) -> Tensor:
        return torch.cat(parts, step["axis"])

    def _reshape(self, step: dict[str, Any], x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1) if x.ndim == 4 else x  # the model counts channels last
        return x.reshape(x.shape[0], *step["shape"])

    def _Landmarks2TransformMatrix(self, step: dict[str, Any], points: Tensor) -> Tensor:  # noqa: N802
        """Matrix [B, 2, 3] from a crop of the region's box to the map that `points` lie on.

        The box is upright with respect to the line between two of the points.
        """
        across = points[:, step["right_rotation_idx"]] - points[:, step["left_rotation_idx"]]
        angle = torch.atan2(across[:, 1], across[:, 0]) - step["target_rotation_radians"]
        cos, sin = angle.cos(), angle.sin()
        turn = torch.stack([cos, -sin, sin, cos], -1).reshape(-1, 2, 2)
        region = points[:, self.get_buffer(step["index"]), :2] @ turn  # undoes the turn
        low, high = region.amin(1), region.amax(1)
        center = turn @ ((low + high) / 2)[:, :, None]
        size = points.new_tensor([step["output_width"], step["output_height"]])
        scale = points.new_tensor([step["scale_x"], step["scale_y"]])
        linear = turn * (scale * (high - low) / size)[:, None, :]
        shift = center - linear @ (size / 2)[:, None]
        return torch.cat([linear, shift], 2)

    def _TransformTensorBilinear(  # noqa: N802
        self, step: dict[str, Any], x: Tensor, matrix: Tensor
    ) -> Tensor:
        """Sample `x` where `matrix` [B, 2, 3] puts the pixels of a smaller map."""
        height, width = step["output_height"], step["output_width"]
        out_half = x.new_tensor([width / 2, height / 2])
        in_half = x.new_tensor([x.shape[3] / 2, x.shape[2] / 2])[:, None]
        shift = (matrix[:, :, :2] @ out_half[:, None] + matrix[:, :, 2:]) / in_half - 1
        theta = torch.cat([matrix[:, :, :2] * out_half / in_half, shift], 2)
        grid = F.affine_grid(theta, [x.shape[0], x.shape[1], height, width], align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)

    def _TransformLandmarks(  # noqa: N802
        self, step: dict[str, Any], points: Tensor, matrix: Tensor
    ) -> Tensor:
        return points @ matrix[:, :, :2].transpose(1, 2) + matrix[:, None, :, 2]

    def _weight(self, name: str) -> Tensor:
        return self._parameters[name]  # type: ignore[return-value]  # quicker than getattr
