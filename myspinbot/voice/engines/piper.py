"""Piper as a voice engine: ready-made voices, fast on any CPU, with timed words and phonemes."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import nn

from ...errors import BadInputError, MissingModelError
from ...progress import Tick, no_tick
from ...speech import Sentence
from .. import pace, pitch
from ..clip import ReferenceClip
from ..profile import VoiceProfile
from ..speaker import SpeakerEncoder
from ..text.pronunciation import NONE, Pronunciations
from . import Chunk, Learnt
from .checks import check_latin, check_speed, foreign_voice
from .piper_voice import Manner, PiperVoice

FOLDER = "piper"
_HIGHER = (1.0, 1.2)
"""How far a voice may be raised towards the reference, its formants included. By DNSMOS and Whisper
`joe` loses nothing up to 1.2; lowered to .92 it loses .15 of 3.26 (OVRL)."""
_OTHER_SCRIPTS = (
    *("ar", "be", "bg", "bn", "el", "fa", "gu", "he", "hi", "hy", "ja", "ka", "kk", "kn", "ko"),
    *("mk", "ml", "mr", "ne", "pa", "ru", "sr", "ta", "te", "th", "uk", "ur", "zh"),
)
"""Languages that are not written in Latin letters."""
_LOG = logging.getLogger("myspinbot.voice")


class Piper:
    """The Piper voices that the user has (each with a licence of its own), at their own rates."""

    name = "piper"
    version = "1"

    def __init__(self, voices: Mapping[str, PiperVoice]) -> None:
        """`voices`: at least one, by name."""
        self.voices = voices
        self.languages = tuple(dict.fromkeys(voice.language for voice in voices.values()))
        self.sample_rate = next(iter(voices.values())).rate

    @classmethod
    def load(cls, folder: Path) -> Piper:
        """Find the voices in `folder`; their nets are read when they first speak.

        Raises MissingModelError for a voice without its .onnx.json.
        """
        voices = {}
        for path in sorted((folder / FOLDER).glob("*.onnx")):
            voice = PiperVoice(path)
            if voice.is_readable:
                voices[voice.name] = voice
            else:
                _LOG.warning("%s is left out: it needs a reader that Piper would download.", path)
        if not voices:
            raise MissingModelError(
                f"There is no Piper voice in {folder / FOLDER}: run: python install.py --extras"
            )
        return cls(voices)

    def modules(self) -> list[nn.Module]:
        """None: onnxruntime holds the nets, and runs them on the CPU."""
        return []

    def learn(
        self,
        clip: ReferenceClip,
        listener: SpeakerEncoder,
        *,
        language: str = "en-us",
        fit_steps: int = 0,
        tick: Tick = no_tick,
    ) -> Learnt:
        """Choose the voice nearest in pitch, and take over the tempo: Piper does not clone.

        The pitch is raised towards the clip's by a fifth at most.
        """
        best, own_hz = self._nearest(clip, language, tick)
        higher = min(max(clip.pitch.median_hz / own_hz, _HIGHER[0]), _HIGHER[1])
        speed, words_per_minute = 1.0, 0.0
        for _ in range(2):  # lengths are whole frames, so that twice as fast is not half as long
            sounding_s = partial(_sounding_s, best, Manner(1.0, speed), tick)
            speed, words_per_minute = pace.match(sounding_s, clip.transcript, clip.speech_s)
        style = {
            "voice": torch.tensor(list(best.name.encode()), dtype=torch.uint8),
            "higher": torch.tensor([higher]),
            "pace": torch.tensor([speed]),
        }
        raised = f", raised by {higher - 1:.0%}" if higher > 1.005 else ""
        method = f"the ready-made voice {best.name}{raised}: Piper does not clone"
        return Learnt(style, words_per_minute, method=method)

    def _nearest(self, clip: ReferenceClip, language: str, tick: Tick) -> tuple[PiperVoice, float]:
        """The voice of `language` nearest in pitch to the clip, and its own pitch in Hz."""
        found: list[tuple[float, PiperVoice, float]] = []
        for voice in self.voices.values():
            if voice.language == language:
                audio, _ = voice.say(clip.transcript, tick=tick)
                own_hz = max(pitch.measure(audio).median_hz, 1.0)
                found.append((abs(math.log(own_hz / clip.pitch.median_hz)), voice, own_hz))
        if not found:
            raise BadInputError(self._unspoken(language))
        _, best, own_hz = min(found, key=lambda each: each[0])
        for _, voice, _ in found:
            if voice is not best:
                voice.unload()
        return best, own_hz

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
        """Speak one sentence, or several with a pause between them.

        Raises BadInputError for a speed outside .5..2, text that has nothing to say or is in other
        letters, another language than the voice's, and a voice that is not there any more.
        """
        check_speed(speed)
        speaker, manner = self._chosen(voice)
        if language not in self.languages:
            raise BadInputError(self._unspoken(language))
        if language != speaker.language:
            raise BadInputError(
                f"The Piper voice {speaker.name} speaks {speaker.language}, not {language}: choose "
                f"that, or make the voice profile again with {language}."
            )
        if language.split("-")[0] not in _OTHER_SCRIPTS:
            check_latin(text, f"A Piper voice for {language}")
        manner = Manner(manner.higher, manner.speed * speed)
        audio, words = speaker.say(text, manner, seed, pronunciations or NONE, tick)
        samples = audio.resampled(speaker.rate).samples
        sentence = Sentence(text, 0.0, samples.shape[1] / speaker.rate, words)
        tick(1, 1)
        return Chunk(samples, speaker.rate, sentence)

    def _chosen(self, profile: VoiceProfile) -> tuple[PiperVoice, Manner]:
        """The voice of a profile, and how it is to speak."""
        style = profile.style
        name = style.get("voice", torch.empty(0))
        numbers = [style.get(key, torch.empty(0)) for key in ("higher", "pace")]
        fits = name.dtype == torch.uint8 and name.dim() == 1
        if not fits or any(n.shape != (1,) or not 0.5 <= float(n) <= 2 for n in numbers):
            raise foreign_voice(profile, self.name)
        known = bytes(name.tolist()).decode("utf-8", "replace")
        if known not in self.voices:
            raise BadInputError(
                f"The Piper voice {known!r} is not in models/myspinbot/piper, only "
                f"{', '.join(self.voices)}: put it there, or make the voice profile again."
            )
        return self.voices[known], Manner(*map(float, numbers))

    def _unspoken(self, language: str) -> str:
        return (
            f"No Piper voice here speaks {language!r}, only {', '.join(self.languages)}: put a "
            "voice and its .onnx.json into models/myspinbot/piper, or choose another language."
        )


def _sounding_s(voice: PiperVoice, manner: Manner, tick: Tick, text: str) -> float:
    """Seconds of sound at speed 1, as the voice speaks around `manner`; 0 for nothing to say."""
    try:
        audio, words = voice.say(text, manner, tick=tick)
    except BadInputError:
        return 0.0
    return manner.speed * (words[-1].end_s - words[0].start_s if words else audio.duration_s)
