"""F5-TTS and Vocos in miniature: random weights in the files that a user's real ones have."""

from __future__ import annotations

from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file

from myspinbot.voice.engines.f5_sampling import MELS, library

LETTERS = " !\"'(),-.0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SYLLABLES = ("ni3", "ni2", "hao3", "。")
_VOCOS = {
    "feature_extractor": {
        "class_path": "vocos.feature_extractors.MelSpectrogramFeatures",
        "init_args": {"sample_rate": 24000, "n_fft": 1024, "hop_length": 256, "n_mels": MELS},
    },
    "backbone": {
        "class_path": "vocos.models.VocosBackbone",
        "init_args": {
            "input_channels": MELS,
            "dim": 16,
            "intermediate_dim": 32,
            "num_layers": 1,
        },
    },
    "head": {
        "class_path": "vocos.heads.ISTFTHead",
        "init_args": {"dim": 16, "n_fft": 1024, "hop_length": 256, "padding": "center"},
    },
}


def write(folder: Path) -> None:
    """Put all that `F5.load` reads into `folder` (models/myspinbot)."""
    tokens = [*LETTERS, *SYLLABLES]
    vocos = folder / "f5" / "vocos"
    vocos.mkdir(parents=True)
    (folder / "f5" / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), "utf-8")
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        net = library().dit(
            dim=64, depth=2, heads=1, ff_mult=2, text_dim=32, text_num_embeds=len(tokens),
            conv_layers=1, mel_dim=MELS, text_mask_padding=True,
        )  # fmt: skip
        for parameter in net.parameters():  # those that training starts at 0 are not alike then
            parameter.data += torch.randn_like(parameter) * 0.1
        state = {f"ema_model.transformer.{name}": t for name, t in net.state_dict().items()}
        state |= {"initted": torch.tensor(True), "step": torch.tensor(1_250_000)}
        save_file(state, folder / "f5" / "model_1250000.safetensors")
        parts = {
            part: make(**_VOCOS[part]["init_args"])
            for part, make in library().vocoder_parts.items()
        }
    state = {f"{part}.{n}": t for part, net in parts.items() for n, t in net.state_dict().items()}
    state["feature_extractor.mel_spec.spectrogram.window"] = torch.hann_window(1024)
    state["feature_extractor.mel_spec.mel_scale.fb"] = torch.zeros(513, MELS)
    torch.save(state, vocos / "pytorch_model.bin")
    (vocos / "config.yaml").write_text(yaml.safe_dump(_VOCOS), "utf-8")
