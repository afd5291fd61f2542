"""The node for models of an Ollama server, and how one shares the GPU with ComfyUI."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..myspinbot.errors import (
    BadInputError,
    MissingDependencyError,
    MissingModelError,
    MySpinBotError,
    ServerError,
)
from ..myspinbot.narrative.engines import ENGINES
from . import host, llm, types

if TYPE_CHECKING:
    from ..myspinbot.narrative.engines.ollama_chat import OllamaChat
    from ..myspinbot.narrative.engines.ollama_server import OllamaServer

QUICK_S = 0.3
"""How long an Ollama that nobody asked for may take to answer."""
LIST_S = 2.0
DROP_S = 1.0
"""After a cancel nobody waits."""
KEEP_ALIVE_S = 300
"""Ollama's own default."""
BETWEEN_CALLS_S = 30
"""How long the model stays between two calls where ComfyUI wants the GPU back."""
PLACEHOLDERS = ("", "Loading...")
"""What the editor sends for a list without entries."""

logger = logging.getLogger("myspinbot.narrative")


class _Models(io.RemoteOptions):
    """What the editor knows of remote lists and io.RemoteOptions does not."""

    def as_dict(self):
        options = super().as_dict()
        del options["control_after_refresh"]  # a refresh then keeps the chosen model
        return {**options, "response_key": "models"}


class Ollama(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_Ollama",
            display_name="Ollama LLM",
            category="MySpinBot/narrative",
            description="A language model of the Ollama server on this machine, or of the one "
            "that OLLAMA_HOST names.",
            search_aliases=["llm", "language model", "llama", "qwen"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=[],
                    remote=_Models("/myspinbot/ollama/models", refresh_button=True),
                    tooltip="One of the models the server has pulled.",
                ),
                io.Float.Input(
                    "temperature",
                    default=0.7,
                    min=0,
                    max=2,
                    step=0.05,
                    tooltip="0: always the likeliest word. Higher: more surprising.",
                ),
                io.Int.Input(
                    "num_ctx",
                    default=4096,
                    min=1024,
                    max=131072,
                    step=1024,
                    tooltip="Tokens the model can overlook. More takes more memory.",
                ),
                io.Int.Input(
                    "keep_alive_s",
                    default=KEEP_ALIVE_S,
                    min=-1,
                    max=86400,
                    tooltip="How long it stays loaded afterwards; -1: for good. On the GPU that "
                    "ComfyUI uses it always leaves when the text is written.",
                ),
                io.Boolean.Input(
                    "pull",
                    default=False,
                    tooltip="Fetch the model from Ollama's library if the server lacks it.",
                ),
            ],
            outputs=[types.Llm.Output(display_name="llm")],
        )

    @classmethod
    def validate_inputs(cls, model):
        # Named here so that core lets values through that its own, empty list lacks.
        return True

    @classmethod
    def fingerprint_inputs(cls, model, temperature, num_ctx, keep_alive_s, pull):
        return llm.settings().ollama.host

    @classmethod
    def execute(cls, model, temperature, num_ctx, keep_alive_s, pull) -> io.NodeOutput:
        server, tick = connect(), host.ticker()
        if model in PLACEHOLDERS:
            there = ", ".join(row.name for row in server.models(tick))
            fix = "Choose one of " + there if there else "Fetch one: ollama pull llama3.2:3b"
            raise BadInputError(f"No model is chosen. {fix}.")
        try:
            server.find(model, tick)
        except MissingModelError:
            if not pull:
                raise
            server.pull(model, tick)
        settings = {"temperature": temperature, "num_ctx": num_ctx, "keep_alive_s": keep_alive_s}
        return io.NodeOutput(OllamaModel(server, model, settings))


@dataclass
class OllamaModel:
    """What SPINBOT_LLM carries: a model of a server that may share the GPU with ComfyUI."""

    server: OllamaServer
    model: str
    settings: dict[str, Any]
    freed: dict[str, Any] = field(default_factory=dict)
    """What `ready` sent away, for the report of `release`."""
    backend = "ollama"

    @property
    def shares_gpu(self) -> bool:
        return self.server.is_local and host.has_gpu()

    def ready(self) -> OllamaChat:
        """Make room for the model where it shares the GPU; raises if it cannot be used."""
        from ..myspinbot.narrative.engines.ollama_server import vram_to_free

        tick, settings = host.ticker(), dict(self.settings)
        pulled = self.server.find(self.model, tick)
        self.freed = {}
        if self.shares_gpu:
            settings["keep_alive_s"] = BETWEEN_CALLS_S
            if need := vram_to_free(pulled, self.server.loaded(tick)):
                self.freed = {"comfyui_vram_freed_bytes": host.make_room(need)}
        return ENGINES["ollama"].load()(self.server, self.model, **settings)

    def release(self, wait: bool) -> dict[str, Any]:
        """Get the VRAM back where it is shared, verified if `wait`; returns what was freed."""
        if not self.shares_gpu:
            return {}
        try:
            if not wait:
                self.server.keep(self.model, 0, DROP_S)
                return {}
            if self.server.vram_bytes(self.model) == 0:  # it runs on the CPU
                self.server.keep(self.model, self.settings.get("keep_alive_s", KEEP_ALIVE_S))
                return self.freed
            freed = self.server.unload(self.model, host.ticker())
        except ServerError as error:  # the text is written, or another error is on its way
            logger.warning("%s", error)
            return {**self.freed, "ollama_vram_note": str(error)}
        host.metrics().vram_freed("llm", freed)
        return {**self.freed, "ollama_vram_freed_bytes": freed}


def connect() -> OllamaServer:
    """The server that the operator of this machine chose: a workflow names no address."""
    ENGINES["ollama"].load()  # says what to install if the client is missing
    from ..myspinbot.narrative.engines.ollama_server import OllamaServer

    return OllamaServer(llm.settings().ollama.host)


def answering() -> OllamaModel | None:
    """The operator's model, else the first that can chat, if Ollama answers within 0.3 s."""
    try:
        server, wanted = connect(), llm.settings().ollama.model
        pulled = [row.name for row in server.models(wait_s=QUICK_S)]
        names = [wanted] if wanted else pulled
        model = next((name for name in names if server.can_chat(name)), None)
    except (ServerError, MissingDependencyError):
        return None
    return OllamaModel(server, model, {}) if model else None


def models() -> dict[str, Any]:
    """The names of the pulled models, or why there are none: what GET ollama/models answers."""
    try:
        names = [row.name for row in connect().models(wait_s=LIST_S)]
    except MySpinBotError as error:
        return {"models": [], "reason": str(error)}
    reason = "" if names else "It has no model yet. Fetch one: ollama pull llama3.2:3b"
    return {"models": names, "reason": reason}
