"""Measure a finished talking video: streams, speaker similarity, word errors, lip-sync."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from myspinbot.audio import read_audio
from myspinbot.face.finder import FaceFinder
from myspinbot.quality.engines.whisper import Whisper
from myspinbot.quality.intelligibility import word_errors
from myspinbot.quality.similarity import HeldOutEncoder
from myspinbot.quality.sync import Sync
from myspinbot.quality.sync import measure as measure_sync
from myspinbot.video import probe, read_frames


@dataclass(frozen=True)
class Figures:
    """What the demo prints under its table."""

    streams: dict
    audio_s: float
    similarity: float
    word_error_rate: float
    sync: Sync

    def __str__(self) -> str:
        s = self.streams
        return (
            f"video       {s['video_codec']} {s['width']}x{s['height']}, {s['frames']} frames at "
            f"{s['fps']:g} fps = {s['video_s']:.2f} s; {s['audio_codec']} {s['audio_s']:.2f} s\n"
            f"similarity  {self.similarity:.2f} to the reference clip, by an encoder that nothing "
            "was fitted to (same speaker .82, others .37 on average)\n"
            f"WER         {self.word_error_rate:.1%} (Whisper base)\n"
            f"sync        r = {self.sync.correlation:.2f} between mouth and loudness, best at "
            f"{self.sync.lag_ms:+.0f} ms"
        )


def mouth_gaps(path: Path, finder: FaceFinder) -> np.ndarray:
    """Gap between the lips of each frame in inter-ocular distances, [F]; NaN: no face."""
    gaps, face = [], None
    for frame in read_frames(path):
        face = finder.track(frame, face) if face else next(iter(finder.find(frame)), None)
        gaps.append(face.mouth_gap if face else np.nan)
    return np.asarray(gaps)


def measure(path: Path, reference: Path, narration: str, models: Path) -> Figures:
    """All figures of the video at `path`; `models` is the folder that install.py filled."""
    streams, audio = probe(path), read_audio(path)
    gaps = mouth_gaps(path, FaceFinder.load(models))
    heard = Whisper.load(models / "whisper-base").transcribe(audio)
    encoder = HeldOutEncoder.load(models / "dvector.safetensors")
    return Figures(
        streams,
        audio.duration_s,
        encoder.cosine(read_audio(reference), audio),
        word_errors(narration, heard).rate,
        measure_sync(gaps, float(streams["fps"]), audio),
    )
