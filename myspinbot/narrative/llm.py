"""What the writer asks of a language model. Knows no engine, no tensor and no prompt text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..progress import Tick


@dataclass(frozen=True)
class Sampling:
    """How to pick the next token."""

    max_tokens: int
    temperature: float = 0.7
    """0 is greedy."""
    min_p: float = 0.1
    """Tokens less likely than this share of the likeliest one are dropped (arXiv 2407.01082)."""
    repetition_penalty: float = 1.1
    """Over 1 makes tokens of the last `penalty_tokens` less likely (arXiv 1909.05858)."""
    penalty_tokens: int = 64
    seed: int = 0
    stop: tuple[str, ...] = ()
    """The text ends before the first of these."""
    characters: str = ""
    """The inside of a regex class; only tokens made of such characters may come. "": any."""


@dataclass(frozen=True)
class Continuation:
    """One way a text may go on."""

    text: str
    likelihood: float
    """Mean log probability of its tokens, at temperature 1."""
    stopped_by: str
    """The stop string that ended it, or "" (end of text, or max_tokens)."""
    tokens: int = 0
    """That were written for it."""


class Passage(Protocol):
    """A text in the making, which the model has read so far."""

    @property
    def tokens(self) -> int:
        """How many it has read."""
        ...

    def extend(self, text: str) -> None:
        """Add `text` as it is."""
        ...

    def continuations(
        self, count: int, sampling: Sampling, tick: Tick, start: str = ""
    ) -> Sequence[Continuation]:
        """Propose `count` ways to go on after `start`; the passage itself stays as it is."""
        ...


@runtime_checkable
class ContinuingLLM(Protocol):
    """A model that continues text, piece by piece."""

    name: str
    languages: frozenset[str]
    """ISO 639-1 codes it writes well enough."""

    def passage(self, prompt: str, tick: Tick) -> Passage:
        """Read `prompt` and be ready to continue it."""
        ...
