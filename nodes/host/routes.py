"""What the pack answers over HTTP, below /myspinbot (and /api/myspinbot). All of it only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from server import PromptServer


def serve(path: str, answer: Callable[[], Any]) -> None:
    """Answer GET /myspinbot/`path` with the JSON of `answer()`, computed off the event loop."""
    server = getattr(PromptServer, "instance", None)
    if server is None:  # imported by a tool that runs no server
        return

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(answer))

    server.routes.get(f"/myspinbot/{path}")(handle)
