"""How fast the embedded model writes, and how well the narrations fit: prints tables and texts.

Run: OMP_NUM_THREADS=1 python -m benchmarks.narrative [--model FILE.gguf] [--texts]
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch

from benchmarks._memory import peak_mib
from myspinbot.narrative.engines import ENGINES
from myspinbot.narrative.sentences import count_words
from myspinbot.narrative.writing import Narration, write
from scripts.environment import BASE

FILE = "smollm2-135m-instruct.gguf"
CASES = (
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
)
DURATIONS_S = (10, 20, 45)


def measure_speed(llm) -> None:
    """Tokens per CPU-second of greedy decoding and of reading a prompt, one thread."""
    prompt = "<|im_start|>user\nTell me about tea.<|im_end|>\n<|im_start|>assistant\n"
    ticks: list[float] = []
    llm.generate(
        prompt,
        max_tokens=100,
        temperature=0,
        repetition_penalty=1,
        tick=lambda done, total: ticks.append(time.process_time()),
    )
    print(f"decoding: {(len(ticks) - 2) / (ticks[-1] - ticks[1]):.1f} tokens per CPU-second")
    text = "Tea is a drink that people make from leaves and hot water. " * 20
    start = time.process_time()
    llm.passage(text)
    rate = len(llm.tokens.encode(text)) / (time.process_time() - start)
    print(f"reading a prompt: {rate:.0f} tokens per CPU-second")


def measure_writing(llm, texts: bool) -> None:
    """Write every case at every length and print what came of it."""
    print("\n| seconds | words planned | mean / max word error | CPU s | template sentences |")
    print("|---|---|---|---|---|")
    samples: list[str] = []
    for duration_s in DURATIONS_S:
        results: list[Narration] = []
        costs: list[float] = []
        for seed, (topic, persona, tone) in enumerate(CASES):
            start = time.process_time()
            result = write(
                topic, persona=persona, tone=tone, duration_s=duration_s, llm=llm, seed=seed
            )
            costs.append(time.process_time() - start)
            results.append(result)
            samples.append(f"{duration_s} s, {topic!r}, {persona!r}, {tone}: {result.narration}")
        print_row(duration_s, results, costs)
    if texts:
        print("\n" + "\n\n".join(samples))


def print_row(duration_s: float, results: list[Narration], costs: list[float]) -> None:
    planned = results[0].report["planned_words"]
    errors = [abs(count_words(result.narration) - planned) / planned for result in results]
    fallbacks = sum(bool(result.report["fallback"]) for result in results)
    whole = sum(result.report["engine"] == "template" for result in results)
    print(
        f"| {duration_s} | {planned} | {statistics.mean(errors):.1%} / {max(errors):.1%} "
        f"| {statistics.mean(costs):.1f} | in {fallbacks} of {len(results)}, all in {whole} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=BASE / "models/myspinbot" / FILE)
    parser.add_argument("--texts", action="store_true", help="print every narration")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    engine = ENGINES["embedded"].load()
    before = peak_mib()
    start = time.process_time()
    llm = engine.load(arguments.model)
    print(f"loading: {time.process_time() - start:.1f} CPU-seconds")
    with torch.inference_mode():
        measure_speed(llm)
        measure_writing(llm, arguments.texts)
    print(f"\npeak RSS: {peak_mib():.0f} MiB, {before:.0f} MiB of it torch and imports")


if __name__ == "__main__":
    main()
