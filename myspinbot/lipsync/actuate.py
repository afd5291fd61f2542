"""From mouth parameters to amounts of movement on one portrait: gains, limits and closures.

It knows one mouth's proportions and no pixels of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .anatomy import MouthAnatomy
from .fields import MOVES
from .mouth import MouthTrack
from .visemes import JAW, LOWER, PRESS, PUCKER, TUCK, UPPER, WIDE

_TEETH_CONTACT_GAP: Final = 0.05
"""Gap left between the lips while the lower one rests on the upper teeth, half mouth widths."""


@dataclass(frozen=True)
class Limits:
    """How far this portrait may go before it looks over-excited, half mouth widths each."""

    jaw: float
    upper: float
    lower: float
    wide: float
    pucker: float
    rounding: float
    """Least share of a rounded opening."""

    @classmethod
    def of(cls, mouth: MouthAnatomy, expressiveness: float) -> Limits:
        """Limits of `mouth`. A smile is already wide and lifted, so it gets less of both."""
        gain = expressiveness if expressiveness <= 1 else 1 + 0.45 * (expressiveness - 1)
        room = mouth.chin_y - float(mouth.lower[32])
        calm = 1 - 0.30 * mouth.smile
        return cls(
            jaw=gain * calm * min(0.39, 0.34 * room),
            upper=gain * calm * 0.15,
            lower=gain * calm * 0.17,
            wide=gain * (1 - 0.75 * mouth.smile),
            pucker=gain * (1 - 0.15 * mouth.smile),
            rounding=0.45 * mouth.smile,
        )


def amounts_of(track: MouthTrack, limits: Limits) -> np.ndarray:
    """The amount of each of `MOVES` in each frame, float32 [F, len(MOVES)].

    Where `track` wants the lips to meet, the gap between them is exactly 0, however open the jaw.
    """
    pose, apart, on_teeth = track.poses, track.lips_apart, track.on_teeth
    wanted = pose[:, JAW] * limits.jaw
    jaw = wanted * (0.5 + 0.5 * apart) * (1 - 0.35 * on_teeth)
    upper = pose[:, UPPER] * limits.upper * apart
    lower = pose[:, LOWER] * limits.lower * apart
    gap = apart * wanted + upper + lower
    contact = on_teeth * min(1.0, limits.jaw / 0.2)
    upper = upper + contact * 0.03
    gap = (1 - on_teeth) * gap + contact * _TEETH_CONTACT_GAP
    # What the jaw opens too much the lips make up for: the lower one mostly.
    excess = gap - jaw - upper - lower
    share = np.where(on_teeth > 0, 0.25 * (1 - on_teeth), 0.25)
    upper, lower = upper + share * excess, lower + (1 - share) * excess
    rounding = np.clip(pose[:, PUCKER] * 1.15 + limits.rounding, 0, 1)
    columns = {
        "rest": np.ones_like(jaw),
        "jaw": jaw,
        "upper": upper - 0.4 * rounding * gap,
        "lower": lower - 0.6 * rounding * gap,
        "upper_round": 0.4 * rounding * gap,
        "lower_round": 0.6 * rounding * gap,
        "wide": pose[:, WIDE] * limits.wide,
        "pucker": pose[:, PUCKER] * limits.pucker,
        "press": pose[:, PRESS] * (1 - apart) * min(limits.pucker, 1.3),
        "tuck": pose[:, TUCK] * on_teeth * min(limits.pucker, 1.3),
    }
    return np.stack([columns[name] for name in MOVES], 1).astype(np.float32)
