"""F5-TTS as a voice engine: it goes on speaking where the reference clip stops."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...audio import Audio
from ...errors import BadInputError
from ...progress import Tick, no_tick
from ...speech import Sentence
from ..clip import ReferenceClip
from ..profile import VoiceProfile
from ..speaker import SpeakerEncoder
from ..text.pronunciation import Pronunciations
from . import Chunk, Learnt
from .checks import check_language, check_speed, foreign_voice, respelled
from .f5_sampling import (
    HOP,
    MELS,
    RATE,
    STEPS,
    library,
    load_transformer,
    load_vocoder,
    read_vocabulary,
    sample,
)
from .guest import paced, pulsing
from .text_parts import cut_to_fit

WEIGHTS_FILE = "f5/model_1250000.safetensors"
VOCABULARY_FILE = "f5/vocab.txt"
VOCODER_FOLDER = "f5/vocos"
_OWN_SPEED = (0.8, 1.25)
"""What the net is asked for; the rest is stretched. At a tempo far from the reference's it repeats
parts of that (its authors, F5-TTS issue 1114)."""
_PROMPT_RMS = 0.1
"""A softer reference is raised to this; a louder one is left as it is."""
_SILENCE_S = 0.25
"""After the reference, or its last word would be heard again."""
_WINDOW_S = 22.0
"""Reference and new speech together; it was trained on 30 s at most."""
_SECONDS_PER_BYTE = (0.03, 0.2)
"""Bounds of the tempo, for transcripts that are not the clip's."""
_MEL_S = (0.5, 16.0)
_MOST_UNKNOWN = 0.1
"""Share of the letters that may be missing from the vocabulary."""
_SHORT_BYTES, _SHORT_PACE = 10, 0.3
"""Texts this short need more time than their length tells."""
_PAUSE_S, _FADE_S = 0.1, 0.01
"""Where the parts of a long text meet."""


class F5:
    """F5-TTS v1 base (SWivid, CC-BY-NC-4.0) with the vocoder Vocos, at 24 kHz."""

    name = "f5"
    version = "v1-1250000/1"
    sample_rate = RATE
    languages: tuple[str, ...] = ("en-us", "en-gb", "zh")

    def __init__(self, net: nn.Module, vocoder: nn.Module, vocabulary: dict[str, int]) -> None:
        self.net = net
        self.vocoder = vocoder
        self.vocabulary = vocabulary

    @classmethod
    def load(cls, folder: Path) -> F5:
        """Read the checkpoint, the vocabulary and the vocoder; raises MissingModelError."""
        vocabulary = read_vocabulary(folder / VOCABULARY_FILE)
        net = load_transformer(folder / WEIGHTS_FILE, len(vocabulary))
        return cls(net, load_vocoder(folder / VOCODER_FOLDER), vocabulary)

    def modules(self) -> list[nn.Module]:
        return [self.net, self.vocoder]

    @torch.no_grad()
    def learn(
        self,
        clip: ReferenceClip,
        listener: SpeakerEncoder,
        *,
        language: str = "en-us",
        fit_steps: int = 0,
        tick: Tick = no_tick,
    ) -> Learnt:
        """Keep the clip itself, as a spectrogram of some 400 kB: nothing is fitted."""
        tick(0, 1)
        _prompt(clip.transcript)  # refuse what cannot be the clip's now, not when it speaks
        samples = clip.audio.mono().resampled(RATE).samples
        samples = samples * max(1.0, _PROMPT_RMS / max(float(np.sqrt(np.mean(samples**2))), 1e-4))
        samples = np.pad(samples, ((0, 0), (0, round(_SILENCE_S * RATE))))
        mel = library().to_mel(torch.from_numpy(samples.astype(np.float32)))[0].T.contiguous()
        tick(1, 1)
        return Learnt({"mel": mel}, method=f"{clip.audio.duration_s:.1f} s of the clip as a prompt")

    @torch.inference_mode()
    def synthesize(
        self,
        text: str,
        voice: VoiceProfile,
        *,
        language: str = "en-us",
        speed: float = 1.0,
        seed: int = 0,
        pronunciations: Pronunciations | None = None,
        tick: Tick = no_tick,
    ) -> Chunk:
        """Speak one sentence; the words are not timed.

        Raises BadInputError for a speed outside .5..2, another language, IPA pronunciations, text
        without words or in letters that are not in the vocabulary, and a voice of another engine.
        """
        check_speed(speed)
        check_language(self, language)
        mel, prompt = _mel(voice), _prompt(voice.transcript)
        own_speed = min(max(speed, _OWN_SPEED[0]), _OWN_SPEED[1])
        s_per_byte = _s_per_byte(mel, prompt) / own_speed
        room_bytes = int((_WINDOW_S - len(mel) * HOP / RATE) / s_per_byte)
        reading = self._reading(text, pronunciations)
        parts = [
            (self._tokens(prompt + part), _frames(mel, part, s_per_byte))
            for part in cut_to_fit(reading, lambda part: len(part.encode()) <= room_bytes)
        ]
        generator = torch.Generator().manual_seed(seed)
        with self._ticking(tick, len(parts)):
            samples = _joined([self._say(mel, *part, generator) for part in parts])
        samples = Audio(samples, RATE).stretched(own_speed / speed).samples
        return Chunk(samples, RATE, Sentence(text, 0.0, samples.shape[1] / RATE))

    def _say(
        self, mel: Tensor, tokens: list[int], frames: int, generator: torch.Generator
    ) -> np.ndarray:
        """Samples [T] of one part."""
        spoken = sample(self.net, mel, tokens, frames, generator)
        return self.vocoder(spoken.T[None])[0].float().cpu().numpy().clip(-1, 1)

    @contextmanager
    def _ticking(self, tick: Tick, parts: int) -> Iterator[None]:
        """Report before each layer with weights: a step of the flow may take seconds on a CPU."""
        layers = [
            [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv1d)]
            for module in self.modules()
        ]
        total = parts * (STEPS * len(layers[0]) + len(layers[1]))
        with pulsing([*layers[0], *layers[1]], paced(tick, total)):
            yield
        tick(total, total)

    def _reading(self, text: str, pronunciations: Pronunciations | None) -> str:
        """What to read for `text`."""
        reading = respelled(text, pronunciations)
        letters = [t for t in library().to_tokens([reading])[0] if t.isalnum()]
        unknown = [letter for letter in letters if letter not in self.vocabulary]
        if len(unknown) > _MOST_UNKNOWN * len(letters):
            raise BadInputError(
                f"F5-TTS does not know the letters {' '.join(sorted(set(unknown))[:20])} in "
                f"{text!r}: write English or Chinese."
            )
        return reading

    def _tokens(self, text: str) -> list[int]:
        """Numbers of the letters and, for Chinese, syllables; an unknown one is a space."""
        return [self.vocabulary.get(token, 0) for token in library().to_tokens([text])[0]]


