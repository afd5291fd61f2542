"""Drawn people, each in any view.

Who somebody is and how they are seen are numbers here, so there is a true picture of the same
person in a view that nobody trained on.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

TRAITS, VIEW = 9, 5
"""How many numbers in -1..1 say who somebody is, and how they are seen."""
WORDS = VIEW + 2
"""Of a caption: the view, the class, and the trigger."""
_FINE = 3
"""Points a pixel is drawn with, each way."""


def people(count: int, random: torch.Generator) -> Tensor:
    return torch.rand(count, TRAITS, generator=random) * 2 - 1


def views(count: int, random: torch.Generator) -> Tensor:
    return torch.rand(count, VIEW, generator=random) * 2 - 1


def captions(seen: Tensor, trigger: float = 0.0) -> Tensor:
    """[B, WORDS]: what can be said of views [B, VIEW]; who it is has no words but the trigger."""
    ends = torch.tensor([1.0, trigger]).expand(len(seen), 2)
    return torch.cat([seen, ends], 1)


def draw(who: Tensor, seen: Tensor, side: int) -> Tensor:
    """Pictures [B, 3, side, side] in -1..1 of people [B, TRAITS] in views [B, VIEW]."""
    axis = (torch.arange(side * _FINE) + 0.5) / (side * _FINE) * 2 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")

    def plane(values: Tensor) -> Tensor:
        return values[:, None, None]

    def coat(picture: Tensor, cover: Tensor, colour: Sequence[Tensor]) -> Tensor:
        return torch.lerp(picture, torch.stack(list(colour), 1)[..., None, None], cover[:, None])

    def blob(at_x: Tensor, at_y: Tensor, wide: Tensor, high: Tensor) -> Tensor:
        u, v = (x - plane(at_x)) / plane(wide), (y - plane(at_y)) / plane(high)
        return ((1 - u**2 - v**2) * 6).sigmoid()

    skin, warm, hair, red, iris, round_, apart, mouth, fringe = who.unbind(1)
    yaw, pitch, near, light, ground = seen.unbind(1)
    high = 0.66 + 0.12 * near
    wide = high * (0.8 + 0.12 * round_)
    zero = torch.zeros(len(who))
    picture = torch.stack([0.1 + 0.5 * ground, 0.2 + 0.5 * ground, 0.35 + 0.4 * ground], 1)
    picture = picture[..., None, None].expand(-1, -1, *x.shape)
    dark = (0.1 + 0.6 * hair + 0.3 * red, -0.15 + 0.6 * hair - 0.3 * red, -0.4 + 0.4 * hair)
    picture = coat(picture, blob(zero, zero - 0.12, wide * 1.15, high * 1.1), dark)
    tone = (0.5 + 0.4 * skin, 0.2 + 0.45 * skin - 0.1 * warm, 0.05 + 0.45 * skin - 0.3 * warm)
    head = blob(zero, zero, wide, high)
    line = plane(high * (-0.5 - 0.25 * fringe + 0.3 * pitch))
    picture = coat(picture, head * ((y - line) * 14).sigmoid(), tone)

    def place(longitude: Tensor, latitude: float) -> tuple[Tensor, Tensor, Tensor]:
        turned, tilted = longitude + 0.6 * yaw, latitude + 0.4 * pitch
        return wide * turned.sin(), high * tilted.sin(), turned.cos().clamp(0.2)

    spread = 0.48 + 0.14 * apart
    for longitude in (-spread, spread):
        at_x, at_y, turn = place(longitude, -0.12)
        white = (zero + 0.9,) * 3
        picture = coat(picture, blob(at_x, at_y, 0.17 * turn, zero + 0.11), white)
        colour = (-0.5 - 0.4 * iris, -0.3 + 0.3 * iris, 0.1 + 0.7 * iris)
        picture = coat(picture, blob(at_x, at_y, 0.1 * turn, zero + 0.1), colour)
    at_x, at_y, turn = place(zero, 0.55)
    lips = (0.55 + zero, -0.35 + zero, -0.3 + zero)
    picture = coat(picture, blob(at_x, at_y, (0.24 + 0.12 * mouth) * turn, zero + 0.07), lips)
    at_x, at_y, turn = place(zero, 0.2)
    nose = tuple(channel - 0.3 for channel in tone)
    picture = coat(picture, blob(at_x + 0.05 * yaw, at_y, 0.07 * turn, zero + 0.1), nose)
    picture = picture - 0.35 * (plane(light) * x)[:, None] * head[:, None]
    return nn.functional.avg_pool2d(picture, _FINE).clamp(-1, 1)
