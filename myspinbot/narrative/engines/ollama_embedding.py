"""How near texts are to a topic, by an Ollama server's embedding model. Protocol: /api/embed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import ollama

from ...errors import ServerError
from ...progress import Tick
from ..knowledge import cosine_scores
from .ollama_server import OllamaServer, full_name
from .streaming import listen

MODEL = "nomic-embed-text"
QUERY, DOCUMENT = "search_query: ", "search_document: "
"""What the model was trained to read before a question and before a text (its model card)."""
BATCH = 16
SILENCE_S = 60.0


def has_embedder(server: OllamaServer, wait_s: float) -> bool:
    """Whether the server has pulled the model; raises ServerError when it does not answer."""
    return any(full_name(row.name) == full_name(MODEL) for row in server.models(wait_s=wait_s))


def embedded_scores(
    server: OllamaServer, topic: str, passages: Sequence[str], tick: Tick
) -> list[float]:
    """Cosine of `topic` and each passage; `tick` counts texts. Raises ServerError.

    The model runs on the CPU, so it takes no VRAM from ComfyUI, and leaves with the last batch.
    """
    texts = [QUERY + topic, *(DOCUMENT + passage for passage in passages)]
    vectors: list[Sequence[float]] = []

    async def batches() -> AsyncIterator[ollama.EmbedResponse]:
        with server.explained(MODEL, SILENCE_S):
            async with server.client(SILENCE_S) as client:
                for start in range(0, len(texts), BATCH):
                    last = start + BATCH >= len(texts)
                    yield await client.embed(
                        MODEL,
                        texts[start : start + BATCH],
                        options={"num_gpu": 0},
                        keep_alive=0 if last else SILENCE_S,
                    )

    def report() -> None:
        tick(len(vectors), len(texts))

    def take(answer: ollama.EmbedResponse) -> None:
        vectors.extend(answer.embeddings)
        report()

    listen(batches, take, report)
    if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) != 1:
        raise ServerError(f"{server} gave {len(vectors)} embeddings for {len(texts)} texts.")
    return cosine_scores(vectors[0], vectors[1:])