def _mel(voice: VoiceProfile) -> Tensor:
    """The spectrogram [frames, MELS] of the reference."""
    mel = voice.style.get("mel", torch.empty(0))
    fits = mel.dim() == 2 and mel.shape[1] == MELS and bool(torch.isfinite(mel).all())
    if not fits or not _MEL_S[0] <= len(mel) * HOP / RATE <= _MEL_S[1]:
        raise foreign_voice(voice, F5.name)
    return mel.float()


def _prompt(transcript: str) -> str:
    """What the reference says, as a finished sentence."""
    said = re.sub(r"[\s,;:–—-]+$", "", " ".join(transcript.split()))
    if len(said.encode()) > _MEL_S[1] / _SECONDS_PER_BYTE[0]:
        raise BadInputError(
            f"The transcript has {len(said)} characters, more than the clip can hold: give exactly "
            "the words that are said."
        )
    said += "" if said[-1:] in ".!?。！？" else "."
    return said + " " * said[-1].isascii()


def _s_per_byte(mel: Tensor, prompt: str) -> float:
    """The tempo of the reference, in UTF-8 bytes as the authors of F5-TTS count."""
    spoken_s = len(mel) * HOP / RATE - _SILENCE_S
    return min(max(spoken_s / len(prompt.encode()), _SECONDS_PER_BYTE[0]), _SECONDS_PER_BYTE[1])


def _frames(mel: Tensor, part: str, s_per_byte: float) -> int:
    """Length of reference and new speech together."""
    size = len(part.encode())
    new_s = s_per_byte * size / (_SHORT_PACE if size < _SHORT_BYTES else 1.0)
    return len(mel) + max(round(new_s * RATE / HOP), 2)


def _joined(waves: Sequence[np.ndarray]) -> np.ndarray:
    """The parts [T] with a short pause between them and soft edges, as [1, T]."""
    ramp = np.linspace(0, 1, round(_FADE_S * RATE), dtype=np.float32)
    pause = np.zeros(round(_PAUSE_S * RATE), np.float32)
    joined: list[np.ndarray] = []
    for wave in waves:
        soft, edge = wave.copy(), min(len(ramp), len(wave) // 2)
        soft[:edge] *= ramp[:edge]
        soft[len(soft) - edge :] *= ramp[:edge][::-1]
        joined += [pause, soft]
    return np.concatenate(joined[1:])[None]
