"""The node that does it all, by becoming the nodes that do one thing each."""

from comfy_api.latest import io

from ..myspinbot.bot.presets import PRESETS
from ..myspinbot.errors import BadInputError
from ..myspinbot.narrative.prompts import MANNER
from ..myspinbot.voice.engines import LANGUAGES
from . import host, types
from .narrative import written


class TalkingBot(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_TalkingBot",
            display_name="Talking Bot",
            category="MySpinBot",
            description="A portrait, a voice clip and a topic become a talking video. Expands into "
            "Write Narration, Voice Profile, Speak and Talking Portrait; what did not change is "
            "not made again.",
            search_aliases=["talking head", "avatar", "lip sync", "voice clone"],
            inputs=[
                # Raw links: the nodes of the expansion hang on the same sources and are cached.
                io.Image.Input("portrait", raw_link=True, tooltip="One clear face, mouth free."),
                io.Audio.Input("voice", raw_link=True, tooltip="5 to 15 s of one person speaking."),
                io.String.Input(
                    "transcript", multiline=True, tooltip="What the clip says, word for word."
                ),
                io.String.Input("topic", default="", tooltip="What the bot talks about."),
                io.String.Input(
                    "narration",
                    multiline=True,
                    default="",
                    tooltip="Your own words instead of written ones.",
                ),
                io.Float.Input("duration_s", default=15, min=3, max=120, step=1),
                io.Combo.Input(
                    "preset",
                    options=list(PRESETS),
                    tooltip="draft: 512 px, instant voice. balanced: 768 px, fitted voice. best: "
                    "the portrait's own size, 30 fps, longest fit, or with a GPU the best voice "
                    "engine that is installed.",
                ),
                io.String.Input(
                    "persona", default="", tooltip="Who speaks; empty: nobody special."
                ),
                io.Combo.Input("tone", options=list(MANNER)),
                io.String.Input(
                    "consent", default="", tooltip="Who allowed the use of this face and voice."
                ),
                io.Int.Input("seed", default=0, min=0, max=2**63 - 1, control_after_generate=True),
                types.Llm.Input(
                    "llm",
                    optional=True,
                    raw_link=True,
                    tooltip="Who writes about the topic. None: Ollama if it answers, else the "
                    "embedded LLM.",
                ),
                io.String.Input(
                    "knowledge",
                    optional=True,
                    force_input=True,
                    raw_link=True,
                    tooltip="Facts to speak from, from Knowledge or any other text.",
                ),
                io.Combo.Input(
                    "language",
                    options=LANGUAGES,
                    optional=True,
                    tooltip="What the clip speaks and the bot says. All but English needs a chat "
                    "model, or your own narration.",
                ),
                io.Boolean.Input(
                    "disclosure",
                    default=True,
                    optional=True,
                    tooltip='Show "AI-generated" in the picture. Turn it off only where you tell '
                    "viewers in another way.",
                ),
            ],
            outputs=[
                io.Video.Output(display_name="video"),
                io.Audio.Output(display_name="audio"),
                io.String.Output(display_name="narration"),
                io.String.Output(display_name="captions"),
                io.String.Output(display_name="report"),
            ],
            enable_expand=True,
        )

    @classmethod
    def execute(
        cls,
        portrait,
        voice,
        transcript,
        topic,
        narration,
        duration_s,
        preset,
        persona,
        tone,
        consent,
        seed,
        llm=None,
        knowledge=None,
        language=LANGUAGES[0],
        disclosure=True,
    ) -> io.NodeOutput:
        if not topic.strip() and not narration.strip():
            raise BadInputError("Give the bot a topic, or the narration itself.")
        chosen = PRESETS[preset]
        linked = {"llm": llm, "knowledge": knowledge}
        graph = host.GraphBuilder()
        profile = graph.node(
            "MySpinBot_VoiceProfile",
            id="VoiceProfile",
            reference=voice,
            transcript=transcript,
            engine=chosen.engine,
            fit_steps=chosen.fit_steps,
            consent=consent,
            language=language,
        )
        narrated = graph.node(
            "MySpinBot_WriteNarration",
            id="WriteNarration",
            topic=topic,
            narration=narration,
            persona=persona,
            tone=tone,
            language=written(language),
            duration_s=duration_s,
            seed=seed,
            voice=profile.out(0),
            **{name: link for name, link in linked.items() if link},
        )
        spoken = graph.node(
            "MySpinBot_Speak",
            id="Speak",
            voice=profile.out(0),
            text=narrated.out(0),
            speed=1.0,
            seed=seed,
        )
        talking = graph.node(
            "MySpinBot_TalkingPortrait",
            id="TalkingPortrait",
            image=portrait,
            audio=spoken.out(0),
            speech=spoken.out(1),
            fps=chosen.fps,
            max_side_px=chosen.max_side_px,
            expressiveness=1.0,
            head_motion=1.0,
            blink=1.0,
            gaze=1.0,
            seed=seed,
        )
        video = talking.out(0)
        if disclosure:
            video = graph.node("MySpinBot_BurnDisclosure", id="BurnDisclosure", video=video).out(0)
        return io.NodeOutput(
            video,
            spoken.out(0),
            narrated.out(0),
            spoken.out(2),
            profile.out(1),
            expand=graph.finalize(),
        )
