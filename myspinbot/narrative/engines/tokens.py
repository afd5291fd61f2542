"""Text to token ids and back, with the vocabulary that a GGUF file carries."""

from __future__ import annotations

import re

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from ..gguf import GgufFile, damaged

CONTROL = 3
"""GGUF token type of markers such as <|im_start|>."""


class Tokens:
    """Byte-level BPE after GPT-2 with single digits: what GGUF calls `gpt2` with pre `smollm`."""

    def __init__(self, file: GgufFile):
        kind = (file.value("tokenizer.ggml.model"), file.value("tokenizer.ggml.pre"))
        if kind != ("gpt2", "smollm"):
            raise damaged(file.path, f"its tokenizer {kind} is not one this engine reads")
        pieces = file.value("tokenizer.ggml.tokens")
        merges = [pair.partition(" ")[::2] for pair in file.value("tokenizer.ggml.merges")]
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        if any(left + right not in vocabulary for left, right in merges):
            # Asked here because `tokenizers` raises a bare Exception for it.
            raise damaged(file.path, "its tokenizer merges pieces that it does not have")
        self._tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
        self._tokenizer.decoder = decoders.ByteLevel()
        types = file.value("tokenizer.ggml.token_type")
        self._control = [
            piece for piece, kind in zip(pieces, types, strict=True) if kind == CONTROL
        ]
        self._tokenizer.add_special_tokens(
            [AddedToken(piece, normalized=False) for piece in self._control]
        )
        self._end = file.value("tokenizer.ggml.eos_token_id")
        self.ends = frozenset({self._end, vocabulary.get("<|endoftext|>", self._end)})
        """Ids after which a text is over."""
        self._pieces = [self._tokenizer.decode([i]) for i in range(len(pieces))]

    def encode(self, text: str, *, markers: bool = True) -> list[int]:
        """Ids of `text`. Without `markers`, a written <|im_end|> is plain text and not a marker."""
        if not markers:
            for piece in self._control:
                # A word joiner splits the marker, so text from outside cannot forge one.
                text = text.replace(piece, piece[0] + "\u2060" + piece[1:])
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        """The text of `ids`, without markers; half a character at the end comes as U+FFFD."""
        return self._tokenizer.decode(ids, skip_special_tokens=True)

    def made_of(self, characters: str) -> torch.Tensor:
        """bool [vocabulary]: tokens of only these characters (a regex class), and the ends."""
        whole = re.compile(f"[{characters}]+")
        allowed = [bool(whole.fullmatch(piece)) for piece in self._pieces]
        return torch.tensor([ok or i in self.ends for i, ok in enumerate(allowed)])
