"""Everything that is measured on one finished video, as plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import video
from ..audio import Audio, read_audio
from ..errors import BadInputError
from ..face.geometry import Face
from ..progress import Tick, no_tick
from ..speech import Speech
from . import sync
from .intelligibility import word_errors
from .similarity import HeldOutEncoder
from .takes import Recogniser

Track = Callable[[np.ndarray, Face | None], Face | None]
"""Finds the face of the previous frame in a frame uint8 [H, W, 3] RGB: `FaceFinder.track`."""


def measure(
    path: str | Path,
    *,
    track: Track | None = None,
    spoken: Speech | None = None,
    encoder: HeldOutEncoder | None = None,
    reference: Audio | None = None,
    recogniser: Recogniser | None = None,
    text: str = "",
    language: str = "en",
    tick: Tick = no_tick,
) -> dict[str, Any]:
    """Figures of the video at `path`, each group only if what it needs is given.

    "file": `video.probe`. "sync" (`track`; better with `spoken`, the timed text of the sound).
    "similarity" (`encoder`, `reference`). "intelligibility" (`recogniser`, `text`). `tick` counts
    frames, and may cancel. Raises BadInputError for a file that is no video or has no sound to
    measure.
    """
    facts = video.probe(path)
    frames = facts["frames"]

    def waiting(_done: int, _total: int) -> None:
        tick(0, frames)

    figures: dict[str, Any] = {"file": facts}
    sound = read_audio(path) if facts["audio_codec"] else None
    if sound is None and (track or encoder or recogniser):
        raise BadInputError(f"{Path(path).name} has no sound to measure: add the speech to it.")
    if sound and encoder and reference:
        figures["similarity"] = round(encoder.cosine(reference, sound, waiting), 3)
    if sound and recogniser and text:
        errors = word_errors(text, recogniser.transcribe(sound, language, waiting), language)
        figures["intelligibility"] = {
            "word_error_rate": round(errors.rate, 3),
            "errors": errors.errors,
            "words": errors.words,
            "heard": errors.heard,
        }
    if sound and track:
        gap = mouth_gaps(path, track, frames, tick)
        figures["sync"] = _sync(sync.measure(gap, facts["fps"], spoken or sound))
    return figures


def mouth_gaps(path: str | Path, track: Track, count: int, tick: Tick = no_tick) -> np.ndarray:
    """The mouth gap of every frame, [F], NaN where no face is; `count` is for `tick` only."""
    gaps: list[float] = []
    face: Face | None = None
    for frame in video.read_frames(path):
        face = track(frame, face)
        gaps.append(face.mouth_gap if face else float("nan"))
        tick(min(len(gaps), count), count)
    return np.array(gaps)


def _sync(result: sync.Sync) -> dict[str, Any]:
    def short(value: float | None) -> float | None:
        return None if value is None else round(value, 3)

    return {
        "compared_with": result.reference,
        "moves": result.moves,
        "in_sync": result.in_sync,
        "correlation": short(result.correlation),
        "best_correlation": short(result.best_correlation),
        "lag_ms": round(result.lag_ms),
        "bilabials": result.bilabials,
        "bilabials_closed": short(result.bilabials_closed),
        "vowels_closed": short(result.vowels_closed),
    }
