"""What head, brows, lids and eyes do while someone speaks. It knows prosody and time, no pixels.

Everything is drawn from one seed and computed for the whole speech at once: a few floats a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .head import HEAD_LIMITS, POSES
from .prosody import Accent

_DRIFT: Final = {
    # Slow wandering: standard deviation and period in seconds of each head movement.
    "yaw": (0.022, 2.6),
    "pitch": (0.014, 2.2),
    "roll": (0.0085, 3.1),
    "sway_x": (0.022, 3.4),
    "sway_y": (0.012, 2.9),
    "lean": (0.0045, 4.2),
}
_JUMP_S: Final = 0.045
_NOD_RAD: Final = 0.024
_BREATH_UNITS: Final = 0.010
_BREATH_PERIOD_S: Final = 3.9
_BLINK_EVERY_S: Final = 3.4
_BLINK_CLOSE_S, _BLINK_HOLD_S, _BLINK_OPEN_S = 0.085, 0.035, 0.17


@dataclass(frozen=True)
class Liveliness:
    """How much of each: 0 off, 1 natural, 2 a lot."""

    head: float = 1.0
    blink: float = 1.0
    gaze: float = 1.0
    brows: float = 1.0


@dataclass(frozen=True, eq=False)
class MotionTrack:
    """Head, brows, lids and gaze of every frame; units as in `puppet.Pose`."""

    head: np.ndarray
    """float32 [F, len(POSES)]."""
    brows: np.ndarray
    """float32 [F, 2]."""
    blink: np.ndarray
    """float32 [F]."""
    gaze: np.ndarray
    """float32 [F, 2]."""


def plan_motion(
    frame_count: int,
    fps: Fraction,
    stress: list[Accent],
    silence: list[tuple[float, float]],
    liveliness: Liveliness,
    seed: int,
) -> MotionTrack:
    """Plan every frame; the same arguments give the same numbers."""
    times = (np.arange(frame_count) + 0.5) / float(fps)
    streams = np.random.default_rng([seed & 0xFFFFFFFF, 7]).spawn(4)
    head = _head(times, fps, stress, silence, streams[0]) * liveliness.head
    # A soft stop: large movements slow down rather than hit a wall.
    head = HEAD_LIMITS * np.tanh(head / HEAD_LIMITS)
    brows = _brows(times, fps, stress, streams[1]) * liveliness.brows
    gaze = _gaze(times, silence, streams[2]) * liveliness.gaze
    blink = _blink(times, float(fps), silence, streams[3], liveliness.blink)
    return MotionTrack(*(a.astype(np.float32) for a in (head, brows, blink, gaze)))


def _noise(rng: np.random.Generator, count: int, fps: Fraction, period_s: float) -> np.ndarray:
    """Smooth noise of unit variance that wanders over about `period_s` seconds."""
    sigma = max(0.25 * period_s * float(fps), 0.5)
    pad = int(4 * sigma) + 1
    # Drawn on a coarse grid of its own, so that it costs the same at any frame rate.
    values = gaussian_filter1d(rng.standard_normal(count + 2 * pad), sigma)[pad : pad + count]
    return values * np.sqrt(2 * np.sqrt(np.pi) * sigma)


def _head(
    times: np.ndarray,
    fps: Fraction,
    stress: list[Accent],
    silence: list[tuple[float, float]],
    rng: np.random.Generator,
) -> np.ndarray:
    tracks = {name: np.zeros(len(times)) for name in POSES}
    for name, (deviation, period_s) in _DRIFT.items():
        tracks[name] += deviation * _noise(rng, len(times), fps, period_s)
    for accent in stress:
        weight, at_s = accent.weight * rng.uniform(0.3, 1.25), accent.time_s
        _pulse(tracks["pitch"], times, _NOD_RAD * weight, at_s, 0.17, 0.34)
        _pulse(tracks["yaw"], times, rng.normal(0, 0.007) * weight, at_s, 0.25, 0.6)
        _pulse(tracks["roll"], times, rng.normal(0, 0.003) * weight, at_s, 0.3, 0.7)
        _pulse(tracks["sway_y"], times, 0.010 * weight, at_s, 0.17, 0.34)
    for start_s, end_s in silence:
        # A breath before going on: the head comes up a little.
        _pulse(tracks["pitch"], times, -0.010, 0.5 * (start_s + end_s), 0.35, 0.5)
    phase = 2 * np.pi * (times / _BREATH_PERIOD_S + rng.uniform()) + 0.6 * _noise(
        rng, len(times), fps, 8.0
    )
    tracks["breath"] = _BREATH_UNITS * np.sin(phase)
    return np.stack([tracks[name] for name in POSES], 1)


def _pulse(
    track: np.ndarray, times: np.ndarray, height: float, at_s: float, rise_s: float, fall_s: float
) -> None:
    """Add a smooth bump to `track`: `height` at `at_s`, nothing beyond thrice its two lengths."""
    span = slice(*np.searchsorted(times, (at_s - 3 * rise_s, at_s + 3 * fall_s)))
    away = times[span] - at_s
    track[span] += height * np.exp(-2 * np.square(away / np.where(away < 0, rise_s, fall_s)))


def _brows(
    times: np.ndarray, fps: Fraction, stress: list[Accent], rng: np.random.Generator
) -> np.ndarray:
    both = 0.012 * _noise(rng, len(times), fps, 2.8)
    for accent in stress:
        if accent.weight * rng.uniform(0.4, 1.1) > 0.62:
            _pulse(both, times, 0.075 * accent.weight, accent.time_s - 0.06, 0.16, 0.38)
    apart = 0.006 * _noise(rng, len(times), fps, 3.7)
    return np.clip(np.stack([both + apart, both - apart], 1), -0.03, 0.13)


def _gaze(
    times: np.ndarray, silence: list[tuple[float, float]], rng: np.random.Generator
) -> np.ndarray:
    """Small jumps about the camera, a little wider in pauses."""
    at_s = rng.uniform(0.4, 1.2)
    starts_s, goals = [], [np.zeros(2)]
    while at_s < times[-1]:
        quiet = any(start <= at_s <= end for start, end in silence)
        spread = (0.20, 0.05) if quiet else (0.10, 0.03)
        goal = np.zeros(2) if rng.uniform() < 0.35 else rng.normal(0, 1, 2) * spread
        goals.append(np.clip(goal, (-0.30, -0.07), (0.30, 0.07)))
        starts_s.append(at_s - _JUMP_S / 2)
        at_s += rng.uniform(0.5, 1.1) if quiet else rng.gamma(3.0, 0.45) + 0.35
    last = np.searchsorted(starts_s, times, side="right")
    since_s = times - np.array([-np.inf, *starts_s])[last]
    done = np.minimum(since_s / _JUMP_S, 1)[:, None]
    path = np.array(goals)
    return path[last] + (1 - done * done * (3 - 2 * done)) * (path[last - 1] - path[last])


def _blink(
    times: np.ndarray,
    fps: float,
    silence: list[tuple[float, float]],
    rng: np.random.Generator,
    amount: float,
) -> np.ndarray:
    """Lids 0..1, open in the last frame; people blink more at the ends of phrases than within."""
    closed = np.zeros(len(times))
    if amount <= 0:
        return closed
    moments: list[tuple[float, float]] = []
    at_s = rng.uniform(0.7, 2.2)
    while at_s < times[-1]:
        near = [start + 0.08 for start, _ in silence if abs(start - at_s) < 0.7]
        at_s = max(near[0], at_s - 0.5) if near else at_s
        moments.append((at_s, 1.0 if rng.uniform() > 0.06 else 0.55))
        if rng.uniform() < 0.08:
            moments.append((at_s + 0.36, 1.0))
        at_s += max(rng.lognormal(np.log(_BLINK_EVERY_S), 0.42) / amount, 0.9)
    latest_s = times[-1] - _BLINK_OPEN_S - _BLINK_HOLD_S / 2 - 0.5 / fps
    for moment_s, depth in moments:
        if moment_s > latest_s:
            continue
        # The deepest instant falls on a frame: else fast blinks would come out half closed.
        frame = min(int(np.searchsorted(times, moment_s - 0.5 / fps)), len(times) - 1)
        span = slice(*np.searchsorted(times, (times[frame] - 0.2, times[frame] + 0.3)))
        closed[span] = np.maximum(closed[span], depth * _lid(times[span] - times[frame]))
    return closed


def _lid(d: np.ndarray) -> np.ndarray:
    """One blink around its deepest instant: quick down, slow up."""
    down = np.clip((d + _BLINK_HOLD_S / 2 + _BLINK_CLOSE_S) / _BLINK_CLOSE_S, 0, 1)
    up = np.clip((_BLINK_HOLD_S / 2 + _BLINK_OPEN_S - d) / _BLINK_OPEN_S, 0, 1)
    return np.minimum(down * down * (3 - 2 * down), up * up * (3 - 2 * up))
