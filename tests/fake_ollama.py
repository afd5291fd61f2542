"""A protocol fake of Ollama: a real HTTP server on loopback that speaks its API from a script.

It runs no model. What it sends has the form of Ollama 0.6 and newer: NDJSON streams, `error` in a
line or with a status, `done_reason`, models that leave /api/ps some time after they were unloaded.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

MODELS = {"llama3.2:3b": 2_000_000_000, "qwen3:latest": 5_000_000_000}
LIBRARY = {"tiny:latest": 400}
"""What can be pulled."""


@dataclass
class Scene:
    """How one chat goes."""

    text: str = "It is true."
    ending: str = "stop"
    """done_reason; "cut": the stream just ends; "torn": in the middle of a line; "reset": the
    connection breaks; "error": an error line."""
    status: int = 200
    body: str = ""
    """With another status, or as HTML with 200."""
    wait_s: float = 0.0
    """Before the first token."""
    token_s: float = 0.0
    """Between two."""


@dataclass
class FakeOllama:
    """Use it as a context manager; `host` is for OLLAMA_HOST."""

    scenes: deque[Scene] = field(default_factory=deque)
    """One for each chat to come; then the default scene."""
    models: dict[str, int] = field(default_factory=lambda: dict(MODELS))
    loaded: dict[str, int] = field(default_factory=dict)
    """Name to bytes of VRAM."""
    embedders: set[str] = field(default_factory=set)
    """Those of `models` that cannot chat."""
    on_gpu: bool = True
    unload_s: float = 0.3
    """How long a model stays in /api/ps after it was told to leave."""
    pull_s: float = 0.02
    """Between two lines of progress."""
    pull_ends: bool = True
    """Or the connection closes before all is there."""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tokens: int = 0
    """Sent so far."""
    hung_up_s: float | None = None
    """time.monotonic() when a client left in the middle."""

    def __enter__(self) -> FakeOllama:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/tags", self._tags),
            web.get("/api/ps", self._ps),
            web.post("/api/show", self._show),
            web.post("/api/chat", self._chat),
            web.post("/api/pull", self._pull),
        ]

    async def _start(self) -> None:
        app = web.Application()
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.host = f"{host}:{port}"

    def last(self, path: str) -> dict[str, Any]:
        """The body of the last request to `path`."""
        return next(body for asked, body in reversed(self.requests) if asked == path)

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.requests)

    async def _tags(self, request: web.Request) -> web.Response:
        rows = [{"name": n, "model": n, "size": size} for n, size in self.models.items()]
        return web.json_response({"models": rows})

    async def _ps(self, request: web.Request) -> web.Response:
        self.requests.append(("/api/ps", {}))
        rows = [
            {"name": name, "model": name, "size": self.models[name], "size_vram": vram}
            for name, vram in self.loaded.items()
        ]
        return web.json_response({"models": rows})

    async def _show(self, request: web.Request) -> web.Response:
        name = _full((await request.json())["model"])
        if name not in self.models:
            return _missing(name)
        able = ["embedding"] if name in self.embedders else ["completion"]
        return web.json_response({"capabilities": able, "model_info": {}})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(("/api/chat", body))
        name = _full(body["model"])
        if name not in self.models:
            return _missing(body["model"])
        if not body["messages"]:
            if body.get("keep_alive") == 0:
                asyncio.get_running_loop().call_later(self.unload_s, self.loaded.pop, name, None)
            line = {"model": name, "message": {"role": "assistant", "content": ""}, "done": True}
            return web.json_response({**line, "done_reason": "unload"})
        scene = self.scenes.popleft() if self.scenes else Scene()
        if scene.body:
            kind = "text/html" if scene.body.startswith("<") else "application/json"
            to = {"Location": "/elsewhere"} if 300 <= scene.status < 400 else {}
            return web.Response(status=scene.status, text=scene.body, content_type=kind, headers=to)
        self.loaded[name] = round(1.1 * self.models[name]) if self.on_gpu else 0
        try:
            return await self._stream(request, scene, body)
        except (asyncio.CancelledError, ConnectionError):
            self.hung_up_s = time.monotonic()
            raise

    async def _stream(
        self, request: web.Request, scene: Scene, body: dict[str, Any]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await asyncio.sleep(scene.wait_s)
        words = scene.text.split(" ") if scene.text else []
        pieces = [word if i == 0 else f" {word}" for i, word in enumerate(words)]
        limit = body["options"]["num_predict"]
        for piece in pieces[:limit]:
            await response.write(_line(message=_says(piece), done=False))
            self.tokens += 1
            await asyncio.sleep(scene.token_s)
        ending = "length" if len(pieces) > limit else scene.ending
        if ending == "error":
            await response.write(_line(error="llama runner process has terminated"))
        elif ending == "torn":
            await response.write(b'{"message": {"role": "assist')
        elif ending == "reset":
            assert request.transport is not None
            request.transport.abort()
        elif ending != "cut":
            count = min(len(pieces), limit)
            read = sum(len(message["content"].split()) for message in body["messages"])
            counts = {"eval_count": count, "prompt_eval_count": read}
            end = {"done": True, "done_reason": ending, **counts}
            await response.write(_line(message=_says(""), **end))
        return response

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(("/api/pull", body))
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await response.write(_line(status="pulling manifest"))
        name = _full(body["model"])
        if name not in LIBRARY:
            await response.write(_line(error="pull model manifest: file does not exist"))
            return response
        try:
            for percent in range(0, 101, 10):
                layer = {"digest": "sha256:aa", "total": LIBRARY[name]}
                done = LIBRARY[name] * percent // 100
                await response.write(_line(status="pulling aa", completed=done, **layer))
                await asyncio.sleep(self.pull_s)
        except (asyncio.CancelledError, ConnectionError):
            self.hung_up_s = time.monotonic()
            raise
        if not self.pull_ends:
            return response
        self.models[name] = LIBRARY[name]
        await response.write(_line(status="success"))
        return response


def _full(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


def _line(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def _says(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _missing(name: str) -> web.Response:
    return web.json_response({"error": f"model '{name}' not found"}, status=404)
