"""The only door to ComfyUI: folders, model manager, progress and cancel, video type, routes."""

from comfy_execution.graph_utils import GraphBuilder

from .baton import lend, make_room
from .clip import ClipText
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
    VOICES,
    document,
    documents,
    files,
    inside,
    private,
    register,
    speech_cache_bytes,
    temporary,
    weights,
    window_store,
)
from .landmarker import face_networks
from .models import Managed, has_gpu, one_thread, ready
from .preview import preview, preview_video
from .progress import ticker
from .routes import serve
from .video import RenderedVideo, frame_source

__all__ = [
    "SAMPLERS",
    "SCHEDULERS",
    "VOICES",
    "ClipText",
    "GraphBuilder",
    "Managed",
    "RenderedVideo",
    "ancestry",
    "decode",
    "document",
    "documents",
    "face_networks",
    "files",
    "frame_source",
    "has_gpu",
    "inside",
    "lend",
    "let_go",
    "listener",
    "make_room",
    "one_thread",
    "preview",
    "preview_video",
    "private",
    "ready",
    "register",
    "remembering",
    "resident_bytes",
    "say",
    "serve",
    "speech_cache_bytes",
    "temporary",
    "ticker",
    "weights",
    "window_store",
]
