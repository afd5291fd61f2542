"""The language models that can write a narration, and how they are loaded."""

from __future__ import annotations

from ...registry import EngineSpec, table

ENGINES = table(
    EngineSpec(
        "embedded",
        __name__,
        ".embedded:EmbeddedLLM",
        licence="Apache-2.0",
        files=("smollm2-135m-instruct.gguf",),
    ),
    EngineSpec(
        "openai-compatible",
        __name__,
        ".openai:OpenAICompatible",
        licence="that of the server's model",
        requires=("httpx",),
        install="httpx",
    ),
    EngineSpec(
        "ollama",
        __name__,
        ".ollama_chat:OllamaChat",
        licence="that of the server's model",
        requires=("ollama",),
        install="ollama",
    ),
    EngineSpec("clip", __name__, ".clip_chat:ClipChat", licence="that of the text encoder"),
)
