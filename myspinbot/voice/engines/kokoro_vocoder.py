"""Kokoro's back end: text features, F0, energy and a style in, waveform out.

Architecture: the StyleTTS 2 decoder with an iSTFTNet generator (Kaneko et al. 2022) driven by a
harmonic source (Wang et al. 2019); own code.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from .kokoro_layers import StyledBlock, StyledNorm, snake

SAMPLE_RATE = 24_000
SAMPLES_PER_F0 = 300
"""Waveform samples per value of the F0 and energy curves (80 Hz)."""
HARMONICS = 9
SINE_LEVEL = 0.1
VOICED_NOISE, UNVOICED_NOISE = 0.003, SINE_LEVEL / 3
VOICED_HZ = 10.0
"""The net predicts about 0 Hz where there is no voice."""
WINDOW, HOP = 20, 5
BINS = WINDOW // 2 + 1

Pulse = Callable[[], None]


class SnakeBlock(nn.Module):
    """Three dilated residual convolution pairs, [1, channels, T] -> the same."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...] = (1, 3, 5)) -> None:
        super().__init__()
        self.norms1 = nn.ModuleList(StyledNorm(channels) for _ in dilations)
        self.norms2 = nn.ModuleList(StyledNorm(channels) for _ in dilations)
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2)
            for d in dilations
        )
        self.convs2 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations
        )

    def forward(self, x: Tensor, style: Tensor, pulse: Pulse) -> Tensor:
        steps = zip(self.norms1, self.convs1, self.norms2, self.convs2, strict=True)
        for norm1, conv1, norm2, conv2 in steps:
            pulse()
            y = conv1(snake(norm1(x, style)))
            pulse()
            x = x + conv2(snake(norm2(y, style)))
        return x


class SnakeBank(nn.ModuleList):
    """The mean of several snake blocks."""

    def forward(self, x: Tensor, style: Tensor, pulse: Pulse) -> Tensor:
        total = torch.zeros_like(x)
        for block in self:
            total = total + block(x, style, pulse)
        return total / len(self)


