"""A model behind /v1/chat/completions: llama.cpp server, vLLM, LM Studio and their kin.

Knows HTTP and the protocol, no prompts. Protocol: OpenAI's chat completions, streamed as
server-sent events, with `response_format` json_schema.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import httpx

from ...errors import ServerError, ServerUnreachableError
from ...progress import Tick
from ..chat import Answer, Message
from ..settings import LlmServer
from .streaming import listen

CONNECT_S = 5.0
SEND_S = 10.0
ERROR_CHARACTERS = 300
"""How much of a server's own words an error of ours quotes."""
MODELS_LISTED = 20
MAX_SEED = 2**31
"""Servers keep a seed in 32 bits."""


class OpenAICompatible:
    """One model on one server. Holds no connection between two calls."""

    def __init__(self, server: LlmServer, model: str = ""):
        self._server, self._model = server, model
        self.name = f"openai-compatible {model or server.name}"

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
        """Answer `messages`; see ChatLLM. An empty model name takes the server's first."""
        request: dict[str, Any] = {
            "messages": [{"role": message.role, "content": message.text} for message in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed % MAX_SEED,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if schema is not None:
            form = {"name": "answer", "strict": True, "schema": dict(schema)}
            request["response_format"] = {"type": "json_schema", "json_schema": form}
        heard = _Heard(self._server)

        def report() -> None:
            tick(min(heard.tokens, max_tokens), max_tokens)

        def take(event: dict[str, Any]) -> None:
            heard.add(event)
            report()

        with _explained(self._server):
            try:
                listen(lambda: self._events(request), take, report)
            except (httpx.RemoteProtocolError, httpx.ReadError):
                if not heard.tokens:
                    raise
        return heard.answer()

    async def _events(self, request: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        async with httpx.AsyncClient(**self._connection()) as client:
            model = self._model or next(iter(await self._models(client)), "")
            request = {"model": model, **request}
            async with client.stream("POST", "chat/completions", json=request) as response:
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    known = await self._models(client) if response.status_code == 404 else []
                    raise self._refusal(response.status_code, response.text, model, known)
                if "event-stream" not in response.headers.get("content-type", ""):
                    raise self._no_api()
                async for line in response.aiter_lines():
                    field, _, value = line.partition(":")
                    if field == "data" and value.strip():
                        yield self._event(value.strip())

    async def _models(self, client: httpx.AsyncClient) -> list[str]:
        """What the server says it has."""
        response = await client.get("models")
        if response.status_code != httpx.codes.OK:
            raise self._refusal(response.status_code, response.text)
        try:
            return [str(row["id"]) for row in response.json()["data"]]
        except (ValueError, LookupError, TypeError) as error:
            raise self._no_api() from error

    def _event(self, value: str) -> dict[str, Any]:
        if value == "[DONE]":
            return {"choices": [{"finish_reason": "done"}]}
        try:
            event = json.loads(value)
        except ValueError as error:
            raise self._no_api() from error
        if not isinstance(event, dict):
            raise self._no_api()
        return event

    def _connection(self) -> dict[str, Any]:
        server = self._server
        return {
            "base_url": server.url,
            "headers": {"Authorization": f"Bearer {server.key}"} if server.key else {},
            "timeout": httpx.Timeout(server.silence_s, connect=CONNECT_S, write=SEND_S),
            # Certificates take 0.2 s to load, and plain http has none.
            "verify": server.url.startswith("https:"),
            # A proxy of the environment does not lead to this machine.
            "trust_env": httpx.URL(server.url).host not in ("127.0.0.1", "localhost", "::1"),
        }

    def _refusal(
        self, status: int, body: str, model: str = "", known: Sequence[str] = ()
    ) -> ServerError:
        server = self._server
        if status in (401, 403):
            variable = server.key_variable or "that its entry names as key_variable"
            fix = f"set the environment variable {variable} to its API key"
        elif status == 404 and model:
            fix = f"use one of its models instead of {model!r}: {', '.join(known[:MODELS_LISTED])}"
        elif status in (400, 422):
            fix = "see what it says; an old server may not know structured answers (json_schema)"
        elif status >= 500:
            fix = "look into its log; it may be loading the model, or out of memory"
        else:
            fix = "check the address, which usually ends in /v1"
        return ServerError(f"{server} refused with {status}: {_said(body)}. To do: {fix}.")

    def _no_api(self) -> ServerError:
        return ServerError(
            f"{self._server} answers, but not as an OpenAI-compatible server does. Check the "
            "address, which usually ends in /v1, and that no proxy or web page answers there."
        )


class _Heard:
    """A streamed answer while it grows."""

    def __init__(self, server: LlmServer) -> None:
        self._server = server
        self._parts: list[str] = []
        self._ending: Literal["stop", "length", "cut"] = "cut"
        self.tokens = 0
        """Pieces so far, a token each; at the end what the server counted, if it does."""
        self._prompt_tokens = 0

    def add(self, event: dict[str, Any]) -> None:
        """Take in one event; raises ServerError when it reports a failure."""
        if error := event.get("error"):
            said = error.get("message", error) if isinstance(error, dict) else error
            raise ServerError(
                f"{self._server} failed while answering: {_said(str(said))}. See its log."
            )
        if isinstance(usage := event.get("usage"), dict):
            self.tokens = usage.get("completion_tokens") or self.tokens
            self._prompt_tokens = usage.get("prompt_tokens") or 0
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or {}
            if text := delta.get("content"):
                self._parts.append(text)
            if text or delta.get("reasoning_content") or delta.get("reasoning"):
                self.tokens += 1
            reason = choice.get("finish_reason")
            if reason == "length":
                self._ending = "length"
            elif reason == "stop" or (reason == "done" and self._ending == "cut"):
                self._ending = "stop"

    def answer(self) -> Answer:
        return Answer("".join(self._parts), self._ending, self.tokens, self._prompt_tokens)


@contextmanager
def _explained(server: LlmServer) -> Iterator[None]:
    """Turn what httpx raises about `server` into errors of ours."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise ServerUnreachableError(
            f"Nothing answers: {server}. Start it, or correct the address (see the help of the "
            "node OpenAI-Compatible LLM)."
        ) from error
    except httpx.TimeoutException as error:
        raise ServerError(
            f"{server} was silent for {server.silence_s:g} s. It may be loading or overloaded: try "
            "again, use a smaller model, or raise silence_s in its entry."
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = str(error) or type(error).__name__
        raise ServerError(f"{server} broke the connection ({said}). See its log.") from error


def _said(body: str) -> str:
    """The server's own words on one line."""
    try:
        error = json.loads(body)["error"]
        body = error["message"] if isinstance(error, dict) else str(error)
    except (ValueError, LookupError, TypeError):
        pass
    return " ".join(body.split())[:ERROR_CHARACTERS].rstrip(" .") or "it says no more"
