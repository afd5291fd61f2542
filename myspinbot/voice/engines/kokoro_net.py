"""Kokoro-82M as one torch module in two halves: `prosody` (cheap, no gradient) and `decode`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ...errors import MissingModelError
from .kokoro_layers import STYLE_SIZE
from .kokoro_prosody import POSITIONS, Albert, Melody, Rhythm, TextEncoder
from .kokoro_vocoder import SAMPLE_RATE, SAMPLES_PER_F0, Decoder

SAMPLES_PER_FRAME = 2 * SAMPLES_PER_F0
"""Waveform samples per duration frame: 600 at 24 kHz, 25 ms."""
MAX_SYMBOLS = POSITIONS - 2
"""Symbols of one call, without the silence that `tokens` starts and ends with."""
LOWEST_F0_HZ, HIGHEST_F0_HZ = 50.0, 600.0
_VOICED_HZ = 40.0


@dataclass(frozen=True)
class Prosody:
    """All that the decoder needs except the timbre."""

    frames: Tensor
    """int64 [L]: frames of 25 ms per token; their sum * 600 is the number of samples."""
    features: Tensor
    """float32 [1, 512, F]: what is said in each frame."""
    f0_hz: Tensor
    """float32 [1, 1, 2F]; about 0 where unvoiced."""
    energy: Tensor
    """float32 [1, 1, 2F]: log loudness."""

    @property
    def samples(self) -> int:
        return self.features.shape[2] * SAMPLES_PER_FRAME

    def with_f0(self, scale: float, shift: float) -> Prosody:
        """Map log F0 (natural log of Hz) of voiced parts to scale * log F0 + shift.

        No value moves by more than an octave, and none leaves 50..600 Hz unless it was outside.
        """
        if (scale, shift) == (1.0, 0.0):
            return self
        voiced = self.f0_hz > _VOICED_HZ
        log_f0 = self.f0_hz.clamp(min=_VOICED_HZ).log()
        ratio = ((scale - 1) * log_f0 + shift).exp().clamp(0.5, 2.0)
        mapped = self.f0_hz * ratio
        mapped = torch.minimum(mapped, self.f0_hz.clamp(min=HIGHEST_F0_HZ))
        mapped = torch.maximum(mapped, self.f0_hz.clamp(max=LOWEST_F0_HZ))
        return replace(self, f0_hz=torch.where(voiced, mapped, self.f0_hz))


def _no_pulse() -> None:
    return None


class KokoroNet(nn.Module):
    """Text to speech in 82 M parameters, 24 kHz. A style is 256 floats: timbre 128, prosody 128.

    Weights: hexgrad/Kokoro-82M v1.0 (Apache-2.0).
    """

    sample_rate = SAMPLE_RATE

    def __init__(self) -> None:
        super().__init__()
        self.albert = Albert()
        self.rhythm = Rhythm()
        self.melody = Melody()
        self.text = TextEncoder()
        self.decoder = Decoder()

    def prosody(self, tokens: Tensor, style: Tensor, speed: float = 1.0) -> Prosody:
        """Timing and melody of `tokens` (int64 [L <= 512], 0 at both ends) in `style` [256]."""
        manner = style[STYLE_SIZE:]
        rows = tokens[None]
        frames, states = self.timing(tokens, style, speed)
        f0_hz, energy = self.melody(states.repeat_interleave(frames, 1), manner)
        features = self.text(rows).repeat_interleave(frames, 1).mT
        return Prosody(frames, features, f0_hz, energy)

    def timing(self, tokens: Tensor, style: Tensor, speed: float = 1.0) -> tuple[Tensor, Tensor]:
        """Frames of each symbol, int64 [L], and the states [1, L, 640] that melody goes on from."""
        lengths, states = self.rhythm(self.albert(tokens[None]), style[STYLE_SIZE:])
        return (lengths / speed).round().clamp(min=1).long(), states

    def decode(
        self,
        prosody: Prosody,
        style: Tensor,
        *,
        seed: int = 0,
        pulse: Callable[[], None] = _no_pulse,
    ) -> Tensor:
        """Speak `prosody` with the timbre style[:128]: waveform [600 F], about -1..1.

        Differentiable in `style`. `seed` rules the breath noise, the same on every device. `pulse`
        is called `PULSES` times, some tenths of a CPU second apart at most for a sentence of 10 s;
        what it raises cancels the call.
        """
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn((1, 1, prosody.samples), generator=generator).to(prosody.features)
        wave = self.decoder(
            prosody.features, prosody.f0_hz, prosody.energy, noise, style[:STYLE_SIZE], pulse
        )
        return wave[0, 0]

    PULSES = 4 + 8 * 6
    """Residual blocks of the decoder, plus six convolutions of each snake block."""


def load_net(path: Path) -> KokoroNet:
    """Build the net, on the CPU in float32, from the file that `convert_net` wrote.

    Raises MissingModelError if the file is absent, damaged or of another model.
    """
    net = KokoroNet()
    try:
        net.load_state_dict(fold({k: v.float() for k, v in read_weights(path).items()}))
    except (RuntimeError, KeyError) as error:
        raise MissingModelError(
            f"{path} does not hold Kokoro's weights ({error}): delete it and run: python install.py"
        ) from error
    return net.eval().requires_grad_(False)


def read_weights(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file; raises MissingModelError with the way out."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise MissingModelError(
            f"{path} is missing or damaged ({error}): run: python install.py"
        ) from error


def fold(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Move constant factors into neighbouring layers, so that `decode` need not apply them.

    Style layers learn gain - 1: the 1 goes into their bias. A snake y + sin(a y)^2 / a becomes
    z + sin(z)^2 when the norm before it yields z = a y and the convolution after it divides by a.
    """
    folded = dict(weights)
    for name in [name for name in folded if name.endswith(".fc.bias")]:
        bias = folded[name].clone()
        bias[: len(bias) // 2] += 1
        folded[name] = bias
    for name in [name for name in folded if ".snakes" in name]:
        frequency = folded.pop(name)
        norm = name.replace(".snakes", ".norms") + ".fc."
        conv = name.replace(".snakes", ".convs") + ".weight"
        folded[norm + "weight"] = folded[norm + "weight"] * frequency.repeat(2)[:, None]
        folded[norm + "bias"] = folded[norm + "bias"] * frequency.repeat(2)
        folded[conv] = folded[conv] / frequency[None, :, None]
    return folded
