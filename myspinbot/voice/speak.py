"""A whole text in one voice: piece by piece, from the cache where it was said before."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ..audio import Audio
from ..memory import give_back
from ..progress import Tick, no_tick
from .alignment.align import align
from .assemble import Spoken, join
from .engines import Chunk, VoiceEngine
from .engines.checks import check_language
from .profile import VoiceProfile
from .segments import SegmentCache
from .text.plan import plan
from .text.pronunciation import Pronunciations

Judge = Callable[[Audio, str], float]
"""``judge(audio, text)``: how good a take of `text` is; higher is better."""
_PIECE_CHARACTERS = 200
"""At full speed; slower speech pauses more often, and takes no more memory at once."""
_SAMPLE_CHARACTERS = 80
_TIDY_PIECES = 8
"""Freed memory is given back so often: each time costs a tenth of a second."""
_TAKE_STRIDE = 7919


@dataclass(frozen=True)
class Delivery:
    """How a text is to be said."""

    language: str = ""
    """"" is the voice's own."""
    speed: float = 1.0
    """.5..2; the pitch does not change."""
    seed: int = 0
    takes: int = 1
    """How often each piece is said, to keep the best by `judge`."""
    judge: Judge | None = None
    pronunciations: Pronunciations | None = None
    cache: SegmentCache | None = field(default=None, compare=False)


def speak(
    engine: VoiceEngine,
    text: str,
    voice: VoiceProfile,
    how: Delivery = Delivery(),
    tick: Tick = no_tick,
) -> Iterator[Spoken]:
    """Yield the pieces of `text` as they are ready.

    `tick` counts characters. A piece's seed depends on its words, not on its place: what did not
    change is said as before. Raises BadInputError if there is nothing to say; what the engine, the
    judge and `tick` raise passes through.
    """
    language = how.language or voice.language
    check_language(engine, language)
    how = replace(how, language=language, takes=how.takes if how.judge else 1)
    limit = round(_PIECE_CHARACTERS * min(1.0, how.speed))
    pieces = plan(text, limit=limit, speed=how.speed)
    total = sum(len(piece.text) for piece in pieces)
    said: Counter[str] = Counter()
    done = 0
    for piece in pieces:
        if not piece.text:
            yield Spoken(None, piece.pause_s)
            continue
        size, before = len(piece.text), done

        def part(step: int, steps: int, size: int = size, before: int = before) -> None:
            tick(before + size * step // max(steps, 1), total)

        seed = _seed(how.seed, piece.text, said[piece.text])
        chunk, note = _say(engine, piece.text, voice, replace(how, seed=seed), part)
        yield Spoken(chunk, piece.pause_s, note)
        said[piece.text] += 1
        done += size
        if said.total() % _TIDY_PIECES == 0:
            give_back()


def sample(engine: VoiceEngine, voice: VoiceProfile, tick: Tick = no_tick) -> Audio:
    """The beginning of what the reference says, in the voice that was made of it."""
    text = plan(voice.transcript, limit=_SAMPLE_CHARACTERS)[0].text
    chunk, _ = _say(engine, text, voice, Delivery(language=voice.language), tick)
    return join([Spoken(chunk, 0.0)])[0]


def _say(
    engine: VoiceEngine, text: str, voice: VoiceProfile, how: Delivery, tick: Tick
) -> tuple[Chunk, str]:
    """The chunk with its words timed, and a note on how sure these times are."""
    key = _key(engine, text, voice, how)
    if how.cache and (found := how.cache.get(key)):
        tick(1, 1)
        return found, ""
    best, highest = None, float("-inf")
    for take in range(how.takes):

        def part(step: int, steps: int, take: int = take) -> None:
            tick(take * steps + step, how.takes * steps)

        chunk = engine.synthesize(
            text,
            voice,
            language=how.language,
            speed=how.speed,
            seed=(how.seed + take * _TAKE_STRIDE) % 2**63,
            pronunciations=how.pronunciations,
            tick=part,
        )
        score = how.judge(_audio(chunk), text) if how.judge and how.takes > 1 else 0.0
        if best is None or score > highest:
            best, highest = chunk, score
    assert best is not None  # takes >= 1
    chunk, note = _timed(best, text, how.language, tick)
    if how.cache:
        how.cache.put(key, chunk)
    return chunk, note


def _timed(chunk: Chunk, text: str, language: str, tick: Tick) -> tuple[Chunk, str]:
    """Give the words of an engine that tells no timings their place by forced alignment."""
    if chunk.sentence.words:
        return chunk, ""
    found = align(_audio(chunk), text, language, lambda done, total: tick(1, 1))
    sentence = replace(chunk.sentence, words=found.speech.words)
    return replace(chunk, sentence=sentence), found.note


def _audio(chunk: Chunk) -> Audio:
    return Audio(chunk.samples, chunk.rate)


def _seed(seed: int, text: str, repeat: int) -> int:
    """The seed of a piece: another one when the same words come again."""
    digest = hashlib.sha256(f"{seed}/{repeat}/{text}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def _key(engine: VoiceEngine, text: str, voice: VoiceProfile, how: Delivery) -> str:
    """Hex digest of all that decides how a piece sounds."""
    facts = [
        engine.version,
        voice.fingerprint(),
        text,
        how.language,
        how.speed,
        how.seed,
        how.takes,
        how.pronunciations.relevant(text) if how.pronunciations else [],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
