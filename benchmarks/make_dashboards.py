"""Writes docs/images/dashboard_*.png: real work on a real ComfyUI, scraped by a real Prometheus.

The panels are drawn by scripts.panels from the dashboards' own queries. Needs Prometheus, and some
minutes. Run: python -m benchmarks.make_dashboards
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from myspinbot.client.server import ComfyServer
from myspinbot.errors import PromptRejectedError
from scripts.dashboards import FOLDER
from scripts.environment import BASE, ROOT, SAMPLES, TRANSCRIPT
from scripts.panels import Source, draw
from scripts.serving import ComfyProcess, free_port

sys.path.append(str(ROOT / "tests"))
import tiny_models
from prompts import inputs_of, load, lora_training

IMAGES = ROOT / "docs" / "images"
SCRAPE_S = 2.0
TOPICS = ("why bread rises", "how bees find home", "the first computers")


def bot(topic: str, seed: int) -> dict[str, Any]:
    """A draft with another format and captions."""
    prompt = load("talking_bot")
    made = inputs_of(prompt, "MySpinBot_TalkingBot")
    made.update(topic=topic, transcript=TRANSCRIPT, duration_s=8, seed=seed)
    reframed = {"video": ["3", 0], "aspect": "1:1", "fill": "blurred border", "short_side_px": 0}
    captioned = {
        "video": ["6", 0],
        "captions": ["3", 3],
        "position": "bottom",
        "style": "outline",
        "size_percent": 6.0,
        "colour": "#ffffff",
        "safe_area_percent": 6.0,
        "font": "Noto Sans",
    }
    prompt["6"] = {"class_type": "MySpinBot_ReframeVideo", "inputs": reframed}
    prompt["7"] = {"class_type": "MySpinBot_BurnCaptions", "inputs": captioned}
    inputs_of(prompt, "MySpinBot_SaveTalkingBot")["video"] = ["7", 0]
    return prompt


def disc(path: Path) -> None:
    axis = np.linspace(-1, 1, 96)
    inside = (axis[None] ** 2 + axis[:, None] ** 2 < 0.4)[..., None]
    Image.fromarray((inside * np.array([230, 150, 80])).astype(np.uint8)).save(path)


async def work(server: ComfyProcess) -> None:
    """Jobs that succeed, one from the cache, one that fails; several wait in the queue."""
    async with ComfyServer(server.url) as client:
        portrait = await client.upload(SAMPLES / "hopper.jpg")
        voice = await client.upload(SAMPLES / "voice.wav")
        prompts = [bot(topic, seed) for seed, topic in enumerate(TOPICS)]
        for prompt in prompts:
            inputs_of(prompt, "LoadImage")["image"] = portrait
            inputs_of(prompt, "LoadAudio")["audio"] = voice
        broken = json.loads(json.dumps(prompts[0]))
        inputs_of(broken, "MySpinBot_TalkingBot")["topic"] = ""
        training = lora_training("disc.png", steps=150, resume="never")
        queued = [prompts[0], prompts[0], broken, *prompts[1:], training]

        async def run(prompt: dict[str, Any]) -> None:
            async with ComfyServer(server.url) as one:
                with contextlib.suppress(PromptRejectedError):  # the broken one
                    await one.run(prompt)

        await asyncio.gather(*(run(prompt) for prompt in queued))


@contextlib.contextmanager
def prometheus(target: str, folder: Path) -> Iterator[str]:
    """Scrapes `target` with the configuration that ships, more often; gives its own address."""
    config = (ROOT / "docs" / "deploy" / "prometheus.yml").read_text("utf-8")
    config = config.replace("127.0.0.1:8188", target).replace("15s", f"{SCRAPE_S:g}s")
    (folder / "prometheus.yml").write_text(config.replace("  - alerts.yml", "  []"), "utf-8")
    address = f"127.0.0.1:{free_port()}"
    child = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--log.level=error",
        ]
    )
    try:
        yield f"http://{address}"
    finally:
        child.terminate()
        child.wait(30)


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tiny_models.build(folder / "models", "sd15")
        (folder / "paths.yaml").write_text(
            f"tiny:\n  base_path: {folder / 'models'}\n  checkpoints: checkpoints\n", "utf-8"
        )
        options = ["--extra-model-paths-config", str(folder / "paths.yaml")]
        for name in ("input", "output", "temp", "user"):
            (folder / name).mkdir()
            options += [f"--{name}-directory", str(folder / name)]
        disc(folder / "input" / "disc.png")
        with (
            ComfyProcess(BASE, folder / "server.log", *options) as server,
            prometheus(server.url.removeprefix("http://"), folder) as address,
        ):
            started_s = time.time()
            asyncio.run(work(server))
            time.sleep(3 * SCRAPE_S)
            source = Source(address, started_s - 10, time.time(), SCRAPE_S)
            for path in sorted(FOLDER.glob("*.json")):
                picture = draw(json.loads(path.read_text("utf-8")), source)
                target = IMAGES / f"dashboard_{path.stem}.png"
                picture.quantize(64).save(target, optimize=True)
                print(target.relative_to(ROOT), target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
