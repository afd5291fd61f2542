"""Wav2Lip for weights that the user brings: the net of the paper, from its published layer sizes.

Source: Prajwal, Mukhopadhyay, Namboodiri and Jawahar, "A Lip Sync Expert Is All You Need for Speech
to Lip Generation In the Wild" (ACM Multimedia 2020). Its authors' weights (`wav2lip.pth`,
`wav2lip_gan.pth`) are for research and personal use only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ...audio import Audio
from ...errors import BadInputError
from ...face import Face
from ...face.landmarks import FOREHEAD_TOP
from ..mel import RATE_HZ, WAV2LIP_HOP, WAV2LIP_RANGE, wav2lip_mel
from ..paste import Cut, upright
from .checkpoint import fill

MEL_COLUMNS = 16
"""0.2 s: what the net hears of one frame."""
EARLY_S = 0.04
"""It was trained on sound that begins one frame of 25 a second before the picture's own."""
_BROWS = (105, 334)
_BELOW_CHIN = 0.05
"""Of the face's height, as in the original, whose boxes reach 10 px further down."""


class Wav2Lip:
    """Draws the lower half of 96 x 96 faces to 0.2 s of sound each."""

    name = "wav2lip"
    crop_px = 96

    def __init__(self, net: Wav2LipNet) -> None:
        self._net = net

    @staticmethod
    def recognises(tensors: Mapping[str, Tensor]) -> bool:
        """Whether these are the names of a Wav2Lip generator, of whatever size."""
        return "face_encoder_blocks.0.0.conv_block.0.weight" in tensors

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Wav2Lip:
        """Build the net that published `tensors` belong to; raises BadInputError for another."""
        return cls(Wav2LipNet.from_tensors(tensors))

    def modules(self) -> list[nn.Module]:
        """What a model manager should own and move."""
        return [self._net]

    @property
    def batch(self) -> int:
        """How many frames at once: on a CPU so few that a cancel need not wait."""
        return 4 if _device(self._net).type == "cpu" else 32

    @staticmethod
    def cut(face: Face) -> Cut:
        """Where the net wants `face`: from the middle of the forehead to below the chin."""
        points, axes = upright(face)
        (left, _), (right, bottom) = points.min(0), points.max(0)
        top = (points[FOREHEAD_TOP, 1] + points[list(_BROWS), 1].mean()) / 2
        return Cut(axes, left, top, right, bottom + _BELOW_CHIN * (bottom - top))

    def listen(self, audio: Audio) -> Wav2LipSound:
        """Make `audio` ready to be heard at any time."""
        return Wav2LipSound(wav2lip_mel(audio.mono().resampled(RATE_HZ).samples[0]))

    def draw(self, faces: np.ndarray, heard: np.ndarray) -> np.ndarray:
        """The faces with their mouths as heard: uint8 [B, 96, 96, 3] RGB.

        `faces` are such, or a single one for all of `heard`, float32 [B, 80, 16].
        """
        device = _device(self._net)
        with torch.inference_mode():
            bgr = torch.from_numpy(np.ascontiguousarray(faces[..., ::-1])).to(device)
            whole = bgr.permute(0, 3, 1, 2).float() / 255
            masked = whole.clone()
            masked[:, :, self.crop_px // 2 :] = 0
            sound = torch.from_numpy(heard).to(device)[:, None]
            drawn = self._net(sound, torch.cat([masked, whole], 1))
            pixels = (drawn * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1)
            return pixels.cpu().numpy()[..., ::-1]


class Wav2LipSound:
    """A mel spectrum, looked up by time."""

    silence = np.full((80, MEL_COLUMNS), -WAV2LIP_RANGE, np.float32)

    def __init__(self, mel: np.ndarray) -> None:
        edge = np.full((MEL_COLUMNS, mel.shape[1]), -WAV2LIP_RANGE, np.float32)
        self._mel = np.concatenate([edge, mel, edge])

    def at(self, time_s: float) -> np.ndarray:
        """What is heard of the frame at `time_s`: float32 [80, 16]."""
        start = round((time_s - EARLY_S) * RATE_HZ / WAV2LIP_HOP) + MEL_COLUMNS
        start = min(max(start, 0), len(self._mel) - MEL_COLUMNS)
        return self._mel[start : start + MEL_COLUMNS].T


class _Layer(nn.Module):
    """Convolution, batch norm, maybe what came in, ReLU."""

    def __init__(self, convolution: nn.Conv2d | nn.ConvTranspose2d, *, residual: bool = False):
        super().__init__()
        self.conv_block = nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels))
        self.residual = residual

    def fold(self) -> None:
        """Work the norm into the convolution: the same numbers for less."""
        convolution, norm = self.conv_block
        up = isinstance(convolution, nn.ConvTranspose2d)
        self.conv_block = nn.Sequential(fuse_conv_bn_eval(convolution, norm, transpose=up))

    def forward(self, x: Tensor) -> Tensor:
        made = self.conv_block(x)
        return torch.relu_(made + x if self.residual else made)


