"""Counts what is asked of a language model, whichever it is; the texts pass through unread."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..progress import Tick
from .chat import Answer, ChatLLM, Message
from .llm import Continuation, ContinuingLLM, Passage, Sampling


@dataclass
class Usage:
    """Of a model, since it was wrapped."""

    calls: int = 0
    prompt_tokens: int = 0
    """Read, as far as the engine tells; a server may have known them from before."""
    completion_tokens: int = 0
    """Written, also those of drafts that were dropped."""
    busy_s: float = 0.0
    """In which it read and wrote."""

    @contextmanager
    def call(self) -> Iterator[None]:
        self.calls += 1
        started_s = time.perf_counter()
        try:
            yield
        finally:
            self.busy_s += time.perf_counter() - started_s


def metered(llm: Any, usage: Usage) -> Any:
    """`llm`, a ChatLLM or ContinuingLLM, that adds to `usage`; anything else as it is."""
    if isinstance(llm, ContinuingLLM):
        return _MeteredContinuing(llm, usage)
    return _MeteredChat(llm, usage) if hasattr(llm, "chat") else llm


class _MeteredChat:
    def __init__(self, llm: ChatLLM, usage: Usage):
        self._llm, self._usage = llm, usage
        self.name = llm.name

    def chat(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None, **options
    ) -> Answer:
        with self._usage.call():
            answer = self._llm.chat(messages, schema=schema, **options)
        self._usage.prompt_tokens += answer.prompt_tokens
        self._usage.completion_tokens += answer.tokens
        return answer


class _MeteredContinuing:
    def __init__(self, llm: ContinuingLLM, usage: Usage):
        self._llm, self._usage = llm, usage
        self.name, self.languages = llm.name, llm.languages

    def passage(self, prompt: str, tick: Tick) -> Passage:
        with self._usage.call():
            passage = self._llm.passage(prompt, tick)
        self._usage.prompt_tokens += passage.tokens
        return _MeteredPassage(passage, self._usage)


class _MeteredPassage:
    def __init__(self, passage: Passage, usage: Usage):
        self._passage, self._usage = passage, usage

    @property
    def tokens(self) -> int:
        return self._passage.tokens

    def extend(self, text: str) -> None:
        before = self._passage.tokens
        with self._usage.call():
            self._passage.extend(text)
        self._usage.prompt_tokens += self._passage.tokens - before

    def continuations(
        self, count: int, sampling: Sampling, tick: Tick, start: str = ""
    ) -> Sequence[Continuation]:
        with self._usage.call():
            found = self._passage.continuations(count, sampling, tick, start)
        self._usage.completion_tokens += sum(item.tokens for item in found)
        return found
