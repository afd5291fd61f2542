"""Nodes that write what the bot says."""

import json
import logging
import os

from comfy_api.latest import io

from ..myspinbot.errors import BadInputError
from ..myspinbot.narrative.engines import ENGINES
from ..myspinbot.narrative.prompts import MANNER
from ..myspinbot.narrative.servers import DEFAULT, LlmServer, read_servers
from ..myspinbot.narrative.timing import AVERAGE, Pace
from ..myspinbot.voice.engines import LANGUAGES as SPOKEN
from . import host, ollama, types
from .knowledge import facts

LANGUAGES = ["en", *(code for code in SPOKEN if not code.startswith("en-"))]
"""To write a narration in; English first, which needs no server."""

logger = logging.getLogger("myspinbot.narrative")


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
        return io.NodeOutput(types.ServedLlm(engine(find_server(server), model.strip())))


def llm_servers() -> dict[str, LlmServer]:
    return read_servers(host.private("llm_servers.json"), os.environ)


def server_names() -> list[str]:
    try:
        return list(llm_servers())
    except BadInputError as error:  # an error in a schema would drop the whole pack
        logger.warning("%s", error)
        return [DEFAULT]


def find_server(name: str) -> LlmServer:
    servers = llm_servers()
    if name not in servers:
        raise BadInputError(f"No LLM server is called {name!r}; there are {', '.join(servers)}.")
    return servers[name]


class ParseScript(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_ParseScript",
            display_name="Parse Script",
            category="MySpinBot/narrative",
            description="Find narration and stage prompt in what any LLM node wrote: JSON, also "
            "broken or inside other text, labelled lines, or plain text.",
            search_aliases=["json", "llm"],
            inputs=[
                io.String.Input("text", multiline=True, tooltip="What a language model wrote."),
            ],
            outputs=[
                io.String.Output(display_name="narration"),
                io.String.Output(display_name="stage_prompt"),
            ],
        )

    @classmethod
    def execute(cls, text) -> io.NodeOutput:
        from ..myspinbot.narrative import parsing, writing

        script = parsing.parse_script(text)
        stage = script.stage_prompt or writing.direct(script.narration).stage_prompt
        return io.NodeOutput(script.narration, stage)


class WriteNarration(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_WriteNarration",
            display_name="Write Narration",
            category="MySpinBot/narrative",
            description="Write what the bot says about a topic, as long as asked for.",
            inputs=[
                io.String.Input("topic", default="", tooltip="What to talk about."),
                io.String.Input(
                    "narration",
                    multiline=True,
                    default="",
                    tooltip="Your own words: spoken as they are instead of written ones.",
                ),
                io.String.Input(
                    "persona", default="", tooltip="Who is speaking; empty: nobody special."
                ),
                io.Combo.Input("tone", options=list(MANNER), tooltip="How it should sound."),
                io.Combo.Input(
                    "language",
                    options=LANGUAGES,
                    tooltip="What it is written in; the embedded LLM knows only English.",
                ),
                io.Float.Input(
                    "duration_s",
                    default=15,
                    min=3,
                    max=120,
                    step=1,
                    tooltip="Seconds of speech to write for.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**63 - 1,
                    control_after_generate=True,
                    tooltip="Another seed, another text.",
                ),
                types.Llm.Input(
                    "llm",
                    optional=True,
                    tooltip="None: Ollama if it answers, else the embedded one.",
                ),
                types.Voice.Input(
                    "voice", optional=True, tooltip="Plan the length with this voice's own pace."
                ),
                io.String.Input(
                    "knowledge",
                    optional=True,
                    force_input=True,
                    tooltip="Facts to use, from Knowledge or any other text; a chat model gets "
                    "those nearest to the topic.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="narration"),
                io.String.Output(display_name="stage_prompt"),
                io.String.Output(display_name="report"),
            ],
        )

    @classmethod
    def execute(
        cls,
        topic,
        narration,
        persona,
        tone,
        language,
        duration_s,
        seed,
        llm=None,
        voice=None,
        knowledge="",
    ) -> io.NodeOutput:
        from ..myspinbot.narrative import writing

        style = {"persona": persona, "tone": tone, "pace": pace_of(voice, language)}
        if narration.strip():
            written = writing.direct(narration, **style)
            if knowledge.strip():
                written.report["knowledge"] = "ignored: the narration is your own"
        else:
            passages, ranked_by = [], ""
            if knowledge.strip():
                passages, ranked_by = facts(topic, knowledge, host.ticker())
            model = llm or ollama.answering() or load_embedded()
            with host.one_thread(), host.lend(model) as (engine, freed):
                written = writing.write(
                    topic,
                    **style,
                    language=language,
                    duration_s=duration_s,
                    llm=engine,
                    seed=seed,
                    facts=passages,
                    tick=host.ticker(),
                )
            written.report.update(freed)
            if written.report.get("passages"):
                written.report["passages_ranked_by"] = ranked_by
        report = json.dumps(written.report, indent=2, ensure_ascii=False)
        return io.NodeOutput(written.narration, written.stage_prompt, report)


def pace_of(voice: types.LoadedVoice | None, language: str) -> Pace:
    """How fast `voice` speaks `language`; one that knows how long a text takes is asked for it."""
    from ..myspinbot.voice.length import foretold

    if voice is None:
        return AVERAGE
    profile = voice.profile
    # What a voice was not made for it would read by the wrong rules.
    same = profile.language.split("-")[0] == language.split("-")[0]
    told_s = foretold(voice.managed.ready(), profile) if same else None
    return Pace(profile.words_per_minute, told_s)
