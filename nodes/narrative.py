"""Nodes that write what the bot says."""

import json

from comfy_api.latest import io

from ..myspinbot.narrative.engines import ENGINES
from ..myspinbot.narrative.prompts import MANNER
from . import host, types

LANGUAGES = ["en"]


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
                io.Combo.Input("language", options=LANGUAGES, tooltip="What it is written in."),
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
                types.Llm.Input("llm", optional=True, tooltip="None: the embedded one."),
                types.Voice.Input(
                    "voice", optional=True, tooltip="Plan the length with this voice's own pace."
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
        cls, topic, narration, persona, tone, language, duration_s, seed, llm=None, voice=None
    ) -> io.NodeOutput:
        from ..myspinbot.narrative import writing

        pace = voice.profile.words_per_minute if voice else writing.WORDS_PER_MINUTE
        style = {"persona": persona, "tone": tone, "words_per_minute": pace}
        if narration.strip():
            written = writing.direct(narration, **style)
        else:
            model = llm or load_embedded()
            with host.one_thread():
                written = writing.write(
                    topic,
                    **style,
                    language=language,
                    duration_s=duration_s,
                    llm=model.ready(),
                    seed=seed,
                    tick=host.ticker(),
                )
        report = json.dumps(written.report, indent=2, ensure_ascii=False)
        return io.NodeOutput(written.narration, written.stage_prompt, report)
