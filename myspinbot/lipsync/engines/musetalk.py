"""MuseTalk: one step of a UNet in the latent space of an image codec, told what Whisper hears.

Source: Zhang et al. 2024, "MuseTalk: Real-Time High-Fidelity Video Dubbing via Spatio-Temporal
Sampling", and its published weights (MIT). The nets are ComfyUI's own, handed in by the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import floor, log
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...audio import Audio
from ...errors import BadInputError
from ...face import Face
from ...face.landmarks import FACE_OVAL, NOSE_RIDGE
from ..mel import RATE_HZ, whisper_mel
from ..paste import Cut, upright
from .whisper_encoder import WhisperEncoder

STATES_A_SECOND = 50
STATES = 10
"""What the UNet hears of one frame: 0.2 s, from 0.08 s before it on."""
_BEFORE = 4
_WINDOW_S, _MARGIN_S = 30, 1
_LATENT_SCALE = 0.18215
"""Of the codec of Stable Diffusion 1."""
_MIDDLE = NOSE_RIDGE[4]
"""The point in the middle of the square; like point 29 of the 68 that it was trained with."""
_BELOW_CHIN = 0.04
"""Of the square, as in version 1.5, which goes on for 10 px below the chin."""
_FIRST = "conv_in.weight"
_HEARING = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"


class MuseTalk:
    """Draws the lower half of 256 x 256 faces to what Whisper hears."""

    name = "musetalk"
    crop_px = 256

    def __init__(self, unet: nn.Module, codec: Any, ear: WhisperEncoder) -> None:
        """`codec` is a module with `encode` and `decode`, of pixels -1..1 and their latents."""
        self._unet, self._codec, self._ear = unet, codec, ear

    @staticmethod
    def recognises(tensors: Mapping[str, Tensor]) -> bool:
        """Whether these are the names of a UNet like MuseTalk's; `from_tensors` looks closer."""
        return _FIRST in tensors and _HEARING in tensors

    @classmethod
    def from_tensors(
        cls,
        tensors: Mapping[str, Tensor],
        codec: Mapping[str, Tensor],
        whisper: Mapping[str, Tensor],
        make_unet: Callable[[Mapping[str, Tensor]], nn.Module],
        make_codec: Callable[[Mapping[str, Tensor]], nn.Module],
    ) -> MuseTalk:
        """Build it of the three files; raises BadInputError when they do not belong together."""
        inputs, width = tensors[_FIRST].shape[1], tensors[_HEARING].shape[1]
        if inputs != 8:
            raise BadInputError(
                f"This is a UNet for other work: it takes {inputs} channels, and MuseTalk 8. Use "
                "unet.pth of MuseTalk 1.5, or pytorch_model.bin of 1.0."
            )
        ear = WhisperEncoder.from_tensors(whisper)
        if ear.conv1.out_channels != width:
            raise BadInputError(
                f"This Whisper hears {ear.conv1.out_channels} values, and the UNet listens to "
                f"{width}: use openai/whisper-tiny, which has 384."
            )
        return cls(make_unet(tensors), make_codec(codec), ear)

    def modules(self) -> list[nn.Module]:
        """What a model manager should own and move."""
        return [self._unet, self._codec, self._ear]

    @property
    def batch(self) -> int:
        """How many frames at once."""
        return 1 if _at(self._unet).type == "cpu" else 8

    @staticmethod
    def cut(face: Face) -> Cut:
        """Where the net wants `face`: as far above the middle of the nose as the chin is below."""
        points, axes = upright(face)
        oval = points[list(FACE_OVAL)]
        (left, _), (right, bottom) = oval.min(0), oval.max(0)
        top = 2 * points[_MIDDLE, 1] - bottom
        return Cut(axes, left, top, right, bottom + _BELOW_CHIN * (bottom - top))

    def listen(self, audio: Audio) -> MuseTalkSound:
        """Make `audio` ready to be heard at any time; it is encoded when that is asked."""
        return MuseTalkSound(audio.mono().resampled(RATE_HZ).samples[0], self._ear)

    def draw(self, faces: np.ndarray, heard: np.ndarray) -> np.ndarray:
        """The faces with their mouths as heard: uint8 [B, 256, 256, 3] RGB.

        `faces` are such, or a single one for all of `heard`, float32 [B, tokens, W].
        """
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(faces)).to(_at(self._codec))
            whole = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
            masked = whole.clone()
            masked[:, :, self.crop_px // 2 :] = -1
            seen = torch.cat([self._encode(masked), self._encode(whole)], 1)
            sound = torch.from_numpy(heard) + _positions(*heard.shape[1:])
            unet = next(self._unet.parameters())
            latents = self._unet(
                seen.expand(len(heard), -1, -1, -1).to(unet),
                torch.zeros(len(heard), device=unet.device),
                sound.to(unet),
            )
            codec = next(self._codec.parameters())
            drawn = self._codec.decode(latents.to(codec) / _LATENT_SCALE).float()
            drawn = ((drawn.clamp(-1, 1) + 1) * 127.5 + 0.5).to(torch.uint8)
            return drawn.permute(0, 2, 3, 1).cpu().numpy()

    def _encode(self, pixels: Tensor) -> Tensor:
        return self._codec.encode(pixels.to(next(self._codec.parameters()))) * _LATENT_SCALE


class MuseTalkSound:
    """What Whisper hears, by time; half a minute at once, and only when it is asked for."""

    def __init__(self, samples: np.ndarray, ear: WhisperEncoder) -> None:
        self._samples, self._ear = samples, ear
        self._number: int | None = None
        self._states = np.zeros(0)
        self._silence: np.ndarray | None = None

    @property
    def silence(self) -> np.ndarray:
        """What is heard where there is no sound; float32 [tokens, W], always the same."""
        if self._silence is None:
            states = self._encoded(np.zeros(_WINDOW_S * RATE_HZ, np.float32))
            middle = len(states) // 2
            self._silence = states[middle : middle + STATES].reshape(-1, states.shape[-1])
        return self._silence

    def at(self, time_s: float) -> np.ndarray:
        """What is heard of the frame at `time_s`: float32 [tokens, W]."""
        step_s = _WINDOW_S - 2 * _MARGIN_S
        number = max(0, int(time_s // step_s))
        start_s = number * step_s - _MARGIN_S
        if number != self._number:
            first = start_s * RATE_HZ
            window = self._samples[max(0, first) : first + _WINDOW_S * RATE_HZ]
            window = np.pad(window, (max(0, -first), 0))
            window = np.pad(window, (0, _WINDOW_S * RATE_HZ - len(window)))
            self._number, self._states = number, self._encoded(window)
        moment = floor((time_s - start_s) * STATES_A_SECOND + 1e-6) - _BEFORE
        return self._states[moment : moment + STATES].reshape(-1, self._states.shape[-1])

    def _encoded(self, samples: np.ndarray) -> np.ndarray:
        """States of 30 s of samples, float32 [1500, layers + 1, W]."""
        weight = self._ear.conv1.weight
        with torch.inference_mode():
            mel = torch.from_numpy(whisper_mel(samples).T[None]).to(weight)
            return self._ear(mel)[0].float().cpu().numpy()


def _positions(count: int, width: int) -> Tensor:
    """Sines and cosines that tell tokens apart (Vaswani et al. 2017), float32 [count, width]."""
    rates = torch.exp(torch.arange(0, width, 2) * (-log(10_000.0) / width))
    angles = torch.arange(count)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)


def _at(net: nn.Module) -> torch.device:
    return next(net.parameters()).device
