"""Let every stock voice say two sentences and store how it sounds to the GE2E encoder (270 CPU-s).

Usage: python -m benchmarks.make_voice_table MODELS, with MODELS the folder install.py filled.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional

from myspinbot.voice.engines import kokoro_fit as fit
from myspinbot.voice.engines.kokoro import Kokoro
from myspinbot.voice.speaker import SpeakerEncoder

PHRASES = ("ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˈOvəɹ ðə lˈAzi dˈɔɡ.", fit.GUARD_PHRASE)


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    folder = parser.parse_args().models
    engine = Kokoro.load(folder)
    encoder = SpeakerEncoder.load(folder / "ge2e.safetensors")
    table: dict[str, torch.Tensor] = {}
    started = time.process_time()
    for name, rows in sorted(engine.voices.items()):
        style = rows[fit.STYLE_ROW].float()
        heard = []
        for symbols in PHRASES:
            prosody = engine.net.prosody(engine.tokens(symbols), style)
            heard.append(encoder.embed(fit.to_16_khz(engine.net.decode(prosody, style))))
        table[name] = functional.normalize(sum(heard, torch.zeros(256)), dim=0).half()
        print(f"{name}: {float(heard[0] @ heard[1]):.3f} between its two sentences")
    save_file(table, fit.TABLE)
    print(f"{len(table)} voices, {time.process_time() - started:.0f} CPU-s -> {fit.TABLE}")


if __name__ == "__main__":
    main()
