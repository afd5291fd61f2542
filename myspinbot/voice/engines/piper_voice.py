"""One ready-made Piper voice: what it reads of a text, and what it says, timed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np

from ...audio import Audio
from ...errors import BadInputError, EngineError, MissingModelError
from ...progress import Tick, no_tick
from ...speech import Word
from ..text.pronunciation import NONE, Pronunciations
from .piper_net import PiperNet
from .piper_words import Said, read, time_words
from .word_ends import end_with_sound

_BEGIN, _END, _PAD = "^", "$", "_"
_PAUSE_S = 0.25
"""Between two sentences."""
_LANGUAGES = {"en": "en-gb", "es-419": "es", "fr-fr": "fr", "cmn": "zh"}
"""Of eSpeak's names those that differ from ours."""


@dataclass(frozen=True)
class Manner:
    """How a voice is to speak."""

    higher: float = 1.0
    """Factor on the pitch and the formants."""
    speed: float = 1.0


class PiperVoice:
    """A voice of one language; of several speakers the one that the file says."""

    def __init__(self, path: Path) -> None:
        """Read the description of `path`, an .onnx file; raises MissingModelError."""
        piper = import_module("piper")
        try:
            facts = json.loads(Path(f"{path}.json").read_text("utf-8"))
            self._config = piper.PiperConfig.from_dict(facts)
            espeak_voice: str = self._config.espeak_voice.lower()
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise MissingModelError(
                f"{path.name}.json in {path.parent} is missing or does not describe a Piper voice "
                f"({error}): fetch it again, or remove {path.name}."
            ) from error
        self.name = path.stem
        self.rate: int = self._config.sample_rate
        base = espeak_voice.partition("-x-")[0]
        self.language = _LANGUAGES.get(base) or base
        self._is_ipa = self._config.phoneme_type == piper.PhonemeType.ESPEAK
        self.is_readable = self._is_ipa or self._config.phoneme_type == piper.PhonemeType.TEXT
        """Whether the package can read text for it without fetching anything."""
        self._reader = piper.PiperVoice(session=None, config=self._config)
        self._net = PiperNet(path)

    def unload(self) -> None:
        """Give the net's memory back until it is needed again."""
        self._net = PiperNet(self._net.path)

    def say(
        self,
        text: str,
        manner: Manner = Manner(),
        seed: int = 0,
        pronunciations: Pronunciations = NONE,
        tick: Tick = no_tick,
    ) -> tuple[Audio, tuple[Word, ...]]:
        """The sound [1, T] at a rate that makes it `higher`, and its words.

        No words from a voice that does not tell its timings. Raises BadInputError when there is
        nothing to say, MissingModelError or EngineError when the voice is broken.
        """
        texts, sentences = read(text, self.language, pronunciations, self._phonemize)
        if not texts:
            raise BadInputError(f"nothing in {text!r} can be spoken in {self.language}.")
        config, rate = self._config, round(self.rate * manner.higher)
        length = config.length_scale * rate / self.rate / manner.speed
        scales = (config.noise_scale, length, config.noise_w_scale)
        noise, pause = np.random.default_rng(seed), np.zeros(round(_PAUSE_S * rate), np.float32)
        waves: list[np.ndarray] = []
        said: list[Said] = []
        for done, sentence in enumerate(sentences):
            known = [phoneme for phoneme in sentence if phoneme.symbol in config.phoneme_id_map]
            numbers, borders = self._numbers(known)
            wave, frames = self._net(
                numbers,
                scales,
                config.default_speaker_id,
                noise,
                lambda *_, done=done: tick(done, len(sentences)),
            )
            start = sum(map(len, waves))
            said += self._timed(known, borders, frames, range(start, start + len(wave)), rate)
            waves += [wave, pause]
        samples = np.concatenate(waves[:-1]).clip(-1, 1)
        words = end_with_sound(time_words(texts, said), samples, rate)
        if not self._is_ipa:
            words = tuple(replace(word, phonemes=()) for word in words)
        return Audio(samples[None], rate), words

    def _phonemize(self, line: str) -> list[list[str]]:
        try:
            return self._reader.phonemize(line)
        except RuntimeError as error:
            raise EngineError(
                f"Piper cannot read {self._config.espeak_voice!r} for the voice {self.name} "
                f"({error}): update piper-tts."
            ) from error

    def _numbers(self, sentence: Sequence[Said]) -> tuple[list[int], list[int]]:
        """The net's numbers, and how many there are before each phoneme and at the end."""
        table = self._config.phoneme_id_map
        numbers = [*table[_BEGIN], *table[_PAD]]
        borders = [len(numbers)]
        for phoneme in sentence:
            numbers += [*table[phoneme.symbol], *table[_PAD]]
            borders.append(len(numbers))
        return [*numbers, *table[_END]], borders

    def _timed(
        self,
        sentence: Sequence[Said],
        borders: Sequence[int],
        frames: np.ndarray | None,
        samples: range,
        rate: int,
    ) -> list[Said]:
        """The phonemes with their times; none when the net's lengths are not those of the sound.

        Padding between two phonemes belongs half to each: then their spectra fit best.
        """
        if frames is None or int(frames.sum()) * self._config.hop_length != len(samples):
            return []
        edges = samples.start + np.cumsum([0, *frames]) * self._config.hop_length
        ends = np.array(borders)
        begins = ends - len(self._config.phoneme_id_map[_PAD])
        times_s = ((edges[begins] + edges[ends]) / (2 * rate)).tolist()
        return [
            replace(phoneme, start_s=start_s, end_s=end_s)
            for phoneme, start_s, end_s in zip(sentence, times_s, times_s[1:], strict=False)
        ]
