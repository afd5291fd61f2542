"""Nodes that make a portrait talk."""

from fractions import Fraction

from comfy_api.latest import io

from . import host, types
from .face import find_face


class TalkingPortrait(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_TalkingPortrait",
            display_name="Talking Portrait",
            category="MySpinBot/lip-sync",
            description="Make a portrait say an audio: mouth, blinks, brows and a moving head, on "
            "the CPU. The video is rendered while it is saved, so any length fits in memory.",
            inputs=[
                io.Image.Input("image", tooltip="One clear face of at least 200 px, mouth free."),
                io.Audio.Input("audio"),
                types.Speech.Input(
                    "speech",
                    optional=True,
                    tooltip="From Speak or Align Speech: exact sounds, best lip-sync.",
                ),
                types.Face.Input("face", optional=True, tooltip="From Detect Face, or found here."),
                io.Float.Input("fps", default=25, min=10, max=60, step=1),
                io.Int.Input(
                    "max_side_px",
                    default=0,
                    min=0,
                    max=4096,
                    step=8,
                    tooltip="Scale a larger image down to this; 0 keeps its size.",
                ),
                _amount("expressiveness", "How far mouth and brows move."),
                _amount("head_motion", "How much the head moves."),
                _amount("blink", "How often the eyes blink."),
                _amount("gaze", "How much the eyes wander."),
                io.Int.Input("seed", default=0, min=0, max=2**63 - 1, control_after_generate=True),
            ],
            outputs=[io.Video.Output(display_name="video")],
        )

    @classmethod
    def execute(
        cls, image, audio, fps, max_side_px, seed, speech=None, face=None, **amounts
    ) -> io.NodeOutput:
        from ..myspinbot import video
        from ..myspinbot.lipsync.portrait import TalkingPortrait as Portrait
        from ..myspinbot.voice.alignment.dictation import hear_words

        sound = types.to_audio(audio)
        heard = None if speech else hear_words(sound, host.ticker())
        pixels, matrix = video.fit_within(types.to_pixels(image), max_side_px)
        portrait = Portrait(
            pixels,
            face.transformed(matrix) if face else find_face(pixels),
            sound,
            speech,
            fps=Fraction(fps).limit_denominator(1001),
            heard=heard,
            seed=seed,
            **amounts,
        )
        return io.NodeOutput(host.RenderedVideo(portrait))


def _amount(name: str, tooltip: str):
    return io.Float.Input(
        name, default=1.0, min=0.0, max=2.0, step=0.1, tooltip=f"{tooltip} 0 is none, 1 natural."
    )