class Spectrum(nn.Module):
    """A tiny STFT and its inverse as convolutions of real numbers, which every device has."""

    analysis: Tensor
    synthesis: Tensor
    square: Tensor

    def __init__(self) -> None:
        super().__init__()
        n, k = torch.arange(WINDOW, dtype=torch.float64), torch.arange(BINS, dtype=torch.float64)
        angle = 2 * math.pi * k[:, None] * n / WINDOW
        sine = angle.sin() * ((k > 0) & (k < WINDOW // 2))[:, None]  # exactly 0 at both ends
        window = torch.hann_window(WINDOW, dtype=torch.float64)
        mirrored = torch.where((k > 0) & (k < WINDOW // 2), 2.0, 1.0)[:, None] / WINDOW
        analysis = torch.cat([angle.cos(), -sine]) * window
        synthesis = torch.cat([angle.cos() * mirrored, -sine * mirrored]) * window
        for name, value in ("analysis", analysis), ("synthesis", synthesis), ("square", window**2):
            rows = value.float().view(-1, 1, WINDOW)
            self.register_buffer(name, rows, persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        """[1, 1, T] -> magnitudes then phases [1, 2 * BINS, T / HOP + 1]."""
        padded = functional.pad(wave, (WINDOW // 2, WINDOW // 2), mode="reflect")
        real, imaginary = functional.conv1d(padded, self.analysis, stride=HOP).chunk(2, 1)
        imaginary = imaginary + 0.0  # turns -0 into 0: a negative constant has phase pi, never -pi
        return torch.cat([torch.hypot(real, imaginary), torch.atan2(imaginary, real)], 1)

    def inverse(self, magnitude: Tensor, phase: Tensor) -> Tensor:
        """Both [1, BINS, N] -> [1, 1, (N - 1) * HOP]."""
        parts = torch.cat([magnitude * phase.cos(), magnitude * phase.sin()], 1)
        wave = functional.conv_transpose1d(parts, self.synthesis, stride=HOP)
        weight = functional.conv_transpose1d(torch.ones_like(parts[:, :1]), self.square, stride=HOP)
        edge = WINDOW // 2
        return wave[..., edge:-edge] / weight[..., edge:-edge]


class HarmonicSource(nn.Module):
    """Sines at the F0 and its overtones plus noise, mixed to one channel."""

    overtones: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(HARMONICS, 1)
        overtones = torch.arange(1.0, HARMONICS + 1).view(1, -1, 1)
        self.register_buffer("overtones", overtones, persistent=False)

    def forward(self, f0_hz: Tensor, noise: Tensor) -> Tensor:
        """F0 [1, 1, N] in Hz (about 0: unvoiced), normal noise [1, 1, 300 N] -> [1, 1, 300 N]."""
        cycles = torch.cumsum(f0_hz * (SAMPLES_PER_F0 / SAMPLE_RATE), 2)
        cycles = functional.interpolate(cycles, scale_factor=SAMPLES_PER_F0, mode="linear")
        sines = torch.sin((cycles - cycles.floor()) * self.overtones * (2 * math.pi))
        voiced = (f0_hz > VOICED_HZ).repeat_interleave(SAMPLES_PER_F0, 2)
        weight = self.mix.weight[..., None]
        tone = functional.conv1d(sines, weight) * SINE_LEVEL * voiced
        # Independent noise on every harmonic adds up to one noise as strong as the weights' norm.
        level = torch.where(voiced, VOICED_NOISE, UNVOICED_NOISE) * weight.norm()
        return torch.tanh(tone + noise * level + self.mix.bias[:, None])


class Generator(nn.Module):
    """iSTFTNet: [1, 512, N] at 80 Hz -> waveform [1, 1, 300 N]."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.spectrum = HarmonicSource(), Spectrum()
        self.ups = nn.ModuleList(
            [
                nn.ConvTranspose1d(512, 256, 20, stride=10, padding=5),
                nn.ConvTranspose1d(256, 128, 12, stride=6, padding=3),
            ]
        )
        self.source_convs = nn.ModuleList(
            [nn.Conv1d(2 * BINS, 256, 12, stride=6, padding=3), nn.Conv1d(2 * BINS, 128, 1)]
        )
        self.source_blocks = nn.ModuleList([SnakeBlock(256, 7), SnakeBlock(128, 11)])
        self.blocks = nn.ModuleList(
            SnakeBank(SnakeBlock(channels, kernel) for kernel in (3, 7, 11))
            for channels in (256, 128)
        )
        self.out = nn.Conv1d(128, 2 * BINS, 7, padding=3)

    def forward(
        self, x: Tensor, f0_hz: Tensor, noise: Tensor, style: Tensor, pulse: Pulse
    ) -> Tensor:
        with torch.no_grad():  # as in training: the pitch is not learned through the sines
            source = self.spectrum(self.source(f0_hz, noise))  # [1, 22, 60 N + 1]
        stages = zip(self.ups, self.source_convs, self.source_blocks, self.blocks, strict=True)
        for number, (up, source_conv, source_block, bank) in enumerate(stages):
            x = up(functional.leaky_relu(x, 0.1))
            if number == 1:
                x = functional.pad(x, (1, 0), mode="reflect")
            x = x + source_block(source_conv(source), style, pulse)
            x = bank(x, style, pulse)
        x = self.out(functional.leaky_relu(x, 0.01))
        magnitude, phase = x.chunk(2, 1)
        return self.spectrum.inverse(torch.exp(magnitude), torch.sin(phase))


class Decoder(nn.Module):
    """Text features at 40 Hz to the waveform at 24 kHz."""

    def __init__(self) -> None:
        super().__init__()
        self.f0_down = nn.Conv1d(1, 1, 3, stride=2, padding=1)
        self.energy_down = nn.Conv1d(1, 1, 3, stride=2, padding=1)
        self.text_down = nn.Conv1d(512, 64, 1)
        self.encode = StyledBlock(512 + 2, 1024)
        width = 1024 + 64 + 2
        self.blocks = nn.ModuleList(
            [
                *(StyledBlock(width, 1024) for _ in range(3)),
                StyledBlock(width, 512, doubles_rate=True),
            ]
        )
        self.generator = Generator()

    def forward(
        self,
        features: Tensor,
        f0_hz: Tensor,
        energy: Tensor,
        noise: Tensor,
        style: Tensor,
        pulse: Pulse,
    ) -> Tensor:
        """[1, 512, F], [1, 1, 2F], [1, 1, 2F], [1, 1, 600 F], [128] -> [1, 1, 600 F]."""
        curves = torch.cat([self.f0_down(f0_hz), self.energy_down(energy)], 1)
        x = self.encode(torch.cat([features, curves], 1), style)
        aside = torch.cat([self.text_down(features), curves], 1)
        for block in self.blocks:
            pulse()
            x = block(torch.cat([x, aside], 1), style)
        return self.generator(x, f0_hz, noise, style, pulse)
