"""The only door to ComfyUI: folders, model manager, progress and cancel, video type, routes."""

from comfy_execution.graph_utils import GraphBuilder

from . import instrumentation
from .baton import lend, make_room
from .clip import ClipText
from .folders import (
    VOICES,
    document,
    documents,
    files,
    inside,
    private,
    register,
    speech_cache_bytes,
    weights,
)
from .instrumentation import metrics
from .landmarker import face_networks
from .models import Managed, has_gpu, one_thread, ready
from .preview import preview
from .progress import ticker
from .routes import serve, serve_operator
from .video import RenderedVideo, frame_source

__all__ = [
    "VOICES",
    "ClipText",
    "GraphBuilder",
    "Managed",
    "RenderedVideo",
    "document",
    "documents",
    "face_networks",
    "files",
    "frame_source",
    "has_gpu",
    "inside",
    "instrumentation",
    "lend",
    "make_room",
    "metrics",
    "one_thread",
    "preview",
    "private",
    "ready",
    "register",
    "serve",
    "serve_operator",
    "speech_cache_bytes",
    "ticker",
    "weights",
]
