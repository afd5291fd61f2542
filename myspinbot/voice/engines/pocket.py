"""Pocket TTS as a voice engine, through pocket-tts: the user's weights, sound without timings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...audio import Audio
from ...errors import BadInputError, MissingModelError
from ...progress import Tick, no_tick
from ...speech import Sentence
from ..clip import ReferenceClip
from ..profile import VoiceProfile
from ..speaker import SpeakerEncoder
from ..text.pronunciation import Pronunciations
from . import Chunk, Learnt
from .checks import check_language, check_latin, check_speed, respelled
from .guest import paced, pulsing, seeded
from .pocket_load import TOKENIZER, TOKENIZER_PAGE, WEIGHTS, WEIGHTS_PAGE, load_model

FOLDER = "pocket/languages"
"""As on the pages: a folder for each language model."""
NAMES = {
    **{"en-us": "english", "en-gb": "english", "fr": "french", "de": "german", "it": "italian"},
    **{"es": "spanish", "pt-br": "portuguese", "nl": "dutch"},
}
"""Of the model that speaks each of our languages."""
_LARGER = "_24l"
"""Ends the name of a slower and better model of the same language."""
_FRAMES_PER_CHARACTER = 1.0
"""Of a slow speaker, 12.5 frames a second: for the progress bar only."""
_WEIGHTS = "weights"
"""Names the part of a voice that tells which weights it belongs to."""


class Pocket:
    """Pocket TTS (Kyutai; code MIT, weights CC-BY-4.0 and for lawful use) at 24 kHz."""

    name = "pocket"
    version = "4/1"
    sample_rate = 24_000
    languages: tuple[str, ...] = ("en-us", "en-gb")
    """With the files that its row of the table names; the engine knows which others to ask for."""

    def __init__(self, models: Mapping[str, Any]) -> None:
        self.models = models
        """The library's `TTSModel` of each language model that is there, by its plain name."""
        self.languages = tuple(NAMES)

    @classmethod
    def load(cls, folder: Path) -> Pocket:
        """Read every language model in pocket/languages/ in `folder`.

        Raises MissingModelError and MissingDependencyError.
        """
        models = {}
        for name in dict.fromkeys(NAMES.values()):
            for found in (folder / FOLDER / (name + _LARGER), folder / FOLDER / name):
                if all((found / file).is_file() for file in (WEIGHTS, TOKENIZER)):
                    models[name] = load_model(found)
                    break
        return cls(models)

    def modules(self) -> list[nn.Module]:
        # Not the models themselves, on which an owner could not note a `device`.
        return [nn.ModuleList([model]) for model in self.models.values()]

    def learn(
        self,
        clip: ReferenceClip,
        listener: SpeakerEncoder,
        *,
        language: str = "en-us",
        fit_steps: int = 0,
        tick: Tick = no_tick,
    ) -> Learnt:
        """Let the model of `language` hear the clip; needs neither its words nor a fit."""
        model = self._model(language)
        sound = clip.audio.resampled(self.sample_rate)
        layers = [
            layer
            for part in (model.mimi.encoder, model.mimi.encoder_transformer, model.flow_lm)
            for layer in part.modules()
            if isinstance(layer, nn.Conv1d | nn.Linear)
        ]
        pulse = paced(tick, len(layers))
        # It draws a sound to follow the clip, and throws it away.
        with _by_its_rules(), seeded(0, model.device), pulsing(layers, pulse):
            state = model.get_state_for_audio_prompt(torch.from_numpy(sound.samples))
            style = {
                f"{module}/{part}": tensor.cpu()
                for module, tensors in state.items()
                for part, tensor in tensors.items()
            }
            style[_WEIGHTS] = _sign(model)
        return Learnt(style, method=f"{sound.duration_s:.1f} s of the clip as a prompt")

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

        Raises BadInputError for text without words or not in Latin letters, a language, a speed,
        and a voice of another engine, language or version of the weights; MissingModelError for a
        language whose files are not there.
        """
        check_speed(speed)
        model = self._model(language)
        if not torch.equal(voice.style.get(_WEIGHTS, torch.empty(0)), _sign(model)):
            raise BadInputError(
                f"the voice was made with the engine {voice.engine!r} for {voice.language!r}, "
                f"perhaps with other weights: make it again with pocket for {language!r}."
            )
        written = respelled(text, pronunciations)
        check_latin(written, "Pocket TTS")
        pulse = paced(tick, round(_FRAMES_PER_CHARACTER * len(written)))
        with _by_its_rules(), seeded(seed, model.device):
            samples = _spoken(model, _state(voice, model.device), written, pulse)
        tick(1, 1)
        sound = Audio(samples, self.sample_rate).stretched(1 / speed)
        return Chunk(sound.samples, sound.rate, Sentence(text, 0.0, sound.duration_s))

    def _model(self, language: str) -> Any:
        check_language(self, language)
        name = NAMES[language]
        if name not in self.models:
            raise MissingModelError(
                f"Pocket TTS needs another model for {language!r}: put languages/{name}/{WEIGHTS} "
                f"from {WEIGHTS_PAGE} (after accepting its terms) and languages/{name}/{TOKENIZER} "
                f"from {TOKENIZER_PAGE} into models/myspinbot/pocket."
            )
        return self.models[name]


@contextmanager
def _by_its_rules() -> Iterator[None]:
    """Run the library as it expects, and leave nothing of that.

    Its nets are too small for several threads, and its own two would be outside inference mode. It
    keeps a mask on the device, as large as the longest clip so far.
    """
    attention, threads = import_module("pocket_tts.modules.attention"), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(False), torch.no_grad():
            yield
    finally:
        torch.set_num_threads(threads)
        attention._CAUSAL_MASK_CACHE.clear()


def _sign(model: Any) -> Tensor:
    """One number of each weight: a voice is a state of one model, and noise to any other."""
    weights = model.flow_lm.parameters()
    return torch.stack([weight.detach().flatten()[0] for weight in weights]).cpu()


def _state(voice: VoiceProfile, device: torch.device) -> dict[str, dict[str, Tensor]]:
    """The library's form of a voice."""
    state: dict[str, dict[str, Tensor]] = {}
    for name, tensor in voice.style.items():
        module, _, part = name.rpartition("/")
        if module:
            state.setdefault(module, {})[part] = tensor.to(device, copy=True)
    return state


def _spoken(
    model: Any, state: dict[str, dict[str, Tensor]], text: str, pulse: Callable[[], None]
) -> np.ndarray:
    """Waveform [1, T]; the library cuts a long text itself."""
    stop = threading.Event()
    stream = model.generate_audio_stream(state, text, stop=stop)
    frames = []
    try:
        pulse()
        for frame in stream:
            frames.append(frame.cpu().numpy())
            pulse()
    finally:
        stop.set()
        for _ in stream:  # its two threads end with it
            pass
    return np.concatenate(frames)[None].clip(-1, 1)