def _plain(into: int, out: int, kernel: int = 3, stride: int | tuple[int, int] = 1, pad: int = 1):
    return _Layer(nn.Conv2d(into, out, kernel, stride, pad))


def _same(channels: int, count: int) -> list[_Layer]:
    return [_Layer(nn.Conv2d(channels, channels, 3, 1, 1), residual=True) for _ in range(count)]


def _up(into: int, out: int, count: int) -> nn.Sequential:
    double = nn.ConvTranspose2d(into, out, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(_Layer(double), *_same(out, count))


class Wav2LipNet(nn.Module):
    """The generator for 96 x 96 pixels. `width` is 16 in the paper; all layers scale with it."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        w = width
        steps: Sequence[tuple[int, int]] = ((2, 2), (4, 3), (8, 2), (16, 2), (32, 1))
        self.face_encoder_blocks = nn.ModuleList([nn.Sequential(_plain(6, w, 7, pad=3))])
        for before, (times, count) in zip((1, 2, 4, 8, 16), steps, strict=True):
            down = _plain(before * w, times * w, stride=2)
            self.face_encoder_blocks.append(nn.Sequential(down, *_same(times * w, count)))
        last = _plain(32 * w, 32 * w, pad=0), _plain(32 * w, 32 * w, 1, pad=0)
        self.face_encoder_blocks.append(nn.Sequential(*last))
        self.audio_encoder = nn.Sequential(
            _plain(1, 2 * w),
            *_same(2 * w, 2),
            _plain(2 * w, 4 * w, stride=(3, 1)),
            *_same(4 * w, 2),
            _plain(4 * w, 8 * w, stride=3),
            *_same(8 * w, 2),
            _plain(8 * w, 16 * w, stride=(3, 2)),
            *_same(16 * w, 1),
            _plain(16 * w, 32 * w, pad=0),
            _plain(32 * w, 32 * w, 1, pad=0),
        )
        three = _Layer(nn.ConvTranspose2d(64 * w, 32 * w, 3))
        self.face_decoder_blocks = nn.ModuleList(
            [
                nn.Sequential(_plain(32 * w, 32 * w, 1, pad=0)),
                nn.Sequential(three, *_same(32 * w, 1)),
                _up(64 * w, 32 * w, 2),
                _up(48 * w, 24 * w, 2),
                _up(32 * w, 16 * w, 2),
                _up(20 * w, 8 * w, 2),
                _up(10 * w, 4 * w, 2),
            ]
        )
        self.output_block = nn.Sequential(
            _plain(5 * w, 2 * w), nn.Conv2d(2 * w, 3, 1), nn.Sigmoid()
        )

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Wav2LipNet:
        """The net of `tensors`, named as published, with its norms folded in."""
        first = tensors["face_encoder_blocks.0.0.conv_block.0.weight"]
        blocks = {name.split(".")[1] for name in tensors if name.startswith("face_encoder_blocks.")}
        if first.shape[1:] != (6, 7, 7) or len(blocks) != 7:
            raise BadInputError(
                "This Wav2Lip is another one than that of the paper: its first layer is "
                f"{list(first.shape)} instead of [16, 6, 7, 7], and it has {len(blocks)} face "
                "encoder blocks instead of 7. Use weights for 96 x 96 faces, such as "
                "wav2lip_gan.pth."
            )
        net = cls(first.shape[0])
        fill(net, {name: tensor.float() for name, tensor in tensors.items()}, "Wav2Lip weights")
        for layer in net.modules():
            if isinstance(layer, _Layer):
                layer.fold()
        return net

    def forward(self, sound: Tensor, faces: Tensor) -> Tensor:
        """`sound` [B, 1, 80, 16], `faces` [B or 1, 6, 96, 96] 0..1 BGR -> [B, 3, 96, 96] 0..1."""
        seen = []
        for block in self.face_encoder_blocks:
            faces = block(faces)
            seen.append(faces)
        x = self.audio_encoder(sound)
        for block in self.face_decoder_blocks:
            x = block(x)
            x = torch.cat([x, seen.pop().expand(len(x), -1, -1, -1)], 1)
        return self.output_block(x)


def _device(net: nn.Module) -> torch.device:
    return next(net.parameters()).device
