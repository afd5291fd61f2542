"""Kokoro as a voice engine: text in, sound with timed words and phonemes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import BadInputError
from ...progress import Tick, no_tick
from ...speech import Sentence
from ..clip import ReferenceClip
from ..speaker import SpeakerEncoder
from ..text.alphabet import PUNCTUATION, VOCABULARY
from ..text.phonemes import LANGUAGES, Phonemes, to_symbols
from ..text.pronunciation import Pronunciations, shown
from . import Chunk, Learnt
from .checks import check_language, check_latin, check_speed
from .kokoro_fit import fit
from .kokoro_net import MAX_SYMBOLS, SAMPLES_PER_FRAME, KokoroNet, load_net, read_weights
from .kokoro_timing import time_words
from .kokoro_vocoder import SAMPLE_RATE
from .word_ends import end_with_sound

NET_FILE = "kokoro.safetensors"
VOICES_FILE = "kokoro-voices.safetensors"
_LONGEST_CALL = 300
"""Symbols spoken at once at full speed: some 20 s, which bounds memory and the wait for Cancel."""
_LAST_SOUND_FRAMES = 10
"""The net stretches the last sound of a sentence to 16 to 25 frames, of which the end is silent."""


class Voice(Protocol):
    """What `Kokoro` needs of a voice profile."""

    @property
    def style(self) -> Mapping[str, Tensor]:
        """Float32 "style" [256], timbre then prosody; perhaps "f0_map" [2] of `Prosody.with_f0`
        and "pace" [1], the speed that the voice's own tempo needs."""
        ...


