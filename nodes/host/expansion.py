"""What a node that becomes ComfyUI's own nodes needs of them: names, a VAE that remembers, room."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import comfy.samplers
import folder_paths
import numpy as np
import psutil
import torch
from comfy_execution.graph_utils import ExecutionBlocker
from comfy_execution.progress import get_progress_state
from server import PromptServer

SAMPLERS: list[str] = comfy.samplers.KSampler.SAMPLERS
SCHEDULERS: list[str] = comfy.samplers.KSampler.SCHEDULERS

_PROGRAM_BYTES = 800 << 20
"""ComfyUI without a model."""


def ancestry(dynprompt: Any, links: Mapping[str, Any]) -> dict[str, Any]:
    """All nodes that `links` come from, with their settings and the files these name, as JSON.

    It says what a model is without reading its weights: equal ancestry, equal result, also after
    a restart. A file is known by its size and time.
    """
    found: dict[str, Any] = {}

    def visit(link: list[Any]) -> list[Any]:
        node_id, slot = link
        if node_id not in found:
            found[node_id] = None
            node = dynprompt.get_node(node_id)
            inputs = {
                name: visit(value) if _is_link(value) else [value, *_files(value)]
                for name, value in sorted(node["inputs"].items())
            }
            found[node_id] = {"class": node["class_type"], "inputs": inputs}
        return [node_id, slot]

    roots = {name: visit(link) for name, link in sorted(links.items()) if _is_link(link)}
    # ids depend on what else is in the workflow: number the nodes as they are met
    names = {node_id: index for index, node_id in enumerate(found)}

    def numbered(value: Any) -> Any:
        return [names[value[0]], value[1]] if _is_link(value) and value[0] in names else value

    nodes = [
        {**node, "inputs": {name: numbered(value) for name, value in node["inputs"].items()}}
        for node in found.values()
    ]
    return {"roots": {name: numbered(link) for name, link in roots.items()}, "nodes": nodes}


def _is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _files(value: Any) -> list[list[int]]:
    """Size and time of every model or input file that is called `value`."""
    if not isinstance(value, str) or not value or len(value) > 255 or "\n" in value:
        return []
    paths = {folder_paths.get_full_path(f, value) for f in folder_paths.folder_names_and_paths}
    name, folder = folder_paths.annotated_filepath(value)  # "masks/left.png [output]"
    paths.add(os.path.join(folder or folder_paths.get_input_directory(), name))
    states = [os.stat(path) for path in paths if path and os.path.isfile(path)]
    return sorted([state.st_size, state.st_mtime_ns] for state in states)


def net_facts(model: Any) -> dict[str, Any]:
    """What ComfyUI found out about the net of a MODEL, and under "name" what it calls that kind."""
    config = model.model.model_config
    return {**config.unet_config, "name": type(config).__name__}


def infinitetalk_width(model_patch: Any) -> int:
    """Of the nets that a MODEL_PATCH is for; 0 if it is not InfiniteTalk's."""
    net = model_patch.model
    return net.blocks[0].audio_cross_attn.dim if hasattr(net, "audio_proj") else 0


def remembering(vae: Any, frames: int, known: dict[str, torch.Tensor], key: str) -> Any:
    """A VAE that encodes `frames` images at once only if `known` has no latents under `key`.

    ComfyUI encodes the same padded portrait again for every window, half of the window's time with
    a small model. Other numbers of images are encoded as ever.
    """
    proxy = copy.copy(vae)

    def encode(pixels: torch.Tensor) -> torch.Tensor:
        if len(pixels) != frames:
            return vae.encode(pixels)
        if key not in known:
            known.clear()
            known[key] = vae.encode(pixels)
        return known[key]

    proxy.encode = encode
    return proxy


def decode(vae: Any, latents: torch.Tensor) -> np.ndarray:
    """Frames uint8 [N, H, W, 3] of one video's latents [1, C, T, h, w]."""
    images = vae.decode(latents)
    images = images.reshape(-1, *images.shape[-3:])[..., :3]
    frames = np.empty(tuple(images.shape), np.uint8)
    for image, frame in zip(images, frames, strict=True):  # a float copy of all would be large
        frame[:] = (image.float().clamp(0, 1) * 255 + 0.5).to(torch.uint8).cpu().numpy()
    return frames


def listener(audio_encoder: Any) -> Callable[[np.ndarray], list[torch.Tensor]]:
    """Encode float32 [1, T] at 16 kHz with an AUDIO_ENCODER: its layers, each [1, T50, C]."""

    def encode(samples: np.ndarray) -> list[torch.Tensor]:
        heard = audio_encoder.encode_audio(torch.from_numpy(samples)[None], 16_000)
        return [layer.float().cpu() for layer in heard["encoded_audio_all_layers"]]

    return encode


def blocked(message: str) -> ExecutionBlocker:
    """An output that is not there: whatever is connected to it stops with `message`."""
    return ExecutionBlocker(message)


def let_go(values: Iterable[Any]) -> None:
    """Free what intermediate outputs hold that nobody will read again.

    ComfyUI keeps every output until the prompt ends or memory is short, for nodes that might run
    again; the nodes of a window never do, and a minute of their tensors is gigabytes.
    """
    for value in values:
        if isinstance(value, torch.Tensor):
            value.untyped_storage().resize_(0)
        elif isinstance(value, dict):
            value.clear()
        elif isinstance(value, list):  # CONDITIONING, which the window's own node extended
            for _, extras in value:
                extras.clear()
        elif hasattr(value, "model_options"):  # the window's own clone of a MODEL
            value.model_options = {"transformer_options": {}}
            value.wrappers = {}


def forget_progress(node_id: str) -> None:
    """Drop the nodes that `node_id` became from ComfyUI's state of progress.

    ComfyUI sends the whole of it with every step of every node: megabytes after a minute of
    windows, a hundred times as much after ten.
    """
    nodes = get_progress_state().nodes
    for name in [name for name in nodes if name.startswith(f"{node_id}.")]:
        del nodes[name]


def say(node_id: str, text: str) -> None:
    """Show a line on a node, which may have run before: it stays there until the next one."""
    server = getattr(PromptServer, "instance", None)
    if server is not None:
        server.send_progress_text(text, node_id, server.client_id)


def needed_bytes(ancestry: Mapping[str, Any]) -> int:
    """What ComfyUI's process takes now, or will once all files of an `ancestry` are in memory."""
    values = [value for node in ancestry["nodes"] for value in node["inputs"].values()]
    files = sum(state[0] for _, *states in values for state in states if isinstance(state, list))
    return max(psutil.Process().memory_info().rss, _PROGRAM_BYTES + files)
