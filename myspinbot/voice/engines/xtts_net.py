"""The nets of XTTS-v2: read from a user's folder, and run from tokens to sound."""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import MissingDependencyError, MissingModelError
from .guest import unnoticed

_CONFIG_CLASSES = {
    "TTS.tts.configs.xtts_config": ("XttsConfig",),
    "TTS.tts.models.xtts": ("XttsArgs", "XttsAudioConfig"),
    "TTS.config.shared_configs": ("BaseDatasetConfig",),
}
"""What the published model.pth names beside its tensors: objects with a copy of config.json."""
_OTHER_NETS = ("torch_mel_spectrogram_style_encoder", "torch_mel_spectrogram_dvae", "dvae")
"""Parts of a training checkpoint that do not speak."""
_SECOND_NAMES = ("gpt.gpt_inference.", "gpt.gpt.wte.")
"""Under which some checkpoints list weights of the gpt once more."""


def load_model(folder: Path) -> Any:
    """The library's `Xtts` in evaluation mode, from config.json, vocab.json and model.pth.

    Raises MissingModelError, and MissingDependencyError when coqui-tts cannot be imported.
    """
    with unnoticed():
        try:
            library = import_module("TTS.tts.models.xtts")
        except (ImportError, OSError) as error:  # OSError: a torchaudio for another torch
            raise MissingDependencyError(
                f"coqui-tts cannot be imported ({error}): install it anew, and the torchaudio and "
                "torchcodec that belong to ComfyUI's torch."
            ) from error
        try:
            return _built(library, folder)
        except (
            *(OSError, EOFError, pickle.UnpicklingError, RuntimeError),
            *(KeyError, TypeError, ValueError, AttributeError),
        ) as error:
            raise MissingModelError(
                f"The XTTS weights in {folder} are damaged or do not belong together "
                f"({str(error)[:200]}): fetch config.json, vocab.json and model.pth again."
            ) from error


def _built(library: Any, folder: Path) -> Any:
    json.loads((folder / "vocab.json").read_bytes())  # the tokenizer's own error has no class
    config = library.XttsConfig()
    config.load_json(str(folder / "config.json"))
    config.model_args.gpt_number_text_tokens = None  # else a first, useless gpt is made
    model = library.Xtts(config)
    model.tokenizer = library.VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
    model.init_models()
    model.load_state_dict(_tensors(folder / "model.pth"))
    model.gpt.eval()
    model.hifigan_decoder.eval()
    return model


def _tensors(path: Path) -> dict[str, Tensor]:
    """The weights in a model.pth, whether it was published or comes from a training.

    The library would run the classes that the published file names, and write the file anew;
    empty shells of the same names do.
    """
    shells = [
        type(name, (), {"__module__": module})
        for module, names in _CONFIG_CLASSES.items()
        for name in names
    ]
    with torch.serialization.safe_globals(shells):
        checkpoint = torch.load(str(path), map_location="cpu", weights_only=True, mmap=True)
    named = {name.removeprefix("xtts."): tensor for name, tensor in checkpoint["model"].items()}
    return {
        name: tensor
        for name, tensor in named.items()
        if name.split(".")[0] not in _OTHER_NETS and not name.startswith(_SECOND_NAMES)
    }


@torch.inference_mode()
def latents(
    model: Any,
    tokens: Sequence[int],
    condition: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Sample speech [1, T, C], 21.5 steps a second, that says the text of `tokens`.

    As the library's `inference_stream`, whose own loop needs inner parts of transformers that are
    other ones every few months. `condition` [1, N, C] is the voice.
    """
    gpt, config = model.gpt, model.config
    choose = _processors(config)
    device = condition.device
    text = torch.tensor([[gpt.start_text_token, *tokens, gpt.stop_text_token]], device=device)
    prompt = torch.cat([condition, gpt.text_embedding(text) + gpt.text_pos_embedding(text)], dim=1)
    # The library has ones where the prompt is: its penalty for repetition hits code 1, too.
    codes = torch.tensor([[1, gpt.start_audio_token]], device=device)
    cache = _cache_argument(gpt.gpt)
    steps: list[Tensor] = []
    while len(steps) < gpt.max_gen_mel_tokens:
        place = gpt.mel_pos_embedding.get_fixed_embedding(len(steps), device)
        inputs = gpt.mel_embedding(codes[:, -1:]) + place
        if not steps:
            inputs = torch.cat([prompt, inputs], dim=1)
        hidden = gpt.gpt(inputs_embeds=inputs, use_cache=True, **cache).last_hidden_state
        steps.append(gpt.final_norm(hidden[:, -1]))
        scores = choose(codes, gpt.mel_head(steps[-1]).float())
        code = torch.multinomial(scores.softmax(dim=-1), 1, generator=generator)
        if int(code) == gpt.stop_audio_token:
            break
        codes = torch.cat([codes, code], dim=1)
    return torch.stack(steps, dim=1)


@torch.inference_mode()
def waveform(model: Any, latents: Tensor, embedding: Tensor, speed: float) -> Tensor:
    """Sound [T] at 24 kHz of `latents`, with the timbre `embedding` [1, D, 1]."""
    if speed != 1:
        latents = functional.interpolate(
            latents.transpose(1, 2), scale_factor=1 / speed, mode="linear"
        ).transpose(1, 2)
    return model.hifigan_decoder(latents, g=embedding).flatten()


def _processors(config: Any) -> Any:
    """What turns the scores of the next code into those to draw from, in the library's order."""
    generation = import_module("transformers")
    return generation.LogitsProcessorList(
        [
            generation.RepetitionPenaltyLogitsProcessor(float(config.repetition_penalty)),
            generation.TemperatureLogitsWarper(float(config.temperature)),
            generation.TopKLogitsWarper(config.top_k),
            generation.TopPLogitsWarper(config.top_p),
        ]
    )


def _cache_argument(transformer: Any) -> dict[str, Any]:
    """An empty cache under the name that this version of transformers gives it."""
    parameters = inspect.signature(transformer.forward).parameters
    name = "cache" if "cache" in parameters else "past_key_values"
    return {name: import_module("transformers").DynamicCache()}
