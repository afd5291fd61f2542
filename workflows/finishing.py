"""Workflows that finish a film."""

from __future__ import annotations

from myspinbot.client.graph import Graph, Node
from workflows import stages

UPSCALER = (
    "https://huggingface.co/Comfy-Org/Real-ESRGAN_repackaged/resolve/main/"
    "RealESRGAN_x4plus.safetensors"
)
CAPTIONS = """1
00:00:00,000 --> 00:00:02,000
Write here what is said,

2
00:00:02,000 --> 00:00:04,000
or connect the captions of Speak."""


def finish_video() -> tuple[Graph, str]:
    """A film, larger, with a sharp face, captions and a label, as one MP4."""
    graph = Graph()
    film = graph.add("LoadVideo", "Film", file="film.mp4")
    sharp, _ = sharpened(graph, film)
    written = graph.add(
        "MySpinBot_BurnCaptions",
        video=sharp,
        captions=CAPTIONS,
        position="bottom",
        style="outline",
        size_percent=5.0,
        colour="#ffffff",
        safe_area_percent=6.0,
        font="Noto Sans",
    )
    stages.saved(
        graph, written, "finished", loudness="-16 LUFS", captions=written.out(1), sidecar="srt"
    )
    return graph, (
        "## Finish a film\n"
        "Every frame goes through all stages before the next one is read, so memory does not grow "
        "with the length, and Cancel works at any moment.\n\n"
        "1. **Film**: of any length.\n"
        "2. **Upscale Video** takes any upscale model and makes any size; the editor offers "
        "Real-ESRGAN to download.\n"
        "3. **Restore Faces** wants `GFPGANv1.4.pth` in `models/facerestore_models`; its help page "
        "says where it is. Bypass what you do not need.\n"
        "4. **Burn Captions**: SubRip or WebVTT text.\n"
        "5. **Save Talking Bot** labels the film as AI-generated unless you switch that off."
    )


def sharpened(graph: Graph, video: Node) -> tuple[Node, Node]:
    """The video, larger and with a sharp face, and the loader of the restorer."""
    name = UPSCALER.rpartition("/")[2]
    upscaler = graph.add("UpscaleModelLoader", model_name=name)
    graph.offer(upscaler, name, UPSCALER, "upscale_models")
    large = graph.add(
        "MySpinBot_UpscaleVideo",
        video=video,
        upscale_model=upscaler,
        scale_by=2.0,
        longest_side_px=0,
        tile_px=512,
        batch=1,
    )
    restorer = graph.add(
        "MySpinBot_FaceRestorerLoader",
        model_name="GFPGANv1.4.pth",
        codeformer_licence="not accepted",
        codeformer_fidelity=1.0,
    )
    sharp = graph.add(
        "MySpinBot_RestoreFaces", video=large, restorer=restorer, strength=0.8, keep_likeness=True
    )
    return sharp, restorer
