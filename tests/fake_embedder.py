"""The protocol fake of Ollama as a server that embeds: /api/tags and /api/embed, no model."""

from __future__ import annotations

from aiohttp import web
from fake_ollama import FakeOllama


class FakeEmbedder(FakeOllama):
    """What is about an animal points one way, the rest another."""

    refuses = False
    """Answer with an error."""

    async def _start(self):
        app = web.Application()
        app.add_routes([web.get("/api/tags", self._tags), web.post("/api/embed", self._embed)])
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.host = "{}:{}".format(*self._runner.addresses[0][:2])

    async def _embed(self, request):
        body = await request.json()
        self.requests.append(("/api/embed", body))
        if self.refuses:
            return web.json_response({"error": "out of memory"}, status=500)
        animal = ["insect" in text or "bees" in text for text in body["input"]]
        return web.json_response({"embeddings": [[1.0, 0.1] if a else [0.1, 1.0] for a in animal]})
