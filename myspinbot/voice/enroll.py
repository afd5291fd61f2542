"""From a reference clip to a voice profile, whichever engine is to speak with it."""

from __future__ import annotations

import hashlib

import torch

from ..progress import Tick, no_tick
from .clip import ReferenceClip
from .engines import VoiceEngine
from .engines.checks import check_language
from .profile import VoiceProfile
from .speaker import SpeakerEncoder, embed


def enroll(
    engine: VoiceEngine,
    listener: SpeakerEncoder,
    clip: ReferenceClip,
    *,
    language: str = "en-us",
    fit_steps: int = 0,
    consent: str = "",
    tick: Tick = no_tick,
) -> VoiceProfile:
    """Learn the voice of `clip` with `engine`.

    `language`: what the clip speaks. `fit_steps`: how long engines that fit a voice may search.
    Raises BadInputError for a language that the engine does not speak.
    """
    check_language(engine, language)
    learnt = engine.learn(clip, listener, language=language, fit_steps=fit_steps, tick=tick)
    with torch.inference_mode(False):  # copies that can be used in any mode
        style = {name: tensor.clone() for name, tensor in learnt.style.items()}
    return VoiceProfile(
        engine=engine.name,
        engine_version=engine.version,
        style=style,
        embedding=embed(listener, clip.audio),
        f0_median_hz=clip.pitch.median_hz,
        f0_log_std=clip.pitch.log_std,
        words_per_minute=learnt.words_per_minute or _own_pace(clip),
        transcript=clip.transcript,
        consent=consent.strip(),
        source_sha256=hashlib.sha256(clip.audio.samples.tobytes()).hexdigest(),
        language=language,
        similarity=learnt.similarity,
        method=learnt.method,
    )


def _own_pace(clip: ReferenceClip) -> float:
    """Words a minute of the speaker, with a pause after every ten words."""
    words = max(len(clip.transcript.split()), 1)
    return 60 * words / (clip.speech_s + 0.3 * words / 10)
