"""The encoder of Whisper, for what it hears in each of its layers; no words are recognised.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision" (weights
MIT). Layer names are those of the files in transformers' format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ...errors import BadInputError
from .checkpoint import fill

HEAD_WIDTH = 64
"""In Whisper of all sizes."""
MEL_COLUMNS = 3000
"""30 s: it hears no other length."""
_OPENAI_NAMES = (
    (r"^blocks\.", "layers."),
    (r"\.attn_ln\.", ".self_attn_layer_norm."),
    (r"\.mlp_ln\.", ".final_layer_norm."),
    (r"\.attn\.query\.", ".self_attn.q_proj."),
    (r"\.attn\.key\.", ".self_attn.k_proj."),
    (r"\.attn\.value\.", ".self_attn.v_proj."),
    (r"\.attn\.out\.", ".self_attn.out_proj."),
    (r"\.mlp\.0\.", ".fc1."),
    (r"\.mlp\.2\.", ".fc2."),
    (r"^ln_post\.", "layer_norm."),
    (r"^positional_embedding$", "embed_positions.weight"),
)


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.q_proj, self.v_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        heads = [
            layer(x).unflatten(-1, (-1, HEAD_WIDTH)).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        ]
        return self.out_proj(F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.self_attn = _Attention(width)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class WhisperEncoder(nn.Module):
    """30 s of mel spectrum -> states of 50 moments a second."""

    def __init__(self, mels: int, width: int, layers: int, positions: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(mels, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(positions, width)
        self.layers = nn.ModuleList(_Block(width) for _ in range(layers))
        self.layer_norm = nn.LayerNorm(width)

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> WhisperEncoder:
        """The encoder in `tensors` of a whole Whisper (transformers' or OpenAI's names), float32.

        Raises BadInputError for other files.
        """
        names = {re.sub(r"^(model\.)?encoder\.", "", n): n for n in tensors if "encoder." in n}
        for pattern, name in _OPENAI_NAMES:
            names = {re.sub(pattern, name, new): old for new, old in names.items()}
        known = {new: tensors[old].float() for new, old in names.items() if "decoder." not in old}
        if "conv1.weight" not in known or "embed_positions.weight" not in known:
            raise BadInputError(
                "This is no Whisper: use model.safetensors of openai/whisper-tiny (MIT)."
            )
        width, mels, _ = known["conv1.weight"].shape
        layers = len({name.split(".")[1] for name in known if name.startswith("layers.")})
        net = cls(mels, width, layers, len(known["embed_positions.weight"]))
        fill(net, known, "a Whisper encoder")
        return net

    def forward(self, mel: Tensor) -> Tensor:
        """[B, mels, 3000] -> states before, between and after the layers [B, 1500, layers + 1, W].

        The last ones are normalised, as transformers' `hidden_states` are.
        """
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.embed_positions.weight
        states = []
        for layer in self.layers:
            states.append(x)
            x = layer(x)
        return torch.stack([*states, self.layer_norm(x)], 2)
