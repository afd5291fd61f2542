"""How well the timings of Kokoro and the forced alignment of its sound agree, and who is right.

The two share nothing: the engine predicts frames, the aligner hears the finished sound. Sounds are
compared where both read a word with the same phones; the onset of sibilants, measured in the sound,
tells which of the two an offset belongs to.

Run: OMP_NUM_THREADS=1 python -m benchmarks.timings [--sentences N] [--worst N]
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from myspinbot.audio import Audio
from myspinbot.speech import Sentence, Word
from myspinbot.voice.alignment.align import Alignment, align
from myspinbot.voice.alignment.arpabet import from_sounds
from myspinbot.voice.engines.kokoro import Kokoro
from myspinbot.voice.text.reading import Sound
from scripts.environment import BASE

VOICES = ("am_michael", "af_heart", "bm_george", "bf_emma")
SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "She sells sea shells by the sea shore, and the shells are cheap.",
    "My father bought a small blue boat last summer.",
    "Do you really think that this will work?",
    "Please close the door behind you when you leave.",
    "The museum opens at nine and closes at half past five.",
    "Yesterday it rained; today the sun is shining.",
    "He measured the length of the table twice.",
    "A journey of a thousand miles begins with a single step.",
    "Never put off until tomorrow what you can do today.",
    "The children were laughing and running through the garden.",
    "Our neighbour has three dogs, two cats, and a parrot.",
    "What time does the next train to Boston leave?",
    "I would rather stay at home and read a good book.",
    "The judge asked the witness to repeat her answer.",
    "Fresh bread smells wonderful early in the morning.",
    "The engine coughed, shook, and finally died.",
    "Would you mind passing me the salt and the pepper?",
    "Scientists have discovered a new species of frog.",
    "The old bridge was destroyed during the storm.",
    "Sugar dissolves quickly in hot water.",
    "You should never judge a book by its cover.",
    "The price has gone up by twenty percent since March.",
    "We walked along the beach until it was dark.",
    "George usually wears a grey jacket to the office.",
    "If you listen carefully, you can hear the river.",
    "The teacher praised both pupils for their work.",
    "Jack and Jill went up the hill to fetch a pail of water.",
    "There is nothing better than a cup of strong coffee.",
    "The company will publish its results next Thursday.",
    "A gentle breeze moved the curtains in the kitchen.",
    "Vegetables are good for you, whether you like them or not.",
    "They chose a path that nobody had taken before.",
    "Turn left at the church, then drive for two miles.",
    "The audience clapped for more than five minutes.",
    "Zebras and giraffes share the same wide plains.",
    "My sister plays the violin, and my brother sings.",
    "It takes patience to teach a parrot to speak.",
    "Nobody knew why the clock had stopped at midnight.",
    "The ship vanished without a trace in the fog.",
    "Bring an umbrella, because the weather may change.",
    "Half of the apples in this basket are rotten.",
    "He whispered something that I could not understand.",
    "The valley looks beautiful when the snow has melted.",
    "Some people believe that luck can be learned.",
    "Through the thick forest they followed the narrow trail.",
    "Could we perhaps meet on Wednesday afternoon instead?",
    "The mechanic checked the brakes, the tyres, and the lights.",
    "Every culture has its own way of telling stories.",
    "She put the yellow flowers into a tall glass vase.",
    "Young owls leave the nest before they can fly.",
    "With enough time, water wears away even the hardest stone.",
)
_PHONEME = "start of a phoneme"
_SIBILANTS = ("s", "ʃ")
_ONSET_S, _STEP_S = 0.12, 0.005
"""How far around a border its onset is looked for, and how finely."""
_HISS_HZ = 3500


class Border(NamedTuple):
    """One border between sounds, as both have it."""

    kind: str
    """_PHONEME, "start of a word" or "end of a word"."""
    symbol: str
    word: str
    kokoro_s: float
    forced_s: float


def phones(word: Word) -> list[tuple[str, float, float, str]]:
    """ARPAbet, start, end and IPA of each phone of a word."""
    found = []
    index = 0
    for piece in from_sounds([Sound(p.symbol) for p in word.phonemes]):
        first, last = word.phonemes[index], word.phonemes[index + len(piece.sounds) - 1]
        found.append((" ".join(piece.phones), first.start_s, last.end_s, first.symbol))
        index += len(piece.sounds)
    return found


def borders(spoken: Sentence, heard: Sequence[Word]) -> Iterator[Border]:
    """Those that both have: words one by one, sounds where the phones agree."""
    for left, right in zip(spoken.words, heard, strict=True):
        yield Border("start of a word", "", left.text, left.start_s, right.start_s)
        yield Border("end of a word", "", left.text, left.end_s, right.end_s)
        ours, theirs = phones(left), phones(right)
        same = SequenceMatcher(None, [p[0] for p in ours], [p[0] for p in theirs], autojunk=False)
        for block in same.get_matching_blocks():
            for step in range(block.size):
                mine, other = ours[block.a + step], theirs[block.b + step]
                yield Border(_PHONEME, mine[3], left.text, mine[1], other[1])


def hiss_onset(audio: Audio, near_s: float) -> float | None:
    """When the share of the sound above 3.5 kHz rises through one half, nearest to `near_s`."""
    size, rate = 256, audio.rate
    times = np.arange(near_s - _ONSET_S, near_s + _ONSET_S, _STEP_S)
    starts = np.round(times * rate).astype(int) - size // 2
    if starts[0] < 0 or starts[-1] + size > audio.samples.shape[1]:
        return None
    frames = np.stack([audio.samples[0, s : s + size] for s in starts]) * np.hanning(size)
    power = np.square(np.abs(np.fft.rfft(frames))) + 1e-9
    high = power[:, np.fft.rfftfreq(size, 1 / rate) > _HISS_HZ].sum(1) / power.sum(1)
    rises = times[1:][(high[:-1] < 0.5) & (high[1:] >= 0.5)] - _STEP_S / 2
    return float(rises[np.argmin(np.abs(rises - near_s))]) if len(rises) else None


def print_row(name: str, errors_s: Sequence[float]) -> None:
    errors = 1000 * np.array(errors_s)
    median, tenth = np.percentile(np.abs(errors), (50, 90))
    print(f"| {name} | {len(errors)} | {median:.0f} | {tenth:.0f} | {np.median(errors):+.0f} |")


def report(found: dict[str, list[Border]], onsets: Sequence[tuple[float, float]]) -> None:
    print("\nms, engine against alignment (a positive offset: the engine is later)")
    print("| border | n | median | 90 % | median offset |\n|---|---|---|---|---|")
    kinds = sorted({b.kind for rows in found.values() for b in rows})
    everything = [b for rows in found.values() for b in rows]
    for kind in kinds:
        print_row(kind, [b.kokoro_s - b.forced_s for b in everything if b.kind == kind])
    for voice, rows in found.items():
        errors = [b.kokoro_s - b.forced_s for b in rows if b.kind == _PHONEME]
        print_row(f"{_PHONEME}, {voice}", errors)
    print_row("engine against the onset of a hiss", [pair[0] for pair in onsets])
    print_row("alignment against the onset of a hiss", [pair[1] for pair in onsets])


def print_worst(found: dict[str, list[Border]], count: int) -> None:
    rows = [(abs(b.kokoro_s - b.forced_s), voice, b) for voice, r in found.items() for b in r]
    for error_s, voice, border in sorted(rows, reverse=True)[:count]:
        print(f"{1000 * error_s:.0f} ms {voice} {border.kind} {border.symbol} in {border.word!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=BASE / "models/myspinbot")
    parser.add_argument("--sentences", type=int, default=len(SENTENCES))
    parser.add_argument("--worst", type=int, default=0, help="print the worst borders")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    engine = Kokoro.load(arguments.models)
    found: dict[str, list[Border]] = defaultdict(list)
    onsets: list[tuple[float, float]] = []
    results: list[Alignment] = []
    cpu_s = sound_s = sounds = 0.0
    for number, text in enumerate(SENTENCES[: arguments.sentences]):
        voice = VOICES[number % len(VOICES)]
        language = "en-gb" if voice.startswith("b") else "en-us"
        chunk = engine.synthesize(text, engine.stock_style(voice), language=language)
        audio = Audio(chunk.samples, chunk.rate)
        started = time.process_time()
        result = align(audio, text, language)
        cpu_s += time.process_time() - started
        results.append(result)
        sound_s += audio.duration_s
        sounds += sum(len(phones(word)) for word in chunk.sentence.words)
        rows = list(borders(chunk.sentence, result.speech.words))
        found[voice] += rows
        for row in rows:
            middle_s = (row.kokoro_s + row.forced_s) / 2
            onset_s = hiss_onset(audio, middle_s) if row.symbol in _SIBILANTS else None
            if onset_s is not None:
                onsets.append((row.kokoro_s - onset_s, row.forced_s - onset_s))
    report(found, onsets)
    matched = sum(b.kind == _PHONEME for rows in found.values() for b in rows)
    print(f"\nphones matched: {matched / sounds:.1%} of {sounds:.0f}")
    print(f"agreement of text and sound: lowest {min(r.score or 0 for r in results):.2f}")
    print(f"alignment: {cpu_s / sound_s:.2f} CPU-s per second of {sound_s:.0f} s sound")
    print_worst(found, arguments.worst)


if __name__ == "__main__":
    main()
