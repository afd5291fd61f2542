"""From a reference clip to a Kokoro style: blend of stock voices, pitch, optional gradient steps.

Judges by the GE2E encoder, and steps by the long-term spectrum, too; it neither reads clips nor
reports how alike the result is.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from scipy.optimize import nnls
from torch import Tensor, nn
from torch.nn import functional

from ...errors import EngineError, MissingModelError
from ...progress import Tick, no_tick
from ..clip import ReferenceClip
from ..pace import match
from ..pitch import Pitch
from ..speaker import SAMPLE_RATE, SpeakerEncoder
from . import Learnt
from .kokoro_layers import STYLE_SIZE, StyledBlock
from .kokoro_net import KokoroNet, Prosody
from .kokoro_vocoder import SnakeBlock

TABLE = Path(__file__).parent.parent / "data" / "kokoro_ge2e.safetensors"
"""GE2E embeddings of the stock voices by name; benchmarks/make_voice_table.py made it."""
STYLE_ROW = 60
"""Row of a stock voice that serves texts of every length (notes/voice.md, section 2)."""
_SUM_WEIGHT = 0.3
"""How much the shares of a blend should add up to one."""
_COMPONENTS = 40
_OTHER_DEVIATION = 0.25
"""Length of a direction that the voices do not span, in mean lengths of those they do."""
_LEARNING_RATE, _BETAS = 0.1, (0.9, 0.999)
_PRIOR = 0.04
"""Price of leaving the middle of the stock voices."""
_SPECTRUM = 0.3
"""Price of a long-term spectrum other than the clip's. An encoder alone is fitted beyond what one
hears: with it, likeness by an encoder that is not fitted rose from .79 to .85 of what is possible
on three voices; twice the price and half the prior gave less."""
_FARTHEST = 3.0
"""In standard deviations of the stock voices."""
_CROP_FRAMES = 40
"""1 s: what one gradient step hears. Longer costs more and finds nothing better."""
_GUARD_FRAMES = 96
_SPREAD_RATIO = (0.8, 1.25)
"""How far a melody may be flattened or widened."""
_VOICED_HZ = 40.0
_QUIET = 0.05
"""Share of the mean power below which a frame is a pause."""

# In Kokoro's symbols, so that a fit never depends on the phonemiser. Harvard sentences (IEEE 1969).
FIT_PHRASES = (
    "ðə bˈɜɹʧ kənˈu slˈɪd ˌɑn ðə smˈuð plˈæŋks.",
    "ɡlˈu ðə ʃˈit tə ðə dˈɑɹk blˈu bˈækɡɹˌWnd.",
    "ɹˈIs ɪz ˈɔfən sˈɜɹvd ɪn ɹˈWnd bˈOlz.",
    "fˈOɹ ˈWəɹz ʌv stˈɛdi wˈɜɹk fˈAst ʌs.",
)
GUARD_PHRASE = "ʃi hæd jʊɹ dˈɑɹk sˈut ɪn ɡɹˈisi wˈɑʃ wˈɔtəɹ ˈɔl jˈɪɹ."

Module = TypeVar("Module", bound=nn.Module)


class StyledEngine(Protocol):
    """What a fit needs of the Kokoro engine."""

    net: KokoroNet

    @property
    def voices(self) -> Mapping[str, Tensor]:
        """Stock voices by name, [510, 256] each."""
        ...

    def sounding_s(self, text: str, voice: Tensor, language: str) -> float:
        """Seconds of sound in a sentence."""
        ...

    def tokens(self, symbols: str) -> Tensor:
        """Kokoro symbols -> int64 [L] on the net's device, 0 at both ends."""
        ...


@dataclass(frozen=True)
class _Candidate:
    style: Tensor  # [256]
    f0_map: tuple[float, float]  # (scale, shift) of Prosody.with_f0
    similarity: float


