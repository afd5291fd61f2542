"""Our own mesh model behind the form that every mesh model has here: a crop in, 478 points out.

A mesh model is a module that takes crops [B, 3, 192, 192], 0..1, and returns the points
[B, 478, 3] in pixels of the crop, and the logit [B] of there being a face. ComfyUI's face
landmarker has the same form, and a detector of the form that `detector.detect` wants.
"""

from __future__ import annotations

from torch import Tensor, nn

from . import landmarks
from .graph import GraphNet

_SURFACE_POINTS = 468
_LIDS = landmarks.LEFT_EYE, landmarks.RIGHT_EYE
_IRISES = landmarks.LEFT_IRIS, landmarks.RIGHT_IRIS


class AttentionMesh(nn.Module):
    """MediaPipe's attention mesh: a coarse mesh, with finer lips, eyes and irises put into it.

    Source: Grishchenko et al., "Attention Mesh" (2020); weights Apache-2.0.
    """

    def __init__(self, net: GraphNet) -> None:
        super().__init__()
        self.net = net
        # lips, left eye, right eye
        self._regions = [region.tolist() for region in net.regions()]

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Points [B, 478, 3] in pixels of `crops` [B, 3, 192, 192], and the face's logit [B]."""
        mesh, lips, left_eye, right_eye, left_iris, right_iris, presence = self.net(crops)
        count = len(crops)
        points = crops.new_zeros(count, landmarks.POINT_COUNT, 3)
        points[:, :_SURFACE_POINTS] = mesh.reshape(count, _SURFACE_POINTS, 3)
        finer = lips, left_eye, right_eye
        for region, places in zip(self._regions, finer, strict=True):
            points[:, region, :2] = places.reshape(count, -1, 2)
        for lid, iris, places in zip(_LIDS, _IRISES, (left_iris, right_iris), strict=True):
            points[:, iris, :2] = places.reshape(count, -1, 2)
            points[:, iris, 2] = points[:, lid, 2].mean(1, keepdim=True)
        return points, presence.reshape(count)
