"""One ComfyUI server over HTTP: upload, queue, follow, download. Imports no torch."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from ..errors import PromptRejectedError, ServerUnreachableError
from ..files import replacing

Event = Callable[[str, dict[str, Any]], None]
"""``event(kind, data)`` as ComfyUI's websocket sends them; also "preview" with an "image", JPEG or
PNG bytes of what is being made, and "text" with what a "node" says of itself."""
_PREVIEW_IMAGE, _TEXT = 1, 3
"""Kinds of binary messages, in their first four bytes: a picture follows after four more, or the
length of a node's id, the id, and a text."""

SILENCE_S = 5.0
"""How long the websocket may be quiet before the history is asked: sockets die on long jobs."""


class ComfyServer:
    """A server at `url`; use it as an async context manager."""

    def __init__(self, url: str):
        self.url = url.rstrip("/")
        self.client_id = uuid.uuid4().hex
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> ComfyServer:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
        self._session = aiohttp.ClientSession(timeout=timeout)
        return self

    async def __aexit__(self, *_) -> None:
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the server inside `async with`")
        return self._session

    async def get(self, path: str) -> Any:
        """GET a JSON document; raises ServerUnreachableError."""
        try:
            async with self.session.get(self.url + path) as answer:
                answer.raise_for_status()
                return await answer.json()
        except aiohttp.ClientError as error:
            raise ServerUnreachableError(f"{self.url}{path} does not answer: {error}") from error

    async def upload(self, path: str | os.PathLike) -> str:
        """Put a file of any kind into the server's input folder; returns its name for a node."""
        form = aiohttp.FormData()
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        # ComfyUI's one upload route takes every kind of file, as the field "image".
        form.add_field(
            "image", Path(path).read_bytes(), filename=Path(path).name, content_type=kind
        )
        try:
            async with self.session.post(f"{self.url}/upload/image", data=form) as answer:
                answer.raise_for_status()
                saved = await answer.json()
        except aiohttp.ClientError as error:
            raise ServerUnreachableError(f"{Path(path).name} was not uploaded: {error}") from error
        return "/".join(part for part in (saved["subfolder"], saved["name"]) if part)

    async def run(self, prompt: Mapping[str, Any], event: Event | None = None) -> dict[str, Any]:
        """Queue an API-format workflow and wait for it; returns its history entry.

        Raises PromptRejectedError, which names the node, when it is refused or fails.
        """
        prompt_id = str(uuid.uuid4())
        address = f"{self.url}/ws?clientId={self.client_id}"
        try:
            async with self.session.ws_connect(address, max_msg_size=0) as socket:
                await self._queue(prompt, prompt_id)
                await self._follow(socket, prompt_id, event or (lambda kind, data: None))
        except aiohttp.ClientError as error:
            raise ServerUnreachableError(f"{self.url} does not answer: {error}") from error
        entry = await self.get(f"/history/{prompt_id}")
        return _succeeded(entry.get(prompt_id) or {})

    async def _queue(self, prompt: Mapping[str, Any], prompt_id: str) -> None:
        body = {"prompt": prompt, "prompt_id": prompt_id, "client_id": self.client_id}
        async with self.session.post(f"{self.url}/prompt", json=body) as answer:
            result = await answer.json()
        if answer.status != 200 or result.get("node_errors"):
            raise PromptRejectedError(_refusal(result))

    async def _follow(self, socket, prompt_id: str, event: Event) -> None:
        ends = {"execution_success", "execution_error", "execution_interrupted"}
        while True:
            try:
                message = await socket.receive(timeout=SILENCE_S)
            except asyncio.TimeoutError:
                if await self.get(f"/history/{prompt_id}"):
                    return
                continue
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                raise ServerUnreachableError(f"{self.url} closed the connection: did it crash?")
            if message.type is aiohttp.WSMsgType.BINARY:
                _tell(message.data, event)
                continue
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            packet = json.loads(message.data)
            data = packet.get("data", {})
            if data.get("prompt_id") == prompt_id:
                event(packet["type"], data)
                if packet["type"] in ends:
                    await self._settle(prompt_id)
                    return

    async def _settle(self, prompt_id: str) -> None:
        """The last event goes out just before the history entry is written."""
        for _ in range(100):
            if await self.get(f"/history/{prompt_id}"):
                return
            await asyncio.sleep(0.05)

    async def download(self, file: Mapping[str, str], target: Path) -> None:
        """Save one file of a history entry (its filename, subfolder and type) as `target`."""
        async with self.session.get(f"{self.url}/view", params=dict(file)) as answer:
            answer.raise_for_status()
            with replacing(target) as partial, open(partial, "wb") as output:
                async for block in answer.content.iter_chunked(1 << 20):
                    output.write(block)


def _tell(message: bytes, event: Event) -> None:
    kind, body = int.from_bytes(message[:4], "big"), message[8:]
    if kind == _PREVIEW_IMAGE:
        event("preview", {"image": body})
    elif kind == _TEXT:
        length = int.from_bytes(message[4:8], "big")
        event("text", {"node": body[:length].decode(), "text": body[length:].decode()})


def _refusal(result: Mapping[str, Any]) -> str:
    lines = [
        f"node {node} ({found['class_type']}): {error['message']}: {error['details']}"
        for node, found in (result.get("node_errors") or {}).items()
        for error in found["errors"]
    ]
    return "; ".join(lines) or str((result.get("error") or {}).get("message", result))


def _succeeded(entry: dict[str, Any]) -> dict[str, Any]:
    status = entry.get("status") or {}
    for kind, data in status.get("messages", []):
        if kind == "execution_error":
            place = f"node {data['node_id']} ({data['node_type']})"
            raise PromptRejectedError(f"{place}: {data['exception_message'].strip()}")
        if kind == "execution_interrupted":
            raise PromptRejectedError("the run was cancelled")
    if not status.get("completed"):
        raise PromptRejectedError("the server has no result for this run")
    return entry