def fit(
    engine: StyledEngine,
    encoder: SpeakerEncoder,
    clip: ReferenceClip,
    *,
    language: str = "en-us",
    gradient_steps: int = 0,
    tick: Tick = no_tick,
) -> Learnt:
    """Make a style that sounds like `clip`.

    Keeps the best of the nearest stock voice, a blend of them, and (with `gradient_steps`; 12 are a
    good choice, 1.3 CPU-s each) a fitted timbre, by the similarity on a phrase that no step heard.
    The result's style holds "style" [256], "f0_map" [2] (scale and shift of `Prosody.with_f0`)
    and "pace" [1]. Works under inference mode. Raises EngineError if no stock voice is known.
    """
    with torch.inference_mode(False), torch.no_grad():
        fitting = _Fit(engine, encoder, clip, tick, 2 + (gradient_steps and gradient_steps + 1))
        candidates = {
            "nearest": fitting.judged(fitting.nearest),
            "blend": fitting.judged(fitting.blend),
        }
        if gradient_steps:
            candidates["fitted"] = fitting.fitted(candidates["blend"], gradient_steps)
        method, best = max(candidates.items(), key=lambda item: item[1].similarity)

        def sounding_s(sentence: str) -> float:
            fitting.pulse()
            return engine.sounding_s(sentence, best.style, language)

        pace, words_per_minute = match(sounding_s, clip.transcript, clip.speech_s)
    return Learnt(
        style={
            "style": best.style,
            "f0_map": torch.tensor(best.f0_map),
            "pace": torch.tensor([pace]),
        },
        words_per_minute=words_per_minute,
        similarity={name: round(c.similarity, 4) for name, c in candidates.items()},
        method=method,
    )


