"""Pocket TTS with few, random weights, in the files that a user of the published ones has.

A config.yaml comes with them, as for any model that the library does not know.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file

_LETTERS = [*string.ascii_letters, *string.digits, *"äöüßéèàç.,;:!?'\"-"]
_SMALL_SEANET = {"dimension": 32, "n_filters": 4}
_SMALL_TRANSFORMER = {
    **{"d_model": 32, "num_heads": 2, "num_layers": 1, "dim_feedforward": 64},
    **{"input_dimension": 32, "output_dimensions": [32]},
}


def write(folder: Path, name: str = "english", seed: int = 1) -> None:
    """Make pocket/languages/`name`/ in `folder`, ComfyUI's models/myspinbot."""
    import pocket_tts  # pyright: ignore[reportMissingImports]

    folder = folder / "pocket" / "languages" / name
    folder.mkdir(parents=True)
    _write_tokenizer(folder / "tokenizer.json")
    known = Path(str(pocket_tts.__file__)).parent / "config" / "english.yaml"
    settings = _small(yaml.safe_load(known.read_text(encoding="utf-8")))
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    blank = {**settings, "weights_path": None, "weights_path_without_voice_cloning": None}
    blank["flow_lm"]["lookup_table"]["tokenizer_path"] = str(folder / "tokenizer.json")
    (folder / "blank.yaml").write_text(yaml.safe_dump(blank))
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        model = pocket_tts.TTSModel.load_model(config=folder / "blank.yaml")
        torch.nn.init.normal_(model.flow_lm.speaker_proj_weight)
    (folder / "blank.yaml").unlink()
    weights = {name: tensor.bfloat16() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors")


def _small(settings: dict[str, Any]) -> dict[str, Any]:
    """The published configuration with smaller numbers."""
    flow_lm, mimi = settings["flow_lm"], settings["mimi"]
    flow_lm["flow"] |= {"depth": 1, "dim": 16}
    flow_lm["transformer"] |= {"d_model": 32, "num_heads": 2, "num_layers": 2}
    flow_lm["lookup_table"] |= {"dim": 32, "n_bins": len(_LETTERS) + 2}
    mimi |= {"inner_dim": 8, "outer_dim": 32}
    mimi["seanet"] |= _SMALL_SEANET
    mimi["transformer"] |= _SMALL_TRANSFORMER
    mimi["quantizer"] = {"dimension": 8, "output_dimension": 32}
    return settings


def _write_tokenizer(path: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokens = {token: number for number, token in enumerate(["<unk>", "▁", *_LETTERS])}
    tokenizer = Tokenizer(models.BPE(tokens, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.save(str(path))
