"""Workflows that make an existing film say something else."""

from __future__ import annotations

from myspinbot.client.graph import Graph
from workflows import stages

HUB = "https://huggingface.co"
MUSETALK = f"{HUB}/TMElyralab/MuseTalk/resolve/main/musetalkV15/unet.pth"
CODEC = f"{HUB}/stabilityai/sd-vae-ft-mse/resolve/main/diffusion_pytorch_model.safetensors"
WHISPER = f"{HUB}/openai/whisper-tiny/resolve/main/model.safetensors"
"""The editor offers what a widget names; these two have none."""


def lipsync_video() -> tuple[Graph, str]:
    """A film and a sound to a film whose mouths say that sound."""
    graph = Graph()
    film = graph.add("LoadVideo", "Film", file="film.mp4")
    sound = graph.add("LoadAudio", "What is said", audio="voice.wav")
    model = graph.add("MySpinBot_LipSyncModelLoader", model_name="unet.pth")
    graph.offer(model, "unet.pth", MUSETALK, "spinbot_lipsync")
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
        "3. **Model**, in `models/spinbot_lipsync`. MuseTalk needs a GPU and three files: "
        f"[unet.pth]({MUSETALK}), which the editor offers to download; "
        f"[this file]({CODEC}) as `sd-vae/diffusion_pytorch_model.safetensors`; and "
        f"[this one]({WHISPER}) as `whisper/model.safetensors`. Press R when they are there.\n\n"
        "No GPU? `wav2lip_gan.pth` is smaller, for research only; the node's help page says where "
        "it is.\n\n"
        "Use only faces and voices whose owners agreed."
    )
