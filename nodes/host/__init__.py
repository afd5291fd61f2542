"""The only door to ComfyUI: folders, model manager, progress and cancel, video type, routes."""

from comfy_execution.graph_utils import GraphBuilder

from .baton import lend, make_room
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
from .landmarker import face_networks
from .models import Managed, has_gpu, one_thread, ready
from .preview import preview
from .progress import ticker
from .routes import serve
from .saving import font, metadata, output_file
from .video import RenderedVideo, frame_source, save

__all__ = [
    "VOICES",
    "GraphBuilder",
    "Managed",
    "RenderedVideo",
    "document",
    "documents",
    "face_networks",
    "files",
    "font",
    "frame_source",
    "has_gpu",
    "inside",
    "lend",
    "make_room",
    "metadata",
    "one_thread",
    "output_file",
    "preview",
    "private",
    "ready",
    "register",
    "save",
    "serve",
    "speech_cache_bytes",
    "ticker",
    "weights",
]
