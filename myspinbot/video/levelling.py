"""Loudness of a video's sound."""

from __future__ import annotations

from functools import cached_property

from ..audio import Audio
from .source import FrameSource, Stage

ONLINE_LUFS = -16.0
"""What video platforms and podcasts ask for."""


class Levelled(Stage):
    """A source whose sound has a loudness."""

    def __init__(self, source: FrameSource, loudness_lufs: float = ONLINE_LUFS):
        super().__init__(source)
        self._loudness_lufs = loudness_lufs

    @property
    def audio(self) -> Audio | None:
        return self._levelled

    @cached_property
    def _levelled(self) -> Audio | None:
        sound = self.source.audio
        return sound and sound.levelled(self._loudness_lufs)
