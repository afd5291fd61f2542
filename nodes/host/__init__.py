"""The only door to ComfyUI: folders, model manager, progress and cancel, video type, routes."""

from comfy_execution.graph_utils import GraphBuilder

from . import instrumentation
from .baton import lend, make_room
from .clip import ClipText
from .diffusion import image_codec, unet
from .expansion import (
    SAMPLERS,
    SCHEDULERS,
    ancestry,
    decode,
    let_go,
    listener,
    remembering,
    resident_bytes,
    say,
)
from .folders import (
    LIPSYNC,
    RESTORERS,
    VOICES,
    document,
    documents,
    files,
    inside,
    private,
    register,
    speech_cache_bytes,
    stored,
    temporary,
    weights,
    window_store,
)
from .image_nets import UpscaleModel, load_restorer
from .instrumentation import metrics
from .landmarker import face_networks
from .models import Managed, has_gpu, one_thread, ready
from .preview import preview, preview_video
from .progress import ticker
from .routes import serve, serve_operator
from .saving import font, metadata, output_file
from .video import RenderedVideo, frame_source, save, seekable_source

__all__ = [
    "LIPSYNC",
    "RESTORERS",
    "SAMPLERS",
    "SCHEDULERS",
    "VOICES",
    "ClipText",
    "GraphBuilder",
    "Managed",
    "RenderedVideo",
    "UpscaleModel",
    "ancestry",
    "decode",
    "document",
    "documents",
    "face_networks",
    "files",
    "font",
    "frame_source",
    "has_gpu",
    "image_codec",
    "inside",
    "instrumentation",
    "lend",
    "let_go",
    "listener",
    "load_restorer",
    "make_room",
    "metadata",
    "metrics",
    "one_thread",
    "output_file",
    "preview",
    "preview_video",
    "private",
    "ready",
    "register",
    "remembering",
    "resident_bytes",
    "save",
    "say",
    "seekable_source",
    "serve",
    "serve_operator",
    "speech_cache_bytes",
    "stored",
    "temporary",
    "ticker",
    "unet",
    "weights",
    "window_store",
]
