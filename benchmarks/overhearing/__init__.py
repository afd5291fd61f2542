"""A pack that writes down what InfiniteTalk hears, into ComfyUI's output folder.

The last layer, float32 [n, C]: of what its node is given, 50 a second, and of each chunk, 25 a
second. benchmarks/talking_video.py puts it into a ComfyUI.
"""

import sys
from pathlib import Path

import folder_paths
import numpy as np


def listen_in():
    # ComfyUI's `nodes`, not the pack's; it loads extra nodes under a name that is no module's path
    node = sys.modules["nodes"].NODE_CLASS_MAPPINGS["WanInfiniteTalkToVideo"]
    space = node.execute.__func__.__globals__
    project, resample = space["project_audio_features"], space["linear_interpolation"]
    folder = Path(folder_paths.get_output_directory())

    def given(features, *rates, **more):
        np.save(folder / "given.npy", features[-1].float().cpu().numpy())
        return resample(features, *rates, **more)

    def heard(audio_proj, encoded_audio, audio_start, audio_end):
        layer = encoded_audio[0][audio_start:audio_end, -1]
        number = len(list(folder.glob("heard_*.npy")))
        np.save(folder / f"heard_{number:04d}.npy", layer.float().cpu().numpy())
        return project(audio_proj, encoded_audio, audio_start, audio_end)

    space.update(project_audio_features=heard, linear_interpolation=given)


listen_in()
NODE_CLASS_MAPPINGS = {}
