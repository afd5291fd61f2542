"""The sockets of the pack and how ComfyUI's own types are read and made. Knows no engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from comfy_api.latest import io

from ..myspinbot.audio import Audio
from ..myspinbot.errors import BadInputError

Llm = io.Custom("SPINBOT_LLM")
Voice = io.Custom("SPINBOT_VOICE")
Speech = io.Custom("SPINBOT_SPEECH")
Face = io.Custom("SPINBOT_FACE")
LipSync = io.Custom("SPINBOT_LIPSYNC")
Dataset = io.Custom("SPINBOT_DATASET")
"""Carries a myspinbot.lora.dataset.LoraDataset."""


@dataclass(frozen=True)
class ChatModel:
    """What SPINBOT_LLM carries when nothing has to be loaded or given back for a chat."""

    engine: Any
    """myspinbot.narrative.chat.ChatLLM, or None"""

    def ready(self) -> Any:
        """Hand out the engine, as host.Managed.ready does."""
        return self.engine


NOBODY = ChatModel(None)
"""For a node that can do without a model."""


@dataclass(frozen=True)
class LoadedVoice:
    """What SPINBOT_VOICE carries: a profile and the engine that speaks it."""

    profile: Any
    """myspinbot.voice.profile.VoiceProfile"""
    managed: Any
    """nodes.host.Managed"""

    @property
    def patcher(self):
        """What ComfyUI's cache looks for when it decides which outputs to drop first."""
        return self.managed.patcher

    def get_models(self):
        return self.managed.patchers


def to_audio(audio: dict | None) -> Audio:
    """Read ComfyUI's AUDIO, the first of a batch; raises BadInputError when there is none."""
    if audio is None or audio["waveform"].shape[-1] == 0:
        raise BadInputError("The audio is empty: connect a sound with at least one sample.")
    waveform = audio["waveform"][0].detach().float().cpu().numpy()
    return Audio(np.ascontiguousarray(waveform), int(audio["sample_rate"]))


def from_audio(audio: Audio) -> dict:
    """Make ComfyUI's AUDIO: waveform [1, C, T]."""
    return {"waveform": torch.from_numpy(audio.samples)[None], "sample_rate": audio.rate}


def to_pixels(image: torch.Tensor) -> np.ndarray:
    """Read the first of ComfyUI's IMAGE batch [B, H, W, C] 0..1 as uint8 [H, W, 3]."""
    if image.shape[0] == 0:
        raise BadInputError("The image batch is empty: connect one portrait.")
    pixels = image[0, ..., :3].detach().float().cpu().clamp(0, 1)
    if pixels.shape[-1] == 1:
        pixels = pixels.expand(-1, -1, 3)
    if not torch.isfinite(pixels).all():
        raise BadInputError("The image holds NaN or infinite values: check the node that made it.")
    return np.ascontiguousarray((pixels * 255 + 0.5).to(torch.uint8).numpy())


def to_mask(mask: torch.Tensor) -> np.ndarray:
    """Read the first of ComfyUI's MASK batch [B, H, W], or one alone, as float32 [H, W]."""
    return mask.reshape(-1, *mask.shape[-2:])[0].detach().float().cpu().numpy()


def from_pixels(pixels: np.ndarray) -> torch.Tensor:
    """Make ComfyUI's IMAGE [1, H, W, 3] from uint8 [H, W, 3]."""
    return torch.from_numpy(pixels.astype(np.float32) / 255)[None]