class Kokoro:
    """Kokoro-82M v1.0 (hexgrad, Apache-2.0) at 24 kHz."""

    name = "kokoro"
    version = "1.0/1"
    sample_rate = SAMPLE_RATE
    languages = tuple(LANGUAGES)

    def __init__(self, net: KokoroNet, voices: dict[str, Tensor]) -> None:
        self.net = net
        self.voices = voices
        """Stock voices, float16 [510, 256]: row n is meant for n + 1 symbols."""
        self._phonemes: dict[str, Phonemes] = {}

    @classmethod
    def load(cls, folder: Path) -> Kokoro:
        """Read the two files that installation converted; raises MissingModelError."""
        return cls(load_net(folder / NET_FILE), read_weights(folder / VOICES_FILE))

    def phonemes(self, language: str) -> Phonemes:
        """Of one of `languages`, else BadInputError."""
        check_language(self, language)
        if language not in self._phonemes:
            self._phonemes[language] = Phonemes(language)
        return self._phonemes[language]

    def modules(self) -> list[nn.Module]:
        return [self.net]

    def stock_style(self, voice: str, symbols: int = 60) -> Tensor:
        """The style [256] of a stock voice for sentences of about `symbols` symbols."""
        if voice not in self.voices:
            raise BadInputError(
                f"no stock voice {voice!r}: choose one of {', '.join(self.voices)}."
            )
        return self.voices[voice][min(max(symbols, 1), 510) - 1].float()

    def tokens(self, symbols: str) -> Tensor:
        """Kokoro symbols as int64 [L] on the net's device, 0 (silence) at both ends."""
        numbers = [0, *(VOCABULARY[symbol] for symbol in symbols), 0]
        return torch.tensor(numbers, device=self.device)

    @property
    def device(self) -> torch.device:
        """Where the owner of the net has put it."""
        return next(self.net.parameters()).device

    @torch.inference_mode()
    def sounding_s(self, text: str, voice: Tensor | Voice, language: str = "en-us") -> float:
        """Seconds of sound in one sentence, the silence around it not counted.

        Asks the rhythm only, which costs a twentieth of speaking. 0 when nothing can be spoken.
        """
        style, _, pace = _style(voice)
        frames = 0
        for part in symbol_parts(to_symbols(self.phonemes(language).words(text)), _LONGEST_CALL):
            timed, _ = self.net.timing(self.tokens(part), style.to(self.device), pace)
            last = len(part.rstrip(PUNCTUATION + " "))  # silence is first, so this is its place
            frames += int(timed[1:last].sum()) + min(int(timed[last]), _LAST_SOUND_FRAMES)
        return frames * SAMPLES_PER_FRAME / SAMPLE_RATE

    def learn(
        self,
        clip: ReferenceClip,
        listener: SpeakerEncoder,
        *,
        language: str = "en-us",
        fit_steps: int = 0,
        tick: Tick = no_tick,
    ) -> Learnt:
        self.phonemes(language)  # refuse what cannot be spoken before the work, not after
        return fit(self, listener, clip, language=language, gradient_steps=fit_steps, tick=tick)

    def synthesize(
        self,
        text: str,
        voice: Tensor | Voice,
        *,
        language: str = "en-us",
        speed: float = 1.0,
        seed: int = 0,
        pronunciations: Pronunciations | None = None,
        tick: Tick = no_tick,
    ) -> Chunk:
        """Speak one sentence. `speed` .5..2; deterministic in `seed`; `tick` may cancel.

        The chunk's samples are exactly the frames that the net predicted. Raises BadInputError when
        the text has nothing to say or is not in Latin letters, the style is not 256 finite floats
        or the speed out of range.
        """
        check_speed(speed)
        check_latin(text, "Kokoro")
        words = self.phonemes(language).words(text, pronunciations)
        if not words:
            raise BadInputError(f"nothing in {text!r} can be spoken in {language}.")
        symbols = to_symbols(words)
        style, f0_map, pace = _style(voice)
        samples, frames = self._speak(symbols, style, f0_map, speed * pace, seed, tick)
        rate = self.sample_rate
        timed = end_with_sound(time_words(words, frames), samples[0], rate)
        sentence = Sentence(shown(text), 0.0, samples.shape[1] / rate, timed)
        return Chunk(samples, rate, sentence)

    @torch.inference_mode()
    def _speak(
        self,
        symbols: str,
        style: Tensor,
        f0_map: tuple[float, float],
        speed: float,
        seed: int,
        tick: Tick,
    ) -> tuple[np.ndarray, list[tuple[int, ...]]]:
        """Waveform [1, T] and the frames of each symbol; several net calls when they are too many.

        The frames come as one tuple per call, the silence before the first symbol and after the
        last one included.
        """
        parts = symbol_parts(symbols, round(_LONGEST_CALL * min(1.0, speed)))
        style = style.to(self.device)
        done, total = 0, len(parts) * (self.net.PULSES + 1)
        waves, frames = [], []

        def pulse() -> None:
            nonlocal done
            tick(done, total)
            done += 1

        for part in parts:
            pulse()
            prosody = self.net.prosody(self.tokens(part), style, speed).with_f0(*f0_map)
            wave = self.net.decode(prosody, style, seed=seed, pulse=pulse)
            waves.append(wave.float().cpu().numpy())
            frames.append(tuple(prosody.frames.tolist()))
        tick(total, total)
        return np.concatenate(waves)[None], frames


def _style(voice: Tensor | Voice) -> tuple[Tensor, tuple[float, float], float]:
    """The style [256], the F0 map (scale, shift) and the pace of a voice."""
    parts = {"style": voice} if isinstance(voice, Tensor) else voice.style
    style = parts.get("style", torch.empty(0))
    f0_map = parts.get("f0_map", torch.tensor([1.0, 0.0]))
    pace = parts.get("pace", torch.ones(1))
    finite = all(bool(torch.isfinite(part).all()) for part in (style, f0_map, pace))
    if style.shape != (256,) or f0_map.shape != (2,) or pace.shape != (1,) or not finite:
        raise BadInputError(
            f"a Kokoro voice needs a style of 256 finite numbers, not {tuple(style.shape)}: "
            "make the voice profile again."
        )
    scale, shift = f0_map.tolist()
    return style.detach().float(), (scale, shift), min(max(float(pace), 0.5), 2.0)


def symbol_parts(symbols: str, limit: int = MAX_SYMBOLS) -> list[str]:
    """Cut a line of more than `limit` at spaces (or anywhere, inside an endless word)."""
    parts = []
    while len(symbols) > limit:
        cut = symbols.rfind(" ", 1, limit) + 1 or limit
        parts.append(symbols[:cut])
        symbols = symbols[cut:]
    return [*parts, symbols]