def read_table(path: Path = TABLE) -> dict[str, Tensor]:
    """GE2E embeddings of the stock voices, float32 [256] each."""
    try:
        return {name: row.float() for name, row in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise MissingModelError(
            f"{path} is missing or damaged ({error}): install MySpinBot again."
        ) from error


def blend_shares(embeddings: Tensor, target: Tensor) -> Tensor:
    """Shares >= 0 that add up to 1, [V], with shares @ `embeddings` [V, 256] near `target`."""
    rows = np.vstack([embeddings.double().numpy().T, np.full(len(embeddings), _SUM_WEIGHT)])
    shares, _ = nnls(rows, np.append(target.double().numpy(), _SUM_WEIGHT))
    return torch.from_numpy(shares / shares.sum()).float()


def to_16_khz(wave: Tensor) -> Tensor:
    """Resample 24 kHz [T] to 16 kHz [2T / 3], differentiably (Hann-windowed sinc, two phases)."""
    reach, cutoff = 24, 0.95 * 2 / 3
    taps = torch.arange(-reach, reach + 3, dtype=torch.float64)
    offsets = taps - torch.tensor([[0.0], [1.5]], dtype=torch.float64)
    hann = torch.cos(offsets.clamp(-reach, reach) * (math.pi / 2 / reach)).square()
    kernel = torch.sinc(offsets * cutoff) * hann
    kernel = (kernel / kernel.sum(1, keepdim=True)).to(wave)
    padded = functional.pad(wave, (reach, reach + 3))
    phases = functional.conv1d(padded[None, None], kernel[:, None], stride=3)[0]  # [2, N]
    return phases.T.reshape(-1)[: len(wave) * 2 // 3]


def long_term_spectrum(power: Tensor) -> Tensor:
    """Mean, less its own mean, and deviation of the log of mel power [N, B] where there is sound.

    [2 B], in nepers: what a voice, its microphone and its room have in common all the time.
    """
    total = power.sum(1)
    loud = (total > _QUIET * total.mean().detach()).to(power)[:, None]
    level = (power + 1e-6 * power.mean()).log()
    mean = (level * loud).sum(0) / loud.sum()
    variance = ((level - mean).square() * loud).sum(0) / loud.sum()
    return torch.cat([mean - mean.mean(), (variance + 1e-9).sqrt()])


class _Fit:
    """One enrolment: the target, the stock voices, and a progress count shared by all steps."""

    def __init__(
        self,
        engine: StyledEngine,
        encoder: SpeakerEncoder,
        clip: ReferenceClip,
        tick: Tick,
        total: int,
    ) -> None:
        self._engine, self._tick, self._done, self._total = engine, tick, 0, total
        self._net, self._encoder = _trainable(engine.net), _trainable(encoder)
        self._device = next(engine.net.parameters()).device
        table = read_table()
        names = sorted(table.keys() & engine.voices.keys())
        if not names:
            raise EngineError("No stock voice is known to the voice fit: run: python install.py")
        rows = [engine.voices[name][STYLE_ROW] for name in names]
        self._styles = torch.stack([row.cpu().clone().float() for row in rows])
        samples = torch.from_numpy(clip.audio.resampled(SAMPLE_RATE).samples[0])
        self._target = self._encoder.embed(samples)
        self._spectrum = long_term_spectrum(self._encoder.mel_power(samples.to(self._device)))
        self._pitch = clip.pitch
        embeddings, target = torch.stack([table[name] for name in names]), self._target.cpu()
        self.nearest = self._styles[(embeddings @ target).argmax()]
        self.blend = blend_shares(embeddings, target) @ self._styles

    def judged(self, style: Tensor) -> _Candidate:
        """Give `style` the pitch of the clip, and hear how similar it is."""
        said = [self._prosody(phrase, style) for phrase in (GUARD_PHRASE, *FIT_PHRASES[:2])]
        f0_map = f0_mapping(torch.cat([prosody.f0_hz.flatten() for prosody in said]), self._pitch)
        return self._heard(style, f0_map, said[0])

    def fitted(self, start: _Candidate, steps: int) -> _Candidate:
        """Improve the timbre half of `start` by Adam on short pieces of several phrases.

        Coordinates are the whitened principal components of the stock timbres; what of the start
        lies outside them stays as it is, and so does the prosody half.
        """
        timbres = self._styles[:, :STYLE_SIZE]
        centre, axes = _whitened_axes(timbres)
        origin = start.style[:STYLE_SIZE] - centre
        z = (origin @ torch.linalg.pinv(axes)).clamp(-_FARTHEST, _FARTHEST)
        rest = start.style[:STYLE_SIZE] - z @ axes
        pieces = [
            self._prosody(phrase, start.style).with_f0(*start.f0_map) for phrase in FIT_PHRASES
        ]
        mean = square = torch.zeros_like(z)
        with self._ticking_backward():
            for step in range(steps):
                gradient = self._gradient(_piece(pieces, step), rest, axes, z)
                # Adam (Kingma and Ba 2014); torch.optim would spend a second on importing dynamo.
                mean = mean + (1 - _BETAS[0]) * (gradient - mean)
                square = square + (1 - _BETAS[1]) * (gradient.square() - square)
                size = (square / (1 - _BETAS[1] ** (step + 1))).sqrt() + 1e-8
                z = z - _LEARNING_RATE / (1 - _BETAS[0] ** (step + 1)) * mean / size
                z = z.clamp(-_FARTHEST, _FARTHEST)
                self._advance()
        style = torch.cat([rest + z @ axes, start.style[STYLE_SIZE:]])
        return self._heard(style, start.f0_map, self._prosody(GUARD_PHRASE, style))

    def _gradient(self, prosody: Prosody, rest: Tensor, axes: Tensor, z: Tensor) -> Tensor:
        """Of the dissimilarity, the other spectrum and the way from the middle, at `z`."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            sound = self._decoded(prosody, (rest + z @ axes).to(self._device))
            similarity = self._encoder.embed(sound) @ self._target
            spectrum = long_term_spectrum(self._encoder.mel_power(sound)) - self._spectrum
            loss = _SPECTRUM * spectrum.square().mean() - similarity
            return torch.autograd.grad(_PRIOR * z.square().mean() + loss.cpu(), z)[0]

    def _heard(self, style: Tensor, f0_map: tuple[float, float], guard: Prosody) -> _Candidate:
        excerpt = _excerpt(guard.with_f0(*f0_map), 0, _GUARD_FRAMES)
        sound = self._decoded(excerpt, style.to(self._device))
        similarity = float(self._encoder.embed(sound) @ self._target)
        self._advance()
        return _Candidate(style, f0_map, similarity)

    def _prosody(self, symbols: str, style: Tensor) -> Prosody:
        self.pulse()
        return self._net.prosody(self._engine.tokens(symbols), style.to(self._device))

    def _decoded(self, prosody: Prosody, style: Tensor) -> Tensor:
        """The sound [T] at 16 kHz."""
        return to_16_khz(self._net.decode(prosody, style, pulse=self.pulse))

    @contextmanager
    def _ticking_backward(self) -> Iterator[None]:
        """Tick inside the backward pass too: it takes longer than a user waits for Cancel."""
        blocks = [m for m in self._net.decoder.modules() if isinstance(m, SnakeBlock | StyledBlock)]
        hooks = [block.register_full_backward_pre_hook(lambda *_: self.pulse()) for block in blocks]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def pulse(self) -> None:
        self._tick(self._done, self._total)

    def _advance(self) -> None:
        self._done += 1
        self.pulse()


def f0_mapping(predicted_hz: Tensor, pitch: Pitch) -> tuple[float, float]:
    """(scale, shift) that give the predicted log F0 the middle and the spread of `pitch`."""
    log_f0 = predicted_hz[predicted_hz > _VOICED_HZ].log()
    if pitch.median_hz <= 0 or len(log_f0) < 2:
        return 1.0, 0.0
    low, high = log_f0.quantile(0.05), log_f0.quantile(0.95)
    kept = log_f0[(log_f0 >= low) & (log_f0 <= high)]
    spread = max(float(kept.std()), 1e-3)
    scale = min(max(pitch.log_std / spread, _SPREAD_RATIO[0]), _SPREAD_RATIO[1])
    return scale, math.log(pitch.median_hz) - scale * float(kept.median())


def _whitened_axes(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [D] and principal axes [K, D], each as long as the standard deviation along it.

    Few voices span too little to fit in: then all other directions are added, shorter.
    """
    centre = rows.mean(0)
    _, singular, axes = torch.linalg.svd(rows - centre, full_matrices=True)
    spanned = min(_COMPONENTS, len(rows) - 1)
    deviations = singular[:spanned] / len(rows) ** 0.5
    if spanned < _COMPONENTS:
        others = _OTHER_DEVIATION * (float(deviations.mean()) if spanned else 1.0)
        deviations = torch.cat([deviations, torch.full((len(axes) - spanned,), others)])
    return centre, axes[: len(deviations)] * deviations[:, None]


def _piece(prosodies: list[Prosody], step: int) -> Prosody:
    """Another phrase every step, another part of it every round."""
    turn, number = divmod(step, len(prosodies))
    prosody = prosodies[number]
    spare = max(0, prosody.features.shape[2] - _CROP_FRAMES)
    return _excerpt(prosody, spare // 2 if turn % 2 == 0 else spare // 4, _CROP_FRAMES)


def _excerpt(prosody: Prosody, start: int, count: int) -> Prosody:
    """`count` frames from `start`; what `frames` says of the symbols no longer holds."""
    curves = slice(2 * start, 2 * (start + count))
    return replace(
        prosody,
        features=prosody.features[:, :, start : start + count],
        f0_hz=prosody.f0_hz[:, :, curves],
        energy=prosody.energy[:, :, curves],
    )


def _trainable(module: Module) -> Module:
    """`module`, or a copy if it was loaded under inference mode: autograd refuses such weights."""
    tensors = [*module.parameters(), *module.buffers()]
    return copy.deepcopy(module) if any(t.is_inference() for t in tensors) else module
