"""The only door to ComfyUI: folders, model manager, progress and cancel, video type, routes."""

from comfy_execution.graph_utils import GraphBuilder

from . import delivery, instrumentation
from .baton import lend, make_room
from .clip import ClipText
from .denoiser import HostedDenoiser
from .diffusion import image_codec, unet
from .expansion import (
    SAMPLERS,
    SCHEDULERS,
    ancestry,
    blocked,
    decode,
    forget_progress,
    infinitetalk_width,
    let_go,
    listener,
    needed_bytes,
    net_facts,
    remembering,
    say,
)
from .folders import (
    LIPSYNC,
    RESTORERS,
    VOICES,
    document,
    documents,
    files,
    input_folder,
    input_folders,
    inside,
    private,
    register,
    speech_cache_bytes,
    stored,
    temporary,
    weights,
    window_store,
)
from .image_nets import FrameInterpolator, UpscaleModel, load_restorer
from .instrumentation import metrics
from .landmarker import face_networks
from .lora import (
    Sampler,
    captions,
    latents,
    lora_file,
    pictures,
    published_names,
    traces,
    unmapped,
)
from .models import Managed, free_cached, has_gpu, one_thread, ready, short_of_memory
from .preview import preview, preview_text, preview_video
from .progress import ticker
from .routes import serve, serve_operator
from .saving import credentials, font, metadata, output_file
from .training_view import TrainingView
from .video import RenderedVideo, frame_source, save, seekable_source

__all__ = [
    "LIPSYNC",
    "RESTORERS",
    "SAMPLERS",
    "SCHEDULERS",
    "VOICES",
    "ClipText",
    "FrameInterpolator",
    "GraphBuilder",
    "HostedDenoiser",
    "Managed",
    "RenderedVideo",
    "Sampler",
    "TrainingView",
    "UpscaleModel",
    "ancestry",
    "blocked",
    "captions",
    "credentials",
    "decode",
    "delivery",
    "document",
    "documents",
    "face_networks",
    "files",
    "font",
    "forget_progress",
    "frame_source",
    "free_cached",
    "has_gpu",
    "image_codec",
    "infinitetalk_width",
    "input_folder",
    "input_folders",
    "inside",
    "instrumentation",
    "latents",
    "lend",
    "let_go",
    "listener",
    "load_restorer",
    "lora_file",
    "make_room",
    "metadata",
    "metrics",
    "needed_bytes",
    "net_facts",
    "one_thread",
    "output_file",
    "pictures",
    "preview",
    "preview_text",
    "preview_video",
    "private",
    "published_names",
    "ready",
    "register",
    "remembering",
    "save",
    "say",
    "seekable_source",
    "serve",
    "serve_operator",
    "short_of_memory",
    "speech_cache_bytes",
    "stored",
    "temporary",
    "ticker",
    "traces",
    "unet",
    "unmapped",
    "weights",
    "window_store",
]
