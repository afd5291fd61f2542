"""The nodes for language models: the embedded one, one of a server, one of ComfyUI's own."""

import logging
import os

from comfy_api.latest import io

from ..myspinbot.errors import BadInputError
from ..myspinbot.narrative.engines import ENGINES
from ..myspinbot.narrative.settings import DEFAULT, LlmServer, LlmSettings, read_settings
from . import host, types

logger = logging.getLogger("myspinbot.narrative")


def settings() -> LlmSettings:
    """What the operator of this machine chose: a workflow names no address."""
    return read_settings(host.private("llm.json"), os.environ)


class EmbeddedLLM(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_EmbeddedLLM",
            display_name="Embedded LLM",
            category="MySpinBot/narrative",
            description="SmolLM2-135M-Instruct, fetched by install.py: offline, demo quality.",
            inputs=[],
            outputs=[types.Llm.Output(display_name="llm")],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        return io.NodeOutput(load_embedded())


def load_embedded() -> host.Managed:
    row = ENGINES["embedded"]
    return host.Managed(lambda: row.load().load(host.weights(row.files) / row.files[0]))


class OpenAICompatible(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_OpenAICompatible",
            display_name="OpenAI-Compatible LLM",
            category="MySpinBot/narrative",
            description="A model behind llama.cpp server, vLLM, LM Studio or another server with "
            "OpenAI's chat completions.",
            search_aliases=["llama.cpp", "vllm", "lm studio"],
            inputs=[
                io.Combo.Input(
                    "server",
                    options=server_names(),
                    tooltip="One of the servers that are set up on the machine ComfyUI runs on.",
                ),
                io.String.Input(
                    "model",
                    default="",
                    tooltip="As the server calls it; empty: the first that it lists.",
                ),
            ],
            outputs=[types.Llm.Output(display_name="llm")],
        )

    @classmethod
    def fingerprint_inputs(cls, server, model):
        return hash(find_server(server))

    @classmethod
    def execute(cls, server, model) -> io.NodeOutput:
        engine = ENGINES["openai-compatible"].load()
        return io.NodeOutput(types.ChatModel(engine(find_server(server), model.strip())))


def server_names() -> list[str]:
    try:
        return list(settings().servers)
    except BadInputError as error:  # an error in a schema would drop the whole pack
        logger.warning("%s", error)
        return [DEFAULT]


def find_server(name: str) -> LlmServer:
    servers = settings().servers
    if name not in servers:
        raise BadInputError(f"No LLM server is called {name!r}; there are {', '.join(servers)}.")
    return servers[name]


class ClipLLM(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_ClipLLM",
            display_name="CLIP LLM",
            category="MySpinBot/narrative",
            description="A text encoder that is a language model (Qwen3, Gemma, Ministral) writes: "
            "no server, and ComfyUI manages its memory.",
            search_aliases=["llm", "qwen", "gemma", "text encoder", "generate text"],
            inputs=[
                io.Clip.Input(
                    "clip",
                    tooltip="From Load CLIP: a file of a whole language model, such as "
                    "qwen_3_4b.safetensors.",
                ),
            ],
            outputs=[types.Llm.Output(display_name="llm")],
        )

    @classmethod
    def execute(cls, clip) -> io.NodeOutput:
        engine = ENGINES["clip"].load()
        return io.NodeOutput(types.ChatModel(engine(host.ClipText(clip))))
