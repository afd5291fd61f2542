"""XTTS-v2 with few, random weights, in the files that a user of the published ones has.

The vocoder and the speaker encoder have one size only, so that this takes 90 MB.
"""

from __future__ import annotations

import json
import string
from pathlib import Path

import torch

LANGUAGES = ("en", "de", "hi", "zh-cn", "ja")
_CONFIG = {
    "model": "xtts",
    "run_name": "run",
    "max_audio_len": float("inf"),
    "audio": {"sample_rate": 22050, "output_sample_rate": 24000},
    "datasets": [{"formatter": "", "path": "", "language": ""}],
    "model_args": {
        "gpt_max_audio_tokens": 30,
        "gpt_max_text_tokens": 64,
        "gpt_layers": 2,
        "gpt_n_model_channels": 64,
        "gpt_n_heads": 2,
        "gpt_number_text_tokens": 6681,  # as published; the vocabulary decides
        "gpt_num_audio_tokens": 66,
        "gpt_start_audio_token": 64,
        "gpt_stop_audio_token": 65,
        "gpt_use_perceiver_resampler": True,
        "decoder_input_dim": 64,
    },
    "languages": list(LANGUAGES),
    "temperature": 0.75,
    "repetition_penalty": 5.0,
    "top_k": 50,
    "top_p": 0.85,
    "gpt_cond_len": 30,
    "gpt_cond_chunk_len": 4,
}


def write(folder: Path) -> None:
    """Make xtts_v2/ in `folder`, ComfyUI's models/myspinbot."""
    from TTS.tts.models import xtts  # pyright: ignore[reportMissingImports]

    folder = folder / "xtts_v2"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(_CONFIG))
    _write_vocabulary(folder / "vocab.json")
    config = xtts.XttsConfig()
    config.load_json(str(folder / "config.json"))
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        model = xtts.Xtts(config)
        model.tokenizer = xtts.VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
        model.init_models()
    model.gpt.init_gpt_for_inference()  # the published file has these second names, too
    tensors = {"xtts." + name: tensor for name, tensor in model.state_dict().items()}
    tensors["dvae.codebook"] = torch.zeros(2)
    with _published_names(xtts.XttsArgs, xtts.XttsAudioConfig):
        torch.save({"config": config, "model": tensors}, folder / "model.pth")


def _write_vocabulary(path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    special = ["[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{name}]" for name in LANGUAGES)]
    letters = [*string.ascii_lowercase, *"äöüßéèàç", *".,!?;:'-"]
    tokens = {token: number for number, token in enumerate([*special, *letters])}
    tokenizer = Tokenizer(models.BPE(tokens, [], unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(special)
    tokenizer.save(str(path))


class _published_names:  # noqa: N801  used as a function
    """Let classes be pickled from the module that they were in when the weights were published."""

    def __init__(self, *classes: type) -> None:
        self.homes = {cls: cls.__module__ for cls in classes}

    def __enter__(self) -> None:
        for cls in self.homes:
            cls.__module__ = "TTS.tts.models.xtts"

    def __exit__(self, *error: object) -> None:
        for cls, home in self.homes.items():
            cls.__module__ = home
