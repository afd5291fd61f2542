"""A fake of an OpenAI-compatible server: real HTTP on loopback, answers from a list."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

PROMPT_TOKENS, COMPLETION_TOKENS = 21, 9
"""As the fake counts every prompt and every answer."""


@dataclass
class Turn:
    """One answer of the fake."""

    text: str = ""
    reason: str | None = "stop"
    """Its finish_reason; None: the connection breaks after the text."""
    status: int = 200
    body: str | None = None
    """Instead of a stream."""
    content_type: str = "application/json"
    pause_s: float = 0.0
    """Before each piece of text, and before the first byte."""
    error: str = ""
    """Sent as an event after the text."""
    thought: str = ""
    """Sent as reasoning before the text."""


@dataclass
class FakeOpenAI:
    """What the fake answers, and what it was asked."""

    turns: list[Turn]
    """One a request; the last one is repeated."""
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    left_s: float | None = None
    """When (time.monotonic) a client left before it had heard all."""
    models: list[str] = field(default_factory=lambda: ["tiny", "other"])

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": name} for name in self.models]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.keys.append(request.headers.get("Authorization", ""))
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        try:
            return await self._answer(request, turn)
        except (asyncio.CancelledError, ConnectionResetError):
            self.left_s = time.monotonic()
            raise

    async def _answer(self, request: web.Request, turn: Turn) -> web.StreamResponse:
        if turn.body is not None or turn.status != 200:
            return web.Response(
                status=turn.status, text=turn.body or "", content_type=turn.content_type
            )
        await asyncio.sleep(turn.pause_s)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": ping\n\n")

        async def send(**choice: Any) -> None:
            await asyncio.sleep(turn.pause_s)
            event = json.dumps({"choices": [{"index": 0, "finish_reason": None, **choice}]})
            await response.write(f"data: {event}\n\n".encode())

        for piece in [turn.thought[i : i + 8] for i in range(0, len(turn.thought), 8)]:
            await send(delta={"reasoning_content": piece})
        for piece in [turn.text[i : i + 8] for i in range(0, len(turn.text), 8)]:
            await send(delta={"content": piece})
        if turn.error:
            await response.write(f'data: {{"error": {{"message": "{turn.error}"}}}}\n\n'.encode())
        if turn.reason is None:
            assert request.transport is not None
            request.transport.abort()
            return response
        await send(delta={}, finish_reason=turn.reason)
        if (self.requests[-1].get("stream_options") or {}).get("include_usage"):
            usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS}
            await response.write(
                f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode()
            )
        await response.write(b"data: [DONE]\n\n")
        return response


@contextmanager
def serving(*turns: Turn) -> Iterator[FakeOpenAI]:
    """Run a fake on a free port of loopback."""
    fake = FakeOpenAI(list(turns))
    loop = asyncio.new_event_loop()
    app = web.Application()
    app.router.add_get("/v1/models", fake._models)
    app.router.add_post("/v1/chat/completions", fake._chat)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, name="fake-openai")
    thread.start()
    try:
        yield fake
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
