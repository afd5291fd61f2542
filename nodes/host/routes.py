"""What the pack answers over HTTP, below /myspinbot (and /api/myspinbot). All of it only reads."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from server import PromptServer

from ...myspinbot.errors import BadInputError, MySpinBotError


def serve(path: str, answer: Callable[[], Any]) -> None:
    """Answer GET /myspinbot/`path` with the JSON of `answer()`, computed off the event loop."""
    server = getattr(PromptServer, "instance", None)
    if server is None:  # imported by a tool that runs no server
        return

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(answer))

    server.routes.get(f"/myspinbot/{path}")(handle)


def serve_operator(
    path: str,
    answer: Callable[[Mapping[str, str], Mapping[str, str]], tuple[bytes, str]],
    token: str,
) -> None:
    """Answer GET /myspinbot/`path` with `answer(headers, query)`: body and content type.

    It may raise BadInputError for what it was asked (400), other errors of ours for itself (503).
    If there is a `token`, only those who send it as a bearer token get an answer.
    """
    server = getattr(PromptServer, "instance", None)
    if server is None:
        return

    async def handle(request: web.Request) -> web.Response:
        sent = request.headers.get("Authorization", "")
        if token and not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        try:
            body, content_type = await asyncio.to_thread(answer, request.headers, request.query)
        except MySpinBotError as error:
            status = 400 if isinstance(error, BadInputError) else 503
            return web.json_response({"error": str(error)}, status=status)
        headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
        response = web.Response(body=body, headers=headers)
        response.enable_compression()
        return response

    server.routes.get(f"/myspinbot/{path}")(handle)
