"""Nodes that write what the bot says."""

import json

from comfy_api.latest import io

from ..myspinbot.narrative.prompts import MANNER
from ..myspinbot.narrative.timing import AVERAGE, Pace
from ..myspinbot.voice.engines import LANGUAGES as SPOKEN
from . import host, ollama, types
from .knowledge import facts
from .llm import load_embedded


def written(language: str) -> str:
    """What a narration that is spoken in `language` is written in: accents are for voices."""
    return "en" if language.startswith("en-") else language


LANGUAGES = list(dict.fromkeys(written(code) for code in SPOKEN))
"""To write a narration in; English first, which needs no server."""


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

        own = bool(narration.strip())
        passages, ranked_by = [], ""
        if knowledge.strip() and not own:
            passages, ranked_by = facts(topic, knowledge, host.ticker())
        pace = pace_of(voice, language)
        # Own words ask nobody, unless an LLM is connected: it describes their picture.
        model = llm or (types.NOBODY if own else ollama.answering() or load_embedded())
        with host.lend(model) as (engine, lent):
            common = {
                "persona": persona,
                "tone": tone,
                "pace": pace,
                "llm": engine,
                "seed": seed,
                "tick": host.ticker(),
            }
            if own:
                written = writing.direct(narration, **common)
            else:
                written = writing.write(
                    topic, **common, language=language, duration_s=duration_s, facts=passages
                )
            lent.outcome = written.outcome
        written.report.update(lent.freed)
        if own and knowledge.strip():
            written.report["knowledge"] = "ignored: the narration is your own"
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
