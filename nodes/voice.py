"""Nodes that learn a voice from a clip and speak with it."""

import json
import time

from comfy_api.latest import io

from ..myspinbot.errors import BadInputError
from ..myspinbot.speech import LEAD_S, TAIL_S, to_srt
from ..myspinbot.voice.engines import AUTOMATIC, ENGINES, LANGUAGES, automatic
from . import host, types
from .listening import likeness, load_held_out, load_listener, take_judge, transcribed

VOICES_OWN = "the voice's own"


def load_engine(name: str) -> host.Managed:
    if name not in ENGINES:  # a profile from another version of the pack
        known = ", ".join(ENGINES)
        raise BadInputError(f"This voice is for the engine {name!r}; this version has {known}.")
    row = ENGINES[name]
    return host.Managed(lambda: row.open(host.weights(row.files)))


class VoiceProfile(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_VoiceProfile",
            has_intermediate_output=True,
            display_name="Voice Profile",
            category="MySpinBot/voice",
            description="Learn a voice from about ten seconds of clean speech of one person. The "
            "embedded engine makes a voice inspired by it: timbre and pitch, not accent.",
            search_aliases=["voice clone", "tts", "speaker"],
            inputs=[
                io.Audio.Input("reference", tooltip="5 to 15 s of one person, no music, no echo."),
                io.String.Input(
                    "transcript",
                    multiline=True,
                    tooltip="What the clip says, word for word; empty: heard by a speech "
                    "recogniser, if one is installed.",
                ),
                io.Combo.Input(
                    "engine",
                    options=[*ENGINES, AUTOMATIC],
                    tooltip=f"{AUTOMATIC}: on a GPU the best that is installed, else kokoro.",
                ),
                io.Int.Input(
                    "fit_steps",
                    default=0,
                    min=0,
                    max=40,
                    tooltip="Kokoro: gradient steps after the instant blend; closer to the "
                    "reference, some 1.5 CPU-seconds each.",
                ),
                io.String.Input(
                    "consent",
                    default="",
                    tooltip="Who allowed the use of this voice, and for what: kept in the profile.",
                ),
                io.Combo.Input(
                    "language",
                    options=LANGUAGES,
                    optional=True,
                    tooltip="What the clip speaks, and the voice unless told otherwise.",
                ),
            ],
            outputs=[
                types.Voice.Output(display_name="voice"),
                io.String.Output(display_name="report"),
            ],
        )

    @classmethod
    def execute(
        cls, reference, transcript, engine, fit_steps, consent, language=LANGUAGES[0]
    ) -> io.NodeOutput:
        from ..myspinbot.voice import clip, enroll, speak

        tick = host.ticker()
        audio = types.to_audio(reference)
        words, heard = transcribed(audio, transcript, language, tick)
        listener = load_listener()
        prepared = clip.prepare(
            audio, words, language=language, encoder=listener.ready(), tick=tick
        )
        if engine == AUTOMATIC:
            engine = automatic(host.weights, host.has_gpu(), language)
        managed, held_out = load_engine(engine), load_held_out()
        speaking, listening, judging = host.ready(managed, listener, held_out)
        with host.one_thread():
            profile = enroll.enroll(
                speaking,
                listening,
                prepared,
                language=language,
                fit_steps=fit_steps,
                consent=consent,
                tick=tick,
            )
            sample = speak.sample(speaking, profile, tick)
        report = {
            "engine": profile.engine,
            "licence": ENGINES[profile.engine].licence,
            "speech_s": round(prepared.speech_s, 1),
            "words_per_minute": round(profile.words_per_minute),
            "pitch_hz": round(profile.f0_median_hz),
            "transcript": profile.transcript,
            "transcript_heard_by": heard,
            "similarity": likeness(judging, prepared.audio, sample, tick),
            "method": profile.method,
            "similarity_of_the_fit": dict(profile.similarity),
            "warnings": list(prepared.warnings),
        }
        host.metrics().quality("speaker_similarity", report["similarity"]["to_the_clip"])
        return io.NodeOutput(
            types.LoadedVoice(profile, managed),
            json.dumps(report, indent=2, ensure_ascii=False),
            ui=host.preview(types.from_audio(sample), _summary(report), cls),
        )


def _summary(report: dict) -> list[str]:
    alike = report["similarity"]
    lines = [
        f"similarity to the clip {alike['to_the_clip']:.2f} "
        f"(its two halves {alike['two_halves_of_the_clip']:.2f}, "
        f"another person {alike['another_person']:.2f})",
        f"{report['pitch_hz']} Hz, {report['words_per_minute']} words per minute, "
        f"{report['engine']}, {report['licence']}",
    ]
    if report["transcript_heard_by"]:
        lines.append(f"heard: {report['transcript']}")
    return [*lines, *(f"⚠ {warning}" for warning in report["warnings"])]


