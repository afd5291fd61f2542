"""The only door to ComfyUI: folders, model manager, progress and cancel, video type, routes."""

from comfy_execution.graph_utils import GraphBuilder

from .folders import VOICES, files, inside, register, weights
from .models import Managed, one_thread, ready
from .progress import ticker
from .routes import serve
from .video import RenderedVideo

__all__ = [
    "VOICES",
    "GraphBuilder",
    "Managed",
    "RenderedVideo",
    "files",
    "inside",
    "one_thread",
    "ready",
    "register",
    "serve",
    "ticker",
    "weights",
]
