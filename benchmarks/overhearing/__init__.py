"""A pack that writes down what InfiniteTalk hears: one file a chunk, in ComfyUI's output folder.

benchmarks/talking_video.py puts it into a ComfyUI, and compares it with the whole sound's features.
"""

import sys
from pathlib import Path

import folder_paths
import numpy as np


def write_down(features, start, end):
    """The last layer as float32 [frames, C]: of the chunk, and once of all that it came out of."""
    folder = Path(folder_paths.get_output_directory())
    layer = features[:, -1].float().cpu().numpy()
    if not (folder / "whole.npy").exists():
        np.save(folder / "whole.npy", layer)
    number = len(list(folder.glob("heard_*.npy")))
    np.save(folder / f"heard_{number:04d}.npy", layer[max(start, 0) : end])


def listen_in():
    # ComfyUI's `nodes`, not the pack's; it loads extra nodes under a name that is no module's path
    node = sys.modules["nodes"].NODE_CLASS_MAPPINGS["WanInfiniteTalkToVideo"]
    space = node.execute.__func__.__globals__
    project = space["project_audio_features"]

    def overheard(audio_proj, encoded_audio, audio_start, audio_end):
        write_down(encoded_audio[0], audio_start, audio_end)
        return project(audio_proj, encoded_audio, audio_start, audio_end)

    space["project_audio_features"] = overheard


listen_in()
NODE_CLASS_MAPPINGS = {}