class SaveVoice(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_SaveVoice",
            display_name="Save Voice",
            category="MySpinBot/voice",
            description="Keep a voice profile as one file in models/spinbot_voices.",
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
            has_intermediate_output=True,
            display_name="Speak",
            category="MySpinBot/voice",
            description="Say a text with a voice, and know when each word and sound is said.",
            search_aliases=["tts", "text to speech"],
            inputs=[
                types.Voice.Input("voice"),
                io.String.Input(
                    "text",
                    multiline=True,
                    tooltip="Any length, spoken by sentence. [pause 1.5s] is a pause.",
                ),
                io.Float.Input(
                    "speed",
                    default=1.0,
                    min=0.5,
                    max=2.0,
                    step=0.05,
                    tooltip="1 is the voice's own pace; the pitch does not change.",
                ),
                io.Int.Input("seed", default=0, min=0, max=2**63 - 1, control_after_generate=True),
                io.Combo.Input(
                    "language",
                    options=[VOICES_OWN, *LANGUAGES],
                    optional=True,
                    tooltip="What the text is written in.",
                ),
                io.Int.Input(
                    "takes",
                    default=1,
                    min=1,
                    max=8,
                    optional=True,
                    tooltip="Say each sentence so often and keep the take with the fewest wrong "
                    "words and the most similar voice.",
                ),
                io.Float.Input(
                    "loudness_lufs",
                    default=-18.0,
                    min=-40.0,
                    max=-10.0,
                    step=0.5,
                    optional=True,
                    tooltip="Loudness of the whole.",
                ),
                io.String.Input(
                    "pronunciations",
                    multiline=True,
                    default="",
                    optional=True,
                    tooltip="One a line: word = respelling, or word = /IPA/.",
                ),
            ],
            outputs=[
                io.Audio.Output(display_name="audio"),
                types.Speech.Output(display_name="speech"),
                io.String.Output(display_name="captions"),
            ],
        )

    @classmethod
    def execute(
        cls,
        voice,
        text,
        speed,
        seed,
        language=VOICES_OWN,
        takes=1,
        loudness_lufs=-18.0,
        pronunciations="",
    ) -> io.NodeOutput:
        from ..myspinbot.voice import assemble, speak
        from ..myspinbot.voice.segments import SegmentCache
        from ..myspinbot.voice.text.pronunciation import Pronunciations

        tick = host.ticker()
        profile = voice.profile
        tongue = profile.language if language == VOICES_OWN else language
        listener = load_listener()
        speaking, listening = host.ready(voice.managed, listener)
        how = speak.Delivery(
            language=tongue,
            speed=speed,
            seed=seed,
            takes=takes,
            judge=take_judge(listening, profile, tongue, tick) if takes > 1 else None,
            pronunciations=Pronunciations.parse(pronunciations),
            cache=SegmentCache(host.private("speech"), host.speech_cache_bytes()),
        )
        started_s = time.perf_counter()
        with host.one_thread():  # several wait for each other for seconds when others work, too
            pieces = list(speak.speak(speaking, text, profile, how, tick))
        audio, speech = assemble.join(
            pieces, loudness_lufs=loudness_lufs, lead_s=LEAD_S, tail_s=TAIL_S
        )
        host.metrics().speech(profile.engine, audio.duration_s, time.perf_counter() - started_s)
        sound = types.from_audio(audio)
        notes = sorted({piece.note for piece in pieces if piece.note})
        summary = [f"{audio.duration_s:.1f} s, {len(speech.words)} words", *notes]
        return io.NodeOutput(sound, speech, to_srt(speech), ui=host.preview(sound, summary, cls))


class AlignSpeech(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_AlignSpeech",
            display_name="Align Speech",
            category="MySpinBot/voice",
            description="Find when each word and sound of a text is said in any recording.",
            search_aliases=["forced alignment", "captions", "subtitles"],
            inputs=[
                io.Audio.Input("audio"),
                io.String.Input(
                    "text",
                    multiline=True,
                    tooltip="What is said, word for word; empty: heard by a speech recogniser, if "
                    "one is installed.",
                ),
                io.Combo.Input("language", options=LANGUAGES),
            ],
            outputs=[
                types.Speech.Output(display_name="speech"),
                io.String.Output(display_name="captions"),
                io.String.Output(display_name="report"),
            ],
        )

    @classmethod
    def execute(cls, audio, text, language) -> io.NodeOutput:
        from ..myspinbot.voice.alignment.align import align

        tick = host.ticker()
        sound = types.to_audio(audio)
        words, heard = transcribed(sound, text, language, tick)
        found = align(sound, words, language, tick)
        if found.score is not None:
            host.metrics().quality("alignment", found.score)
        report = {
            "method": found.method,
            "agrees": found.agrees,
            "score": found.score,
            "text_heard_by": heard,
            "note": found.note,
        }
        return io.NodeOutput(
            found.speech, to_srt(found.speech), json.dumps(report, indent=2, ensure_ascii=False)
        )
