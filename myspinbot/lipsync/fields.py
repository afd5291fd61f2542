"""How skin moves: displacement fields of each mouth movement, for the two layers of the face.

The upper layer is everything above the line between the lips, the lower one everything below;
they agree outside the mouth's corners, so that lips part without a seam. Fields are forward
(material point -> displacement) in face units, see `anatomy.FaceFrame`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from .anatomy import MouthAnatomy, U

MOVES: Final = (
    "rest",
    "jaw",
    "upper",
    "lower",
    "upper_round",
    "lower_round",
    "wide",
    "pucker",
    "press",
    "tuck",
)
"""Order of the fields. All are per unit of movement in half mouth widths at the lips' middle,
but `rest` (what closes a portrait's open mouth; always 1), `wide`, `pucker`, `press`, `tuck`
(0..1)."""

CORNER_SHARE: Final = 0.36
"""How much of the jaw's drop the mouth's corners follow."""

_COVER: Final = 0.06
"""How far rounded lips come down together: the upper one covers the teeth."""


def smoothstep(start: float, end: float, x: npt.ArrayLike) -> np.ndarray:
    """0 below `start`, 1 above `end`, C1 between."""
    t = np.clip((np.asarray(x) - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def almond(u: np.ndarray) -> np.ndarray:
    """Shape of a spread opening across the mouth: 1 in the middle, 0 at the corners."""
    a = np.minimum(np.abs(u), 1)
    return (1 - a**2.6) ** 1.3


def oval(u: np.ndarray) -> np.ndarray:
    """Shape of a rounded opening: the lips stay together towards the corners."""
    a = np.minimum(np.abs(u) / 0.86, 1)
    return (1 - a**2.3) ** 1.5


def mouth_fields(mouth: MouthAnatomy, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fields of the upper and the lower layer at `units` [..., 2].

    Returns two float64 arrays [len(MOVES), ..., 2] in face units.
    """
    x, y = units[..., 0], units[..., 1]
    u = mouth.frame.across(x)
    above = y - np.interp(u, U, mouth.upper)
    below = y - np.interp(u, U, mouth.lower)
    upper = _upper_layer(mouth, u, x, np.minimum(above, 0))
    lower = _lower_layer(mouth, u, x, np.maximum(below, 0))
    outside = np.abs(u) >= 1
    seam = np.interp(u, U, mouth.seam)
    shared = np.where((y < seam)[..., None], upper, lower)
    upper = np.where(outside[..., None], shared, upper)
    lower = np.where(outside[..., None], shared, lower)
    return upper, lower


def _sideways(u: np.ndarray, x: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Horizontal stretch about the middle: 1 at the corners, fading into the cheeks."""
    a = np.abs(u)
    # A rounded top keeps the corner from becoming a crease.
    profile = np.where(a < 1, a * (1.18 - 0.18 * a * a), 1 - smoothstep(1.0, 2.15, a))
    return np.sign(x) * profile * depth


def _upper_layer(mouth: MouthAnatomy, u: np.ndarray, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Fields above the mouth; v <= 0 is the height over the upper lip's edge."""
    a = np.abs(u)
    lip = np.interp(u, U, mouth.upper - mouth.upper_outer)
    reach = np.maximum(-mouth.nose_y, lip + 0.12) + 0.05
    fade = 1 - smoothstep(0.0, 1.0, -v / (reach * (1 + 0.5 * smoothstep(0.3, 1.0, a))))
    cheek = 1 - smoothstep(0.0, 1.15, -v)
    corner = np.where(a < 1, a**3, 1 - smoothstep(1.0, 2.1, a)) * cheek
    side = _sideways(u, x, 1 - smoothstep(0.1, 1.35, -v))
    zero = np.zeros_like(u)
    close = np.interp(u, U, mouth.seam - mouth.upper, left=0, right=0)
    # Lips keep their thickness while they move; the skin above them gives way.
    stiff = 1 - smoothstep(0.0, 1.0, (-v - 0.25 * lip) / (reach - 0.25 * lip))
    border = _border(-v, lip, reach)
    spread = _stack(0.13 * side, -0.035 * corner)
    return np.stack(
        [
            _stack(-0.13 * mouth.smile * side, close * stiff + 0.085 * mouth.smile * corner),
            _stack(-0.10 * side, CORNER_SHARE * corner),
            _stack(zero, -almond(u) * fade),
            _stack(zero, zero),
            _stack(zero, -oval(u) * fade),
            _stack(zero, zero),
            spread,
            _stack(-0.27 * side, (_COVER * fade - 0.05 * border) * _middle(u)),
            _stack(0.02 * side, 0.30 * lip * border * _middle(u)),
            _stack(zero, zero),
        ]
    )


def _lower_layer(mouth: MouthAnatomy, u: np.ndarray, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Fields below the mouth; v >= 0 is the depth under the lower lip's edge."""
    a = np.abs(u)
    lip = np.interp(u, U, mouth.lower_outer - mouth.lower)
    room = max(mouth.chin_y - float(np.interp(0, U, mouth.lower)), 0.6)
    q = v / room
    neck = 1 - smoothstep(1.0, 2.0, q)
    near = np.where(
        a < 1, CORNER_SHARE * a**3 + almond(u), CORNER_SHARE * (1 - smoothstep(1, 2.1, a))
    )
    far = 1 - smoothstep(0.6, 2.3, a)
    mix = smoothstep(0.0, 0.75, q)
    jaw = ((1 - mix) * near + mix * far) * (1 - 0.14 * mix) * neck
    side = _sideways(u, x, 1 - smoothstep(0.1, 1.25, v))
    hollow = np.sign(x) * smoothstep(0.7, 1.5, a) * (1 - smoothstep(1.5, 2.4, a)) * mix * neck
    reach = np.maximum(lip + 0.12, 0.62 * room)
    fade = 1 - smoothstep(0.0, 1.0, v / reach)
    stiff = 1 - smoothstep(0.0, 1.0, (v - 0.25 * lip) / (reach - 0.25 * lip))
    corner = np.where(a < 1, a**3, 1 - smoothstep(1.0, 2.1, a)) * (1 - smoothstep(0.0, 1.15, v))
    zero = np.zeros_like(u)
    close = np.interp(u, U, mouth.seam - mouth.lower, left=0, right=0)
    border = _border(v, lip, reach)
    return np.stack(
        [
            _stack(-0.13 * mouth.smile * side, close * stiff + 0.085 * mouth.smile * corner),
            _stack(-0.10 * side - 0.05 * hollow, jaw),
            _stack(zero, zero),
            _stack(zero, almond(u) * fade),
            _stack(zero, zero),
            _stack(zero, oval(u) * fade),
            _stack(0.13 * side, -0.035 * corner),
            _stack(-0.27 * side, (_COVER * fade + 0.06 * border) * _middle(u)),
            _stack(0.02 * side, -0.30 * lip * border * _middle(u)),
            _stack(zero, -0.38 * lip * border * _middle(u)),
        ]
    )


def _middle(u: np.ndarray) -> np.ndarray:
    return np.clip(1 - np.abs(u) ** 2.5, 0, 1)


def _border(depth: np.ndarray, lip: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """0 on the lip's inner edge, 1 at its outer border, fading again into the skin."""
    rise = smoothstep(0.0, 1.0, depth / np.maximum(lip, 1e-3))
    fall = smoothstep(0.0, 1.0, (depth - lip) / np.maximum(1.15 * reach - lip, 0.05))
    return rise * (1 - fall)


def _stack(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack(np.broadcast_arrays(x, y), -1)
