"""Text from ComfyUI's CLIP, where its text encoder is a language model."""

from __future__ import annotations

from typing import Any

from comfy.text_encoders.llama import BaseGenerate

from ...myspinbot.errors import BadInputError
from ...myspinbot.narrative.engines.clip_chat import Completion

TOP_K, TOP_P, MIN_P, REPETITION_PENALTY = 64, 0.95, 0.05, 1.05
"""The defaults of core's node Generate Text."""


class ClipText:
    """A CLIP as myspinbot.narrative.engines.clip_chat.TextModel."""

    def __init__(self, clip: Any):
        """Raises BadInputError for a CLIP that cannot write."""
        encoder: Any = getattr(clip, "cond_stage_model", None)  # a checkpoint may hold no CLIP
        networks = encoder.modules() if hasattr(encoder, "generate") else ()
        writer = next((net for net in networks if isinstance(net, BaseGenerate)), None)
        if writer is None:
            raise BadInputError(
                f"This CLIP ({type(encoder).__name__}) cannot write text. Load one that is a whole "
                "language model with Load CLIP: Qwen3, Qwen3.5, Qwen3-VL, Qwen2.5-VL 7B, Gemma 2, "
                "3 or 4, or Ministral 3."
            )
        self._clip = clip
        self.name = type(writer).__name__.rstrip("_")
        self.vocabulary = _vocabulary(clip.tokenizer)

    def complete(
        self, prompt: str, *, end: str, max_tokens: int, temperature: float, seed: int
    ) -> Completion:
        """Go on after `prompt`, as it is, until the token `end`; ComfyUI's cancel ends it."""
        tokens = self._clip.tokenize(
            _literal(prompt), skip_template=True, llama_template="{}", min_length=1
        )
        ids = self._clip.generate(
            tokens,
            do_sample=temperature > 0,
            max_length=max_tokens,
            temperature=temperature,
            top_k=TOP_K,
            top_p=TOP_P,
            min_p=MIN_P,
            repetition_penalty=REPETITION_PENALTY,
            seed=seed,
        )
        stop = self.vocabulary[end]
        kept = ids[: ids.index(stop)] if stop in ids else ids
        whole = len(kept) < max_tokens
        read = len(next(iter(tokens.values()))[0])
        return Completion(self._clip.decode(kept, skip_special_tokens=True), whole, len(ids), read)


def _vocabulary(tokenizer: Any) -> dict[str, int]:
    """The tokens of the first tokenizer inside: some encoders have a second one for images."""
    for part in (tokenizer, *vars(tokenizer).values()):
        if pieces := getattr(part, "inv_vocab", None):
            return {piece: number for number, piece in pieces.items()}
    return {}


def _literal(prompt: str) -> str:
    """`prompt` without what means something to core: (weights:1.2) and embedding:names."""
    escaped = prompt.replace("(", "\\(").replace(")", "\\)")
    return escaped.replace("embedding:", "embedding :")
