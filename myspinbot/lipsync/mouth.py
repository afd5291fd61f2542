"""Mouth parameters for every frame from timed phonemes: coarticulation and closures.

It knows sounds and time, no face and no pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..speech import Phoneme, Speech
from .visemes import CHANNELS, SILENCE, Viseme, visemes_of

LEAD_S: Final = 0.01
"""The mouth is this much ahead of the sound at the middle of a frame: lips move before sound."""

_RATE_HZ: Final = 200
_SIGMA_S: Final = np.array([0.030, 0.040, 0.046, 0.027, 0.027, 0.022, 0.022, 0.024])
"""Spread of each channel over its neighbours; rounding spreads furthest, contact least."""
_EARLY_S: Final = np.array([0.008, 0.015, 0.035, 0.008, 0.008, 0.0, 0.0, 0.0])
"""How much earlier than the sound a channel starts, on top of LEAD_S."""
_SHORT_PAUSE_S: Final = 0.12
"""A gap of silence shorter than this between two sounds does not close the mouth."""

_ENDS_S: Final = 0.12
"""A video starts and ends with a closed mouth; it takes this long, should the sound not wait."""


@dataclass(frozen=True, eq=False)
class MouthTrack:
    """What the mouth does in each frame."""

    poses: np.ndarray
    """float32 [F, len(CHANNELS)], 0..1 each."""
    lips_apart: np.ndarray
    """float32 [F]: 0 = the lips meet whatever the pose says (p b m), 1 = as the pose says."""
    on_teeth: np.ndarray
    """float32 [F]: 1 = the lower lip rests on the upper teeth (f v)."""

    def gated(self, gate: np.ndarray) -> MouthTrack:
        """The same mouth, closed and at rest where `gate` [F] is 0."""
        return replace(
            self, poses=self.poses * gate[:, None], on_teeth=np.minimum(self.on_teeth, gate)
        )

    def led_by(self, words: MouthTrack) -> MouthTrack:
        """The mean of both mouths, whose lips meet where those of `words` do."""
        return replace(words, poses=(self.poses + words.poses) / 2)


@dataclass(frozen=True)
class _Segment:
    viseme: Viseme
    start_s: float
    end_s: float
    emphasis: float


def frame_times_s(frame_count: int, fps: Fraction) -> np.ndarray:
    """The instants of speech that the frames show, seconds, float64 [frame_count]."""
    return (np.arange(frame_count) + 0.5) / float(fps) + LEAD_S


def mouth_from_speech(
    speech: Speech, frame_count: int, fps: Fraction, late_s: float = 0.0
) -> MouthTrack:
    """Drive the mouth by timed phonemes, whose times are `late_s` seconds late.

    Each channel is a normalised Gaussian convolution of the sounds' targets, weighted by how
    strongly each sound insists: the dominance model of Cohen and Massaro (1993) on a grid.
    """
    times = frame_times_s(frame_count, fps) + late_s
    segments = list(_segments(speech))
    poses = _coarticulate(segments, times)
    frame_s = 1 / float(fps)
    apart = 1 - _contact(segments, times, frame_s, "bilabial")
    on_teeth = _contact(segments, times, frame_s, "labiodental")
    return MouthTrack(poses, apart, np.minimum(on_teeth, apart))


def voice_gate(
    silence: list[tuple[float, float]], times: np.ndarray, ease_s: float = 0.07
) -> np.ndarray:
    """0 in the first and the last frame and within the silent spans, 1 elsewhere, easing, at
    `times`: float32 [F]. Labels often let the last sound of a phrase run on into the pause."""
    gate = np.clip(np.minimum(times - times[0], times[-1] - times) / _ENDS_S, 0, 1)
    for start_s, end_s in silence:
        span = slice(*np.searchsorted(times, (start_s, end_s)))
        inside = np.minimum(times[span] - start_s, end_s - times[span])
        gate[span] = np.minimum(gate[span], 1 - np.clip(inside / ease_s, 0, 1))
    return (gate * gate * (3 - 2 * gate)).astype(np.float32)


def _segments(speech: Speech) -> Iterator[_Segment]:
    previous_end_s = 0.0
    for phoneme in sorted(_sounds(speech), key=lambda p: p.start_s):
        start_s = max(phoneme.start_s, previous_end_s)
        if phoneme.end_s <= start_s:
            continue
        if start_s - previous_end_s > _SHORT_PAUSE_S:
            yield _Segment(SILENCE, previous_end_s, start_s, 1.0)
        elif start_s > previous_end_s:
            start_s = previous_end_s
        length_s = phoneme.end_s - start_s
        emphasis = {1: 1.08, 2: 1.0}.get(phoneme.stress, 0.92)
        at_s = start_s
        for viseme, share in visemes_of(phoneme.symbol):
            yield _Segment(viseme, at_s, at_s + share * length_s, emphasis)
            at_s += share * length_s
        previous_end_s = phoneme.end_s


def _sounds(speech: Speech) -> Iterator[Phoneme]:
    """The phonemes; a word without any counts as one neutral vowel, so that the mouth moves."""
    for word in speech.words:
        yield from word.phonemes or (Phoneme("ə", word.start_s, word.end_s),)


def _coarticulate(segments: list[_Segment], times: np.ndarray) -> np.ndarray:
    steps = int(np.ceil((times[-1] + 0.5) * _RATE_HZ)) + 1
    target = np.zeros((steps, len(CHANNELS)), np.float32)
    strength = np.full(steps, SILENCE.strength, np.float32)
    for segment in segments:
        span = slice(
            round(segment.start_s * _RATE_HZ),
            max(round(segment.end_s * _RATE_HZ), round(segment.start_s * _RATE_HZ) + 1),
        )
        target[span] = np.asarray(segment.viseme.pose) * segment.emphasis
        strength[span] = segment.viseme.strength
    poses = np.empty((len(times), len(CHANNELS)), np.float32)
    grid = np.arange(steps) / _RATE_HZ
    for channel, (sigma_s, early_s) in enumerate(zip(_SIGMA_S, _EARLY_S, strict=True)):
        sigma = sigma_s * _RATE_HZ
        weighted = gaussian_filter1d(target[:, channel] * strength, sigma, mode="nearest")
        total = gaussian_filter1d(strength, sigma, mode="nearest")
        poses[:, channel] = np.interp(times + early_s, grid, weighted / total)
    return np.clip(poses, 0, 1)


def _contact(segments: list[_Segment], times: np.ndarray, frame_s: float, kind: str) -> np.ndarray:
    """1 where a sound of `kind` holds its closure, easing to 0; every closure owns a frame."""
    contact = np.zeros(len(times), np.float32)
    for segment in segments:
        if not getattr(segment.viseme, kind):
            continue
        centre_s = (segment.start_s + segment.end_s) / 2
        hold_s = max(0.5 * (segment.end_s - segment.start_s) - 0.01, 0.022)
        ease_s = 0.055
        first, last = np.searchsorted(
            times, (centre_s - hold_s - ease_s, centre_s + hold_s + ease_s)
        )
        away_s = np.abs(times[first:last] - centre_s) - hold_s
        level = 0.5 + 0.5 * np.cos(np.pi * np.clip(away_s / ease_s, 0, 1))
        contact[first:last] = np.maximum(contact[first:last], level)
        nearest = int(np.clip(np.rint((centre_s - times[0]) / frame_s), 0, len(times) - 1))
        if abs(times[nearest] - centre_s) <= frame_s:
            contact[nearest] = 1
    return contact
