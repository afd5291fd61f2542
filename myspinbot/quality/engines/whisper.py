"""Whisper through faster-whisper (CTranslate2); it runs outside torch and owns no managed model."""

from __future__ import annotations

from pathlib import Path

from faster_whisper import WhisperModel

from ...audio import Audio
from ...errors import BadInputError, EngineError, MissingModelError
from ...progress import Tick, no_tick

_RATE = 16_000
_FOLDER = "whisper-base"
_NO_SPEECH = 0.6
_SILENCE_DBFS = -60.0


class Whisper:
    """Speech to text for the languages of Whisper (Radford et al. 2022, MIT)."""

    def __init__(self, model: WhisperModel) -> None:
        self._model = model

    @classmethod
    def load(cls, folder: str | Path, threads: int = 1) -> Whisper:
        """Read the CTranslate2 model whisper-base/ in `folder`, int8 on the CPU.

        Raises MissingModelError.
        """
        try:
            return cls(
                WhisperModel(
                    str(Path(folder) / _FOLDER),
                    device="cpu",
                    compute_type="int8",
                    cpu_threads=threads,
                    local_files_only=True,
                )
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise MissingModelError(
                f"The speech recogniser {Path(folder) / _FOLDER} is missing or damaged ({error}); "
                "delete the folder and run: python install.py --judges"
            ) from error

    def transcribe(self, audio: Audio, language: str = "en", tick: Tick = no_tick) -> str:
        """What is said in `audio`, "" for no speech; `language` is like "en" or "en-us".

        About 0.1 CPU-s per second plus 1 s; `tick` counts seconds of audio. Raises BadInputError.
        """
        code = language.split("-")[0].lower()
        if code not in self._model.supported_languages:
            raise BadInputError(f"The speech recogniser does not know the language {language!r}.")
        samples = audio.mono().resampled(_RATE).samples[0]
        if audio.rms_dbfs() < _SILENCE_DBFS:
            return ""  # Whisper would make words up
        total = max(1, round(audio.duration_s))
        tick(0, total)
        try:
            segments, _ = self._model.transcribe(
                samples,
                language=code,
                temperature=0.0,  # no sampling: the same sound gives the same words
                condition_on_previous_text=False,
            )
            texts = []
            for segment in segments:
                tick(min(total, round(segment.end)), total)
                if segment.no_speech_prob < _NO_SPEECH or segment.avg_logprob > -0.5:
                    texts.append(segment.text.strip())
        except RuntimeError as error:
            raise EngineError(f"The speech recogniser failed: {error}") from error
        return " ".join(texts)
