"""A model of an Ollama server as the writer's chat model. Protocol: /api/chat, streamed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

import httpx
import ollama

from ...progress import Tick
from ..chat import Answer, Message
from .ollama_server import OllamaServer
from .streaming import listen

MAX_SEED = 2**31
"""The server keeps a seed in 32 bits."""


class OllamaChat:
    """One model on one server. Holds no connection between two calls."""

    def __init__(
        self,
        server: OllamaServer,
        model: str,
        *,
        temperature: float | None = None,
        num_ctx: int = 4096,
        keep_alive_s: float = 300,
    ):
        """`temperature` overrides the writer's; `keep_alive_s` under 0 keeps it loaded for good."""
        self._server, self._model = server, model
        self._temperature, self._num_ctx = temperature, num_ctx
        self._keep_alive_s = keep_alive_s
        self.name = f"ollama {model}"

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        temperature: float = 0.7,
        seed: int = 0,
        tick: Tick,
    ) -> Answer:
        """Answer `messages`; see ChatLLM. Raises MissingModelError with the line that pulls it."""
        chosen = temperature if self._temperature is None else self._temperature
        request = {
            "messages": [{"role": message.role, "content": message.text} for message in messages],
            "format": dict(schema) if schema is not None else None,
            "options": {
                "temperature": chosen,
                "num_predict": max_tokens,
                "num_ctx": self._num_ctx,
                "seed": seed % MAX_SEED,
            },
            "keep_alive": self._keep_alive_s,
            "think": False,  # a reasoning model would spend all its tokens before the answer
        }
        heard = _Heard()

        def report() -> None:
            tick(min(heard.tokens, max_tokens), max_tokens)

        def take(part: ollama.ChatResponse) -> None:
            heard.add(part)
            report()

        listen(lambda: self._parts(request), take, report)
        return heard.answer()

    async def _parts(self, request: dict[str, Any]) -> AsyncIterator[ollama.ChatResponse]:
        """The pieces of the answer; ends early, without an error, when the stream is cut."""
        server, any_part = self._server, False
        with server.explained(self._model):
            async with server.client(server.load_s) as client:
                try:
                    async for part in await client.chat(self._model, stream=True, **request):
                        any_part = True
                        yield part
                except (httpx.RemoteProtocolError, httpx.ReadError, json.JSONDecodeError):
                    if not any_part:  # then it is no answer at all
                        raise


class _Heard:
    """A streamed answer while it grows."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._ending: Literal["stop", "length", "cut"] = "cut"
        self.tokens = 0
        """Pieces so far, a token each; at the end what the server counted."""
        self._prompt_tokens = 0

    def add(self, part: ollama.ChatResponse) -> None:
        if text := part.message.content:
            self._parts.append(text)
        if text or part.message.thinking:
            self.tokens += 1
        if part.done:
            self._ending = "length" if part.done_reason == "length" else "stop"
            self.tokens = part.eval_count or self.tokens
            self._prompt_tokens = part.prompt_eval_count or 0

    def answer(self) -> Answer:
        return Answer("".join(self._parts), self._ending, self.tokens, self._prompt_tokens)
