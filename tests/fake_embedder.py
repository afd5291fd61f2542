"""The protocol fake of Ollama as a server that embeds, too: /api/embed, no model."""

from __future__ import annotations

from aiohttp import web
from fake_ollama import FakeOllama


class FakeEmbedder(FakeOllama):
    """What is about an animal points one way, the rest another."""

    refuses = False
    """Answer with an error."""

    def _routes(self):
        return [*super()._routes(), web.post("/api/embed", self._embed)]

    async def _embed(self, request):
        body = await request.json()
        self.requests.append(("/api/embed", body))
        if self.refuses:
            return web.json_response({"error": "out of memory"}, status=500)
        animal = ["insect" in text or "bees" in text for text in body["input"]]
        return web.json_response({"embeddings": [[1.0, 0.1] if a else [0.1, 1.0] for a in animal]})
