"""XTTS-v2 as a voice engine, through coqui-tts: the user's own weights, sound without timings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import BadInputError, MissingDependencyError
from ...progress import Tick, no_tick
from ...speech import Sentence
from ..clip import ReferenceClip
from ..profile import VoiceProfile
from ..speaker import SpeakerEncoder
from ..text.pronunciation import Pronunciations
from . import Chunk, Learnt
from .checks import check_speed, foreign_voice, respelled
from .guest import paced, pulsing
from .text_parts import cut_to_fit
from .xtts_net import latents, load_model, waveform

FOLDER = "xtts_v2"
_CODES = {
    **{"en-us": "en", "en-gb": "en", "es": "es", "fr": "fr", "it": "it", "pt-br": "pt"},
    **{"de": "de", "pl": "pl", "nl": "nl", "cs": "cs", "hu": "hu", "tr": "tr", "ru": "ru"},
    **{"ar": "ar", "hi": "hi", "zh": "zh", "ja": "ja", "ko": "ko"},
}
"""What the library calls our languages."""
_TAGS = {"zh": "zh-cn"}
"""What the vocabulary calls the library's languages, where that is something else."""
_CLIP_RATE_HZ = 22_050
_STEPS_PER_CHARACTER = 1.5
"""Steps of sound, 21.5 a second, that a slow speaker needs: for the progress bar only."""


class Xtts:
    """XTTS-v2 (Casanova et al. 2024; weights CPML 1.0, non-commercial) at 24 kHz."""

    name = "xtts"
    version = "2.0/1"
    sample_rate = 24_000
    languages = tuple(_CODES)

    def __init__(self, model: Any) -> None:
        self.model = model
        """The library's `Xtts`."""

    @classmethod
    def load(cls, folder: Path) -> Xtts:
        """Read xtts_v2/ in `folder`; raises MissingModelError and MissingDependencyError."""
        return cls(load_model(folder / FOLDER))

    @property
    def device(self) -> torch.device:
        """Where the owner of the modules has put them."""
        return self.model.device

    def modules(self) -> list[nn.Module]:
        # Not the model itself, whose eval() gives its gpt every weight under a second name; and not
        # its parts, on which an owner could not note a `device`.
        return [nn.ModuleList([self.model.gpt, self.model.hifigan_decoder])]

    def learn(
        self,
        clip: ReferenceClip,
        listener: SpeakerEncoder,
        *,
        language: str = "en-us",
        fit_steps: int = 0,
        tick: Tick = no_tick,
    ) -> Learnt:
        """Condition on all of the clip; needs neither its words nor a fit."""
        self._code(language)
        config, decoder = self.model.config, self.model.hifigan_decoder
        sound = clip.audio.resampled(_CLIP_RATE_HZ)
        samples = torch.from_numpy(sound.samples).clamp(-1, 1)
        listening = _layers(self.model.gpt.conditioning_encoder)
        listening += _layers(decoder.speaker_encoder)
        excerpts = sound.duration_s / config.gpt_cond_chunk_len
        with pulsing(listening, paced(tick, round(len(listening) * max(excerpts, 1)))):
            condition = self.model.get_gpt_cond_latents(
                samples,
                _CLIP_RATE_HZ,
                length=config.gpt_cond_len,
                chunk_length=config.gpt_cond_chunk_len,
            )
            timbre = self.model.get_speaker_embedding(samples, _CLIP_RATE_HZ)
        style = {"condition": condition.cpu(), "timbre": timbre.cpu()}
        return Learnt(style, method=f"{sound.duration_s:.1f} s of the clip as a condition")

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
        """Speak one sentence, in parts if it is longer than XTTS can say at once.

        Raises BadInputError for a text without words or that cannot be read, a language, a speed
        or a voice of another engine; MissingDependencyError if the language needs a package.
        """
        check_speed(speed)
        code = self._code(language)
        condition, timbre = self._style(voice)
        parts = self.parts(respelled(text, pronunciations), code)
        generator = torch.Generator(self.device).manual_seed(seed)
        blocks = list(self.model.gpt.gpt.h)
        layers = _layers(self.model.hifigan_decoder.waveform_decoder)
        steps = round(_STEPS_PER_CHARACTER * sum(len(part) for part in parts))
        pulse = paced(tick, len(blocks) * steps + len(layers) * len(parts))
        waves = []
        with pulsing([*blocks, *layers], pulse):
            for part in parts:
                steps_said = latents(self.model, self.tokens(part, code), condition, generator)
                waves.append(waveform(self.model, steps_said, timbre, speed).cpu().numpy())
        tick(1, 1)
        samples = np.concatenate(waves)[None]
        duration_s = samples.shape[1] / self.sample_rate
        return Chunk(samples, self.sample_rate, Sentence(text, 0.0, duration_s))

    def _code(self, language: str) -> str:
        """The library's name of a language, else BadInputError."""
        code = _CODES.get(language, "")
        tag = f"[{_TAGS.get(code, code)}]"
        if not code or self._vocabulary.token_to_id(tag) is None:
            spoken = ", ".join(self.languages)
            raise BadInputError(
                f"XTTS does not speak {language!r}: choose one of {spoken}, as far as your weights "
                "were trained for it."
            )
        return code

    @property
    def _vocabulary(self) -> Any:
        return self.model.tokenizer.tokenizer

    def _style(self, voice: VoiceProfile) -> tuple[Tensor, Tensor]:
        """The condition [1, N, C] and the timbre [1, D, 1] of a voice, on the device."""
        condition = voice.style.get("condition", torch.empty(0))
        timbre = voice.style.get("timbre", torch.empty(0))
        width = self.model.gpt.model_dim
        fits = condition.shape[:1] == (1,) and condition.shape[2:] == (width,)
        if not fits or timbre.shape != (1, self.model.args.d_vector_dim, 1):
            raise foreign_voice(voice, self.name)
        return condition.to(self.device), timbre.to(self.device)

    def parts(self, text: str, code: str) -> list[str]:
        """Cut `text` until XTTS can say each part in the library's language `code`."""
        characters = self.model.tokenizer.char_limits[code]
        tokens = self.model.args.gpt_max_text_tokens

        def fits(part: str) -> bool:
            return len(part) <= characters and len(self.tokens(part, code)) < tokens

        return cut_to_fit(text, fits)

    def tokens(self, text: str, code: str) -> list[int]:
        """What the gpt reads for `text` in the library's language `code`.

        Raises BadInputError for what it cannot read, MissingDependencyError for a lacking package.
        """
        try:
            tokens = self.model.tokenizer.encode(text.lower(), lang=code)
        except ImportError as error:
            raise MissingDependencyError(
                f"XTTS needs another package for {code!r} ({error}). Install it with: "
                f'{sys.executable} -m pip install "coqui-tts[{code}]"'
            ) from error
        except (
            ValueError,
            OverflowError,
            ArithmeticError,
            LookupError,
            NotImplementedError,
        ) as error:
            raise BadInputError(
                f"XTTS cannot read {text!r} ({error}): write its numbers as words."
            ) from error
        unknown = tokens.count(self._vocabulary.token_to_id("[UNK]"))
        if 2 * unknown >= len(tokens):
            raise BadInputError(f"XTTS cannot read the characters of {text!r}: translate it.")
        return tokens


def _layers(module: nn.Module) -> list[nn.Module]:
    """The layers that take time."""
    kinds = nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d
    return [layer for layer in module.modules() if isinstance(layer, kinds)]
