"""The node for facts to speak about, and how the nearest to a topic are found."""

from __future__ import annotations

import logging

from comfy_api.latest import io

from ..myspinbot.errors import (
    BadInputError,
    MissingDependencyError,
    MissingModelError,
    ServerError,
)
from ..myspinbot.files import sha256
from ..myspinbot.narrative.documents import SUFFIXES, read_document
from ..myspinbot.progress import Tick
from . import host, ollama

NO_FILE = "none"
LEXICAL = "BM25"

logger = logging.getLogger("myspinbot.narrative")


class Knowledge(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_Knowledge",
            display_name="Knowledge",
            category="MySpinBot/narrative",
            description="Facts for Write Narration: your own text, a file, or both. A chat model "
            "gets the passages nearest to the topic.",
            search_aliases=["facts", "rag", "grounding", "document", "pdf"],
            inputs=[
                io.String.Input(
                    "text",
                    multiline=True,
                    default="",
                    tooltip="Facts, in whole sentences, in any language.",
                ),
                io.Combo.Input(
                    "file",
                    options=[NO_FILE, *host.documents(SUFFIXES)],
                    tooltip="A .txt, .md or .pdf file in ComfyUI's input folder; press R in the "
                    "editor to see new ones.",
                ),
            ],
            outputs=[io.String.Output(display_name="knowledge")],
        )

    @classmethod
    def fingerprint_inputs(cls, text, file):
        if file in (None, NO_FILE):
            return ""
        path = host.document(file)
        return sha256(path) if path.is_file() else ""

    @classmethod
    def execute(cls, text, file) -> io.NodeOutput:
        parts = [text.strip()]
        if file != NO_FILE:
            parts.append(read_document(host.document(file), host.ticker()).strip())
        joined = "\n\n".join(part for part in parts if part)
        if not joined:
            raise BadInputError("There is no knowledge: type some facts, or choose a file.")
        return io.NodeOutput(joined)


def facts(topic: str, knowledge: str, tick: Tick) -> tuple[list[str], str]:
    """The passages of `knowledge` nearest to `topic`, the best first, and what ranked them."""
    from ..myspinbot.narrative.knowledge import lexical_scores, nearest, split_passages

    passages = split_passages(knowledge)
    scores, ranked_by = _embedded(topic, passages, tick), "nomic-embed-text"
    if scores is None:
        scores, ranked_by = lexical_scores(topic, passages), LEXICAL
    return nearest(passages, scores), ranked_by


def _embedded(topic: str, passages: list[str], tick: Tick) -> list[float] | None:
    """Scores by an Ollama on this machine that has the model and answers; else None."""
    try:
        server = ollama.connect()
        from ..myspinbot.narrative.engines import ollama_embedding

        if not server.is_local or not ollama_embedding.has_embedder(server, ollama.QUICK_S):
            return None
        return ollama_embedding.embedded_scores(server, topic, passages, tick)
    except (ServerError, MissingModelError, MissingDependencyError) as error:
        logger.info("The knowledge is ranked by its words alone: %s", error)
        return None
