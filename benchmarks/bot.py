"""What a whole draft bot costs on a warm server: stages, and wall time against the audio's length.

Run: python -m benchmarks.bot (wall time means something only on an otherwise idle machine)
"""

from __future__ import annotations

import asyncio

from myspinbot.video import probe
from scripts.demo import VIDEO, Request, render, table
from scripts.environment import BASE
from scripts.serving import ComfyProcess

LIMIT = 2.0
"""Wall seconds per second of audio, warm server, 2 cores."""
WARM_UP = "The first run loads what the others find in the cache of the operating system."
NARRATION = (
    "I have often wondered why bread rises. Yeast is a tiny living thing, and it loves sugar. "
    "When it eats, it breathes out gas, and the dough holds on to every bubble. That is why we "
    "wait, and why the waiting is worth it."
)


def main() -> None:
    with ComfyProcess(BASE) as server:
        for label, topic, narration in (
            ("warm-up", "bread", WARM_UP),
            ("own words", "bread", NARRATION),
            ("embedded LLM", "why bread rises", ""),
        ):
            given = {"TOPIC": topic, "NARRATION": narration}
            stages, spoken = asyncio.run(render(server, Request.from_environment(given)))
            audio_s = probe(VIDEO)["audio_s"]
            ratio = sum(stage.wall_s for stage in stages) / audio_s
            print(
                f"\n{label}: {len(spoken.split())} words, {audio_s:.1f} s of audio, ratio ", end=""
            )
            print(f"{ratio:.2f} (limit {LIMIT})\n{table(stages, audio_s)}", flush=True)


if __name__ == "__main__":
    main()
