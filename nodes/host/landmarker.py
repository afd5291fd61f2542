"""ComfyUI's own face landmarker, for a user who has its file: the two networks inside it."""

from __future__ import annotations

from typing import Any

import comfy.model_management as mm
from torch import nn

from ...myspinbot.errors import BadInputError

SHORT_RANGE = "short"
"""The detector that has the form of ours; the other has other boxes."""


def face_networks(landmarker: Any) -> tuple[nn.Module, nn.Module]:
    """Load FACE_DETECTION_MODEL and return its detector and its mesh; raises BadInputError."""
    try:
        patcher = landmarker.patchers[SHORT_RANGE]
        networks = patcher.model.detector, patcher.model.mesh
    except (AttributeError, KeyError, TypeError) as error:
        raise BadInputError(
            f"The face_model is a {type(landmarker).__name__}, not what Load Face Detection Model "
            "(MediaPipe) loads. Connect that node, or nothing."
        ) from error
    mm.load_models_gpu([patcher], force_full_load=True)
    return networks
