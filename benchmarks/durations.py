"""Does a narration last as long as was asked for? Writes it, speaks it, and compares.

Thirty topics at 10, 20 and 45 seconds, with the embedded model and the embedded voice made of eight
people's clips in turn. Costs some 40 CPU-minutes; what is in the results file is not done again.

Run: OMP_NUM_THREADS=1 python -m benchmarks.durations [--most N] [--results FILE] [--texts]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch

from benchmarks._memory import peak_mib
from benchmarks._references import references
from myspinbot.narrative import engines as writers
from myspinbot.narrative.llm import Continuation
from myspinbot.narrative.timing import Pace
from myspinbot.narrative.writing import write
from myspinbot.progress import Tick
from myspinbot.speech import LEAD_S, TAIL_S
from myspinbot.voice import clip
from myspinbot.voice import engines as voices
from myspinbot.voice.assemble import join
from myspinbot.voice.enroll import enroll
from myspinbot.voice.length import foretold
from myspinbot.voice.speak import speak
from myspinbot.voice.speaker import SpeakerEncoder
from scripts.environment import BASE, WORK

MODELS = BASE / "models" / "myspinbot"
GGUF = "smollm2-135m-instruct.gguf"
DURATIONS_S = (10, 20, 45)
SAMPLES = 10
TOPICS = (
    ("black holes", "", "calm"),
    ("saving money in your twenties", "a young bank clerk", "serious"),
    ("why we dream", "", "warm"),
    ("how volcanoes work", "a geology teacher", "excited"),
    ("the history of tea", "", "warm"),
    ("my first marathon", "", "cheerful"),
    ("Are cats smarter than dogs?", "", "cheerful"),
    ("life at sea", "a retired sailor", "calm"),
    ("artificial intelligence", "", "serious"),
    ("how to bake bread", "a village baker", "warm"),
    ("the moon landing of 1969", "", "excited"),
    ("bees", "a gardener", "warm"),
    ("Why is the sky blue?", "", "cheerful"),
    ("electric cars", "a car mechanic", "serious"),
    ("learning the piano at sixty", "", "warm"),
    ("the rain forest", "", "calm"),
    ("sleep", "a family doctor", "calm"),
    ("walking to work", "", "cheerful"),
    ("Good coffee takes time", "", "warm"),
    ("how the internet works", "", "serious"),
    ("the northern lights", "a photographer", "excited"),
    ("Should children learn to cook?", "", "serious"),
    ("my grandmother's garden", "", "warm"),
    ("what makes a good friend", "", "warm"),
    ("dinosaurs", "a museum guide", "excited"),
    ("We waste too much food", "", "serious"),
    ("the first day of spring", "", "cheerful"),
    ("chess", "a chess coach", "calm"),
    ("how glass is made", "a glassblower", "calm"),
    ("NASA and the search for life on Mars", "", "excited"),
)


class Counting:
    """The embedded model, and how many tokens its candidates had."""

    def __init__(self, llm: Any):
        self._llm, self.name, self.languages, self.tokens = llm, llm.name, llm.languages, 0

    def passage(self, prompt: str, tick: Tick) -> Counting:
        self._passage = self._llm.passage(prompt, tick)
        return self

    def extend(self, text: str) -> None:
        self._passage.extend(text)

    def continuations(self, *arguments: Any, **options: Any) -> Sequence[Continuation]:
        found = self._passage.continuations(*arguments, **options)
        self.tokens += sum(len(self._llm.tokens.encode(one.text)) for one in found)
        return found


class Studio:
    """A writer and a speaker, loaded when first used."""

    def __init__(self) -> None:
        self.llm = Counting(writers.ENGINES["embedded"].load().load(MODELS / GGUF))
        self.kokoro = voices.ENGINES["kokoro"].open(MODELS)
        self._listener = SpeakerEncoder.load(MODELS / "ge2e.safetensors")
        self._references = list(references())

    @cache  # noqa: B019 there is one studio
    def voice(self, place: int):
        """The name of a reference, the voice made of it, and how fast that speaks."""
        reference = self._references[place]
        ready = clip.prepare(reference.audio, reference.transcript)
        profile = enroll(self.kokoro, self._listener, ready)
        told_s = foretold(self.kokoro, profile)
        return reference.name, profile, Pace(profile.words_per_minute, told_s)

    def row(self, number: int, asked_s: int) -> dict[str, Any]:
        """Write about topic `number` for `asked_s` and say it."""
        topic, persona, tone = TOPICS[number]
        name, profile, pace = self.voice(number % len(self._references))
        self.llm.tokens, start = 0, time.process_time()
        style = {"persona": persona, "tone": tone, "seed": number, "pace": pace}
        with torch.inference_mode():
            written = write(topic, **style, duration_s=asked_s, llm=self.llm)
        wrote = time.process_time()
        sound, _ = join(
            speak(self.kokoro, written.narration, profile), lead_s=LEAD_S, tail_s=TAIL_S
        )
        return {
            "topic": topic,
            "persona": persona,
            "tone": tone,
            "asked_s": asked_s,
            "voice": name,
            "words_per_minute": round(pace.words_per_minute),
            "spoken_s": round(sound.duration_s, 2),
            "writing_cpu_s": round(wrote - start, 2),
            "speaking_cpu_s": round(time.process_time() - wrote, 2),
            "tokens": self.llm.tokens,
            "peak_mib": round(peak_mib()),
            "report": written.report,
            "narration": written.narration,
        }


def missing(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """Topic and length of what is not among `rows`, the short ones first."""
    done = {(row["topic"], row["asked_s"]) for row in rows}
    for asked_s in DURATIONS_S:
        for number, (topic, *_) in enumerate(TOPICS):
            if (topic, asked_s) not in done:
                yield number, asked_s


def error(row: dict[str, Any], promised_s: float) -> float:
    return abs(row["spoken_s"] - promised_s) / promised_s


def table(rows: Sequence[dict[str, Any]]) -> None:
    print(
        "| asked | talks | off the asked length, mean / max | within 10 % | off the expected "
        "length, mean / max | writing, CPU s | tokens per CPU s | with template sentences |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for asked_s in DURATIONS_S:
        some = [row for row in rows if row["asked_s"] == asked_s]
        if not some:
            continue
        off = [error(row, asked_s) for row in some]
        unexpected = [error(row, row["report"]["expected_s"]) for row in some]
        cpu_s = sum(row["writing_cpu_s"] for row in some)
        fallbacks = sum(bool(row["report"]["fallback"]) for row in some)
        print(
            f"| {asked_s} s | {len(some)} | {statistics.mean(off):.1%} / {max(off):.1%} "
            f"| {sum(e <= 0.1 for e in off)} "
            f"| {statistics.mean(unexpected):.1%} / {max(unexpected):.1%} "
            f"| {cpu_s / len(some):.1f} | {sum(row['tokens'] for row in some) / cpu_s:.0f} "
            f"| {fallbacks} |"
        )
    print(f"\npeak RSS of writing and speaking: {max(row['peak_mib'] for row in rows)} MiB")


def texts(rows: Sequence[dict[str, Any]]) -> None:
    """Ten of the talks, evenly picked."""
    rows = sorted(rows, key=lambda row: row["asked_s"])
    for row in rows[:: -(-len(rows) // SAMPLES)]:
        who = f", {row['persona']!r}" if row["persona"] else ""
        print(f"\n{row['asked_s']} s, {row['topic']!r}{who}, {row['tone']}: {row['spoken_s']} s")
        print(f"> {row['narration']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=len(TOPICS) * len(DURATIONS_S))
    parser.add_argument("--results", type=Path, default=WORK / "durations.jsonl")
    parser.add_argument("--texts", action="store_true", help="print ten narrations")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    file = arguments.results
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    rows = [json.loads(line) for line in lines]
    todo = list(missing(rows))[: arguments.most]
    studio = Studio() if todo else None
    for number, asked_s in todo:
        assert studio is not None
        row = studio.row(number, asked_s)
        rows.append(row)
        with file.open("a", encoding="utf-8") as results:
            results.write(json.dumps(row, ensure_ascii=False) + "\n")
        print(f"{row['topic']}: {row['spoken_s']} of {asked_s} s", flush=True)
    table(rows)
    if arguments.texts:
        texts(rows)


if __name__ == "__main__":
    main()
