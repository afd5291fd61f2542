"""Workflows that make an existing film say something else."""

from __future__ import annotations

from myspinbot.client.graph import Graph
from workflows import stages


def lipsync_video() -> tuple[Graph, str]:
    """A film and a sound to a film whose mouths say that sound."""
    graph = Graph()
    film = graph.add("LoadVideo", "Film", file="film.mp4")
    sound = graph.add("LoadAudio", "What is said", audio="voice.wav")
    model = graph.add("MySpinBot_LipSyncModelLoader", model_name="unet.pth")
    video = graph.add(
        "MySpinBot_LipSync",
        lip_sync=model,
        pictures=film,
        audio=sound,
        when_short="loop",
        fps=25,
    )
    stages.saved(graph, video, "lipsync_video")
    return graph, (
        "## Lip-sync a film\n"
        "1. **Film**: one person, seen from the front. An image works too: **Load Image** into "
        "**pictures**.\n"
        "2. **What is said**: any speech, for instance of **Speak**. The result is as long.\n"
        "3. **Model**, in `models/spinbot_lipsync`: MuseTalk's `unet.pth` with the folders "
        "`sd-vae` and `whisper` beside it (for GPUs), or `wav2lip_gan.pth` (smaller, research use "
        "only). The node's help page says where they are.\n\n"
        "Use only faces and voices whose owners agreed."
    )
