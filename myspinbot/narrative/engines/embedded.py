"""SmolLM2 (or any Llama in a GGUF file) as a writer. Knows text and tokens, no prompts, no ComfyUI.

Weights: HuggingFaceTB/SmolLM2-135M-Instruct, Apache-2.0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import BadInputError
from ...progress import Tick, no_tick
from ..gguf import GgufFile, damaged, open_gguf
from ..llm import Continuation, Sampling
from .llama import KeyValues, Llama, LlamaShape, rotation_tables
from .sampling import pick
from .tokens import Tokens

CHUNK_TOKENS = 64
"""Read at once between two ticks: about 0.3 CPU-seconds of the 135M model."""


class EmbeddedLLM:
    """A small model that runs anywhere torch does."""

    name = "embedded"
    languages = frozenset({"en"})

    def __init__(self, llama: Llama, tokens: Tokens):
        self._llama = llama
        self.tokens = tokens

    @classmethod
    def load(cls, path: Path) -> EmbeddedLLM:
        """Read a GGUF file onto the CPU as float32; raises MissingModelError."""
        file = open_gguf(path)
        return cls(load_llama(file), Tokens(file))

    def modules(self) -> tuple[nn.Module, ...]:
        """What the owner of the memory may move between devices and cast, between calls."""
        return (self._llama,)

    def passage(self, prompt: str, tick: Tick = no_tick) -> EmbeddedPassage:
        """Read `prompt`; raises BadInputError when it is empty or longer than the context."""
        passage = EmbeddedPassage(self._llama, self.tokens)
        passage.read(self.tokens.encode(prompt), tick)
        return passage

    def generate(
        self,
        prompt: str,
        *,
        max_tokens: int,
        temperature: float = 0.7,
        min_p: float = 0.1,
        repetition_penalty: float = 1.1,
        seed: int = 0,
        stop: tuple[str, ...] = (),
        tick: Tick = no_tick,
    ) -> str:
        """Continue `prompt` by up to `max_tokens`, one tick each; `temperature` 0 is greedy."""
        sampling = Sampling(
            max_tokens,
            temperature=temperature,
            min_p=min_p,
            repetition_penalty=repetition_penalty,
            seed=seed,
            stop=stop,
        )
        passage = self.passage(prompt, lambda done, total: tick(0, max_tokens))
        return passage.continuations(1, sampling, tick)[0].text


class EmbeddedPassage:
    """A text the model has read, with its attention memory. Short-lived: one call of a node."""

    def __init__(self, llama: Llama, tokens: Tokens):
        self._llama, self._tokens = llama, tokens
        self._memory = llama.memory(CHUNK_TOKENS)
        self._ids: list[int] = []
        self._logits = torch.empty(0)

    @property
    def tokens(self) -> int:
        """How many it has read."""
        return len(self._ids)

    def extend(self, text: str) -> None:
        """Add `text`; markers in it are plain text. Raises BadInputError beyond the context."""
        self.read(self._tokens.encode(text, markers=False), no_tick)

    def read(self, ids: list[int], tick: Tick) -> None:
        """Take in `ids`, ticking once per 64 of them."""
        total = len(self._ids) + len(ids)
        if not total or total > self._llama.shape.context:
            raise BadInputError(
                f"The prompt has {total} tokens; the model reads 1 to {self._llama.shape.context}. "
                "Shorten the topic or the narration."
            )
        if total > self._memory.room:
            self._memory = self._memory.copied(1, max(total, 2 * self._memory.room))
        device = self._llama.embedding.weight.device
        for start in range(0, len(ids), CHUNK_TOKENS):
            tick(start, len(ids))
            chunk = torch.tensor([ids[start : start + CHUNK_TOKENS]], device=device)
            with torch.no_grad():
                self._logits = self._llama(chunk, self._memory)
        self._ids += ids

    def continuations(
        self, count: int, sampling: Sampling, tick: Tick = no_tick, start: str = ""
    ) -> list[Continuation]:
        """Write `count` continuations side by side, which costs little more than one.

        `start` stands before each of them and is not part of their text.
        """
        if start:
            branch = self._branch()
            branch.extend(start)
            return branch.continuations(count, sampling, tick)
        room = min(self._memory.length + sampling.max_tokens, self._llama.shape.context)
        memory = self._memory.copied(count, room)
        logits = self._logits.expand(count, -1)
        characters = sampling.characters
        allowed = self._tokens.made_of(characters) if characters else None
        generator = torch.Generator().manual_seed(sampling.seed)
        drafts = [Draft(self._tokens, sampling.stop) for _ in range(count)]
        steps = room - self._memory.length
        for step in range(steps):
            recent = [(self._ids + draft.ids)[-sampling.penalty_tokens :] for draft in drafts]
            chosen, likelihoods = pick(logits.float().cpu(), recent, sampling, allowed, generator)
            for draft, token, likelihood in zip(drafts, chosen, likelihoods, strict=True):
                draft.add(token, likelihood)
            tick(step + 1, sampling.max_tokens)
            if all(draft.over for draft in drafts) or step == steps - 1:
                break
            logits = self._next_logits(chosen, memory)
        return [draft.continuation() for draft in drafts]

    def _branch(self) -> EmbeddedPassage:
        branch = EmbeddedPassage(self._llama, self._tokens)
        branch._memory = self._memory.copied(1, self._memory.length + CHUNK_TOKENS)
        branch._ids, branch._logits = list(self._ids), self._logits
        return branch

    def _next_logits(self, chosen: list[int], memory: KeyValues) -> Tensor:
        device = self._llama.embedding.weight.device
        with torch.no_grad():
            return self._llama(torch.tensor(chosen, device=device)[:, None], memory)


@dataclass
class Draft:
    """One continuation while it grows."""

    tokens: Tokens
    stop: tuple[str, ...]
    ids: list[int] = field(default_factory=list)
    likelihoods: list[float] = field(default_factory=list)
    text: str = ""
    stopped_by: str = ""
    over: bool = False

    def add(self, token: int, likelihood: float) -> None:
        """Append a token, unless the text is over already."""
        if self.over:
            return
        if token in self.tokens.ends:
            self.over = True
            return
        self.ids.append(token)
        self.likelihoods.append(likelihood)
        self.text = self.tokens.decode(self.ids)
        found = [(self.text.find(mark), mark) for mark in self.stop if mark in self.text]
        if found:
            position, self.stopped_by = min(found)
            self.text, self.over = self.text[:position], True

    def continuation(self) -> Continuation:
        """What came of it."""
        mean = sum(self.likelihoods) / max(len(self.likelihoods), 1)
        return Continuation(self.text, mean, self.stopped_by, len(self.ids))


def load_llama(file: GgufFile) -> Llama:
    """Build the module and fill it; raises MissingModelError when file and architecture differ."""
    if file.value("general.architecture") != "llama" or "output.weight" in file.tensors:
        raise damaged(file.path, "it is not a Llama with tied embeddings")
    shape = read_shape(file)
    state = {}
    for ours, theirs in tensor_sources(shape.layers).items():
        parts = [torch.from_numpy(file.array(name)) for name in theirs]
        state[ours] = torch.cat(parts) if len(parts) > 1 else parts[0]
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced
        llama = Llama(shape)
    try:
        llama.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise damaged(file.path, f"its tensors do not fit ({error})") from error
    llama.cosine, llama.sine = rotation_tables(shape)
    return llama.eval().requires_grad_(False)


def read_shape(file: GgufFile) -> LlamaShape:
    """The architecture's numbers from the metadata."""
    heads = file.value("llama.attention.head_count")
    return LlamaShape(
        vocabulary=len(file.value("tokenizer.ggml.tokens")),
        width=file.value("llama.embedding_length"),
        layers=file.value("llama.block_count"),
        heads=heads,
        kv_heads=file.value("llama.attention.head_count_kv"),
        hidden=file.value("llama.feed_forward_length"),
        context=file.value("llama.context_length"),
        rope_base=file.value("llama.rope.freq_base"),
        norm_epsilon=file.value("llama.attention.layer_norm_rms_epsilon"),
    )


def tensor_sources(layers: int) -> dict[str, tuple[str, ...]]:
    """For each parameter the names of the file's tensors that it stacks."""
    layout = {
        "attention_norm": ("attn_norm",),
        "query_key_value": ("attn_q", "attn_k", "attn_v"),
        "attention_out": ("attn_output",),
        "feed_norm": ("ffn_norm",),
        "gate_up": ("ffn_gate", "ffn_up"),
        "down": ("ffn_down",),
    }
    sources: dict[str, tuple[str, ...]] = {
        "embedding.weight": ("token_embd.weight",),
        "norm.weight": ("output_norm.weight",),
    }
    for i in range(layers):
        for ours, theirs in layout.items():
            parts = tuple(f"blk.{i}.{name}.weight" for name in theirs)
            sources[f"blocks.{i}.{ours}.weight"] = parts
    return sources
