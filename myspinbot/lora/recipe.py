"""Every number of a training, from what is to be learned and how much time there is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..errors import BadInputError
from .families import ALL, ATTENTION, COVERAGES, FEED_FORWARD

IDENTITY, STYLE = SUBJECTS = ("identity", "style")
FAST, BALANCED, BEST = EFFORTS = ("fast", "balanced", "best")
ADAMW, PRODIGY = OPTIMISERS = ("adamw", "prodigy")
COSINE, CONSTANT = SCHEDULES = ("cosine", "constant")
AUTO, BF16, FP32 = PRECISIONS = ("auto", "bf16", "fp32")

_NOT_WHAT_IS_LEARNED = (
    "steps",
    "warmup_steps",  # a preset's follows from the steps, as does the next
    "validate_every",
    "micro_batch",
    "preview_every",
    "save_every",
    "recompute",
)
"""Settings that a resumed training may change."""


@dataclass(frozen=True)
class Recipe:
    """All settings of a training; `preset` fills them."""

    steps: int = 800
    learning_rate: float = 1e-4
    rank: int = 16
    alpha: float = 16.0
    targets: str = ATTENTION
    batch: int = 2
    """Images a step."""
    micro_batch: int = 0
    """Images a forward; 0 takes the whole batch, less adds up gradients."""
    optimiser: str = ADAMW
    schedule: str = COSINE
    warmup_steps: int = 20
    precision: str = AUTO
    """What the net computes in; the LoRA itself is float32."""
    clip_norm: float = 1.0
    """Longest gradient; 0 does not clip."""
    weight_decay: float = 0.01
    snr_gamma: float = 5.0
    """Of min-SNR; 0 is off, flow models have none."""
    caption_dropout: float = 0.05
    """Share of images that are learned without their caption."""
    averaging: float = 0.99
    """Decay of the running mean of the weights, which is the result; 0 takes the last weights."""
    prior_weight: float = 0.0
    """How much the model's idea of the class is held on to; 0 is off."""
    prior_every: int = 2
    background: float = 0.1
    """What counts outside an image's mask, 0..1."""
    validate_every: int = 50
    patience: int = 4
    """Validations without a gain after which the training ends; 0 never ends it."""
    preview_every: int = 100
    save_every: int = 50
    recompute: bool = True
    """Compute the activations of a block again instead of keeping them."""
    seed: int = 0

    def __post_init__(self) -> None:
        limits = {
            "steps": (1, 10**6),
            "learning_rate": (1e-9, 10.0),
            "rank": (1, 1024),
            "alpha": (1e-6, 1e6),
            "batch": (1, 1024),
            "micro_batch": (0, self.batch),
            "warmup_steps": (0, 10**6),
            "caption_dropout": (0.0, 1.0),
            "averaging": (0.0, 0.99999),
            "background": (0.0, 1.0),
            "prior_weight": (0.0, 100.0),
            "prior_every": (1, 10**6),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadInputError(f"{name} is {value}; use {low} to {high}.")
        choices = {
            "targets": COVERAGES,
            "optimiser": OPTIMISERS,
            "schedule": SCHEDULES,
            "precision": PRECISIONS,
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise BadInputError(
                    f"{name} is {getattr(self, name)!r}; use one of {', '.join(known)}."
                )

    @property
    def per_forward(self) -> int:
        """Images that go through the net at once."""
        return self.micro_batch or self.batch

    def sha256(self) -> str:
        """Of what decides the result: equal recipes train equally."""
        kept = {k: v for k, v in asdict(self).items() if k not in _NOT_WHAT_IS_LEARNED}
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


_RATES = {"sd15": 1e-4, "sdxl": 1e-4, "flux": 2e-4, "wan": 1e-4, "other": 1e-4}
_STEPS = {FAST: 0.4, BALANCED: 1.0, BEST: 2.0}
_IDENTITY_STEPS = {"sd15": 1000, "sdxl": 1000, "flux": 800, "wan": 1000, "other": 1000}


def preset(family: str, subject: str, effort: str, **changes: Any) -> Recipe:
    """The recipe for a family's name, one of SUBJECTS and one of EFFORTS, with `changes`.

    An identity is narrow: attention layers, the class held in place, the face before all. A style
    is everywhere: more layers, a higher rank, no class and no mask.
    """
    if subject not in SUBJECTS or effort not in EFFORTS:
        raise BadInputError(
            f"There is no recipe {subject!r}, {effort!r}: use {', '.join(SUBJECTS)} and "
            f"{', '.join(EFFORTS)}."
        )
    steps: int = changes.get("steps", round(_IDENTITY_STEPS[family] * _STEPS[effort]))
    rank: int = changes.get("rank", {FAST: 8, BALANCED: 16, BEST: 32}[effort])
    if subject == STYLE and "rank" not in changes:
        rank *= 2
    recipe = Recipe(
        steps=steps,
        learning_rate=_RATES[family] * (2 if effort == FAST else 1),
        rank=rank,
        alpha=float(rank),
        batch={FAST: 1, BALANCED: 2, BEST: 4}[effort],
        micro_batch=1,
        warmup_steps=max(1, steps // 40),
        averaging={FAST: 0.0, BALANCED: 0.99, BEST: 0.995}[effort],
        prior_weight=0.0 if effort == FAST else 1.0,
        validate_every=max(1, steps // 20),
        preview_every=max(1, steps // 8),
        save_every=max(1, steps // 20),
    )
    if subject == STYLE:
        recipe = replace(
            recipe,
            targets=ALL if family in ("sd15", "sdxl") and effort == BEST else FEED_FORWARD,
            caption_dropout=0.1,
            prior_weight=0.0,
            background=1.0,
            snr_gamma=0.0,  # the noisy end, where a style is decided, counts in full
        )
    return replace(recipe, **changes)
