"""Nodes that learn a voice from a clip and speak with it."""

import json

from comfy_api.latest import io

from ..myspinbot.errors import BadInputError
from ..myspinbot.speech import to_srt, with_silence
from ..myspinbot.voice.engines import ENGINES
from . import host, types

ENCODER = "ge2e.safetensors"
LEAD_S, TAIL_S = 0.2, 0.5
"""Silence around the speech: a face opens and closes its mouth in it."""


def load_engine(name: str) -> host.Managed:
    if name not in ENGINES:  # a profile from another version of the pack
        known = ", ".join(ENGINES)
        raise BadInputError(f"This voice is for the engine {name!r}; this version has {known}.")
    engine = ENGINES[name].load()
    return host.Managed(lambda: engine.load(host.weights()))


class VoiceProfile(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_VoiceProfile",
            display_name="Voice Profile",
            category="MySpinBot/voice",
            description="Learn a voice from about ten seconds of clean speech of one person. The "
            "embedded engine makes a voice inspired by it: timbre and pitch, not accent.",
            inputs=[
                io.Audio.Input("reference", tooltip="5 to 15 s of one person, no music, no echo."),
                io.String.Input(
                    "transcript", multiline=True, tooltip="What the clip says, word for word."
                ),
                io.Combo.Input("engine", options=list(ENGINES)),
                io.Int.Input(
                    "fit_steps",
                    default=0,
                    min=0,
                    max=40,
                    tooltip="Gradient steps after the instant blend: closer to the reference, some "
                    "1.5 CPU-seconds each.",
                ),
                io.String.Input(
                    "consent",
                    default="",
                    tooltip="Who allowed the use of this voice, and for what: kept in the profile.",
                ),
            ],
            outputs=[
                types.Voice.Output(display_name="voice"),
                io.String.Output(display_name="report"),
            ],
        )

    @classmethod
    def execute(cls, reference, transcript, engine, fit_steps, consent) -> io.NodeOutput:
        from ..myspinbot.voice import clip, fit, speaker

        prepared = clip.prepare(types.to_audio(reference), transcript)
        managed = load_engine(engine)
        encoder = host.Managed(lambda: speaker.SpeakerEncoder.load(host.weights() / ENCODER))
        speaking, listening = host.ready(managed, encoder)
        profile = fit.enroll(
            speaking,
            listening,
            prepared,
            transcript,
            gradient_steps=fit_steps,
            consent=consent,
            tick=host.ticker(),
        )
        report = {
            "speech_s": round(prepared.speech_s, 1),
            "words_per_minute": round(profile.words_per_minute),
            "pitch_hz": round(profile.f0_median_hz),
            "similarity_of_the_fit": {k: round(v, 3) for k, v in profile.similarity.items()},
            "warnings": list(prepared.warnings),
        }
        voice = types.LoadedVoice(profile, managed)
        return io.NodeOutput(voice, json.dumps(report, indent=2, ensure_ascii=False))


class SaveVoice(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_SaveVoice",
            display_name="Save Voice",
            category="MySpinBot/voice",
            description="Keep a voice profile as one small file in models/spinbot_voices.",
            inputs=[
                types.Voice.Input("voice"),
                io.String.Input("name", default="my_voice", tooltip="File name without ending."),
            ],
            outputs=[types.Voice.Output(display_name="voice")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, voice, name) -> io.NodeOutput:
        voice.profile.save(host.inside(host.VOICES, name, ".safetensors"))
        return io.NodeOutput(voice)


class LoadVoice(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_LoadVoice",
            display_name="Load Voice",
            category="MySpinBot/voice",
            description="Bring back a saved voice profile.",
            inputs=[io.Combo.Input("name", options=host.files(host.VOICES))],
            outputs=[types.Voice.Output(display_name="voice")],
        )

    @classmethod
    def fingerprint_inputs(cls, name):
        return host.inside(host.VOICES, name, ".safetensors").stat().st_mtime_ns

    @classmethod
    def execute(cls, name) -> io.NodeOutput:
        from ..myspinbot.voice.profile import VoiceProfile as Profile

        profile = Profile.load(host.inside(host.VOICES, name, ".safetensors"))
        return io.NodeOutput(types.LoadedVoice(profile, load_engine(profile.engine)))


class Speak(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_Speak",
            display_name="Speak",
            category="MySpinBot/voice",
            description="Say a text with a voice, and know when each word and sound is said.",
            inputs=[
                types.Voice.Input("voice"),
                io.String.Input("text", multiline=True, tooltip="Any length, spoken by sentence."),
                io.Float.Input(
                    "speed",
                    default=1.0,
                    min=0.5,
                    max=2.0,
                    step=0.05,
                    tooltip="1 is the voice's own pace; the pitch does not change.",
                ),
                io.Int.Input("seed", default=0, min=0, max=2**63 - 1, control_after_generate=True),
            ],
            outputs=[
                io.Audio.Output(display_name="audio"),
                types.Speech.Output(display_name="speech"),
                io.String.Output(display_name="captions"),
            ],
        )

    @classmethod
    def execute(cls, voice, text, speed, seed) -> io.NodeOutput:
        from ..myspinbot.voice import speak

        chunks = speak.speak(
            voice.managed.ready(),
            text,
            voice.profile,
            speed=speed,
            seed=seed,
            tick=host.ticker(),
        )
        audio, speech = with_silence(*speak.join(chunks), LEAD_S, TAIL_S)
        return io.NodeOutput(types.from_audio(audio), speech, to_srt(speech))
