"""Nodes that finish a video: other formats, words on it, and the file."""

from comfy_api.latest import io, ui

from . import face, host, types

NOTO = "Noto Sans"
_PRESETS = ("ultrafast", "veryfast", "faster", "medium", "slow")
_FONTS = (".ttf", ".otf", ".ttc")
_ASPECTS = ("16:9", "9:16", "1:1", "4:5")
_FILLS = ("crop to the face", "blurred border", "black border")
_SIDECARS = ("none", "srt", "vtt", "srt + vtt")
_AS_IT_IS, _ONLINE = "as it is", "-16 LUFS"


class ReframeVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_ReframeVideo",
            display_name="Reframe Video",
            category="MySpinBot/video",
            description="Another aspect ratio: cut around the face, which the cut follows, or the "
            "whole picture between borders. Frame by frame while the video is saved.",
            search_aliases=["aspect ratio", "crop video", "vertical video", "shorts", "letterbox"],
            inputs=[
                io.Video.Input("video"),
                io.Combo.Input("aspect", options=list(_ASPECTS), default="9:16"),
                io.Combo.Input("fill", options=list(_FILLS)),
                io.Int.Input(
                    "short_side_px",
                    default=0,
                    min=0,
                    max=4320,
                    step=2,
                    tooltip="Scale the result so that its shorter side has this size; 0 keeps the "
                    "scale.",
                ),
            ],
            outputs=[io.Video.Output(display_name="video")],
        )

    @classmethod
    def execute(cls, video, aspect, fill, short_side_px) -> io.NodeOutput:
        from ..myspinbot.video.reframe import ASPECTS, Reframed

        track = face.VideoFinder().track if fill == "crop to the face" else None
        stage = Reframed(
            host.frame_source(video),
            ASPECTS[aspect],
            fill,
            track=track,
            short_side_px=short_side_px,
        )
        return io.NodeOutput(host.RenderedVideo(stage))


class BurnCaptions(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_BurnCaptions",
            display_name="Burn Captions",
            category="MySpinBot/video",
            description="Write captions into the picture, inside a safe area. Connect the captions "
            "or the speech of Speak, or type SubRip or WebVTT.",
            search_aliases=["subtitles", "srt", "hardsub"],
            inputs=[
                io.Video.Input("video"),
                io.String.Input(
                    "captions", multiline=True, default="", tooltip="SubRip or WebVTT text."
                ),
                io.Combo.Input("position", options=["bottom", "middle", "top"]),
                io.Combo.Input("style", options=["outline", "box"]),
                io.Float.Input(
                    "size_percent",
                    default=5.0,
                    min=1.0,
                    max=20.0,
                    step=0.5,
                    tooltip="Height of the letters, of the picture's shorter side.",
                ),
                io.String.Input("colour", default="#ffffff", tooltip="#rrggbb or a name."),
                io.Float.Input(
                    "safe_area_percent",
                    default=6.0,
                    min=0.0,
                    max=30.0,
                    step=0.5,
                    tooltip="Distance from every border, of the picture's shorter side.",
                ),
                io.Combo.Input(
                    "font",
                    options=[NOTO, *host.documents(_FONTS)],
                    tooltip="Noto Sans writes Latin, Greek, Cyrillic, Vietnamese and Devanagari. "
                    "Font files in ComfyUI's input folder are listed, too.",
                ),
                types.Speech.Input("speech", optional=True, tooltip="Instead of captions."),
            ],
            outputs=[
                io.Video.Output(display_name="video"),
                io.String.Output(display_name="captions"),
            ],
        )

    @classmethod
    def execute(
        cls,
        video,
        captions,
        position,
        style,
        size_percent,
        colour,
        safe_area_percent,
        font,
        speech=None,
    ) -> io.NodeOutput:
        from ..myspinbot.speech import to_srt
        from ..myspinbot.video.captions import Captioned, parse
        from ..myspinbot.video.lettering import Look

        if speech is not None:
            captions = to_srt(speech)
        stage = Captioned(
            host.frame_source(video),
            parse(captions),
            look=Look(host.font("" if font == NOTO else font), colour, box=style == "box"),
            position=position,
            size=size_percent / 100,
            safe_area=safe_area_percent / 100,
        )
        return io.NodeOutput(host.RenderedVideo(stage), captions)


class BurnDisclosure(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_BurnDisclosure",
            display_name="AI-generated Label",
            category="MySpinBot/video",
            description="Tell viewers that a video is synthetic: a label in the upper left corner.",
            search_aliases=["disclosure", "watermark", "deepfake label"],
            inputs=[
                io.Video.Input("video"),
                io.String.Input("text", default="AI-generated", optional=True),
            ],
            outputs=[io.Video.Output(display_name="video")],
        )

    @classmethod
    def execute(cls, video, text="AI-generated") -> io.NodeOutput:
        from ..myspinbot.video.disclosure import Disclosed

        stage = Disclosed(host.frame_source(video), host.font(), text)
        return io.NodeOutput(host.RenderedVideo(stage))


class SaveTalkingBot(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_SaveTalkingBot",
            display_name="Save Talking Bot",
            category="MySpinBot/video",
            description="Save a VIDEO as one MP4 (H.264, AAC) that players start at once, with its "
            "workflow, a record that it is AI-generated, and captions beside it.",
            search_aliases=["save video", "export mp4"],
            inputs=[
                io.Video.Input("video"),
                io.String.Input("filename_prefix", default="video/talking_bot"),
                io.Float.Input(
                    "crf",
                    default=18,
                    min=0,
                    max=51,
                    step=1,
                    tooltip="Lower is better and larger; 18 looks like the original.",
                ),
                io.Combo.Input(
                    "preset",
                    options=list(_PRESETS),
                    default="veryfast",
                    tooltip="Slower makes the file smaller.",
                ),
                io.Combo.Input(
                    "loudness",
                    options=[_AS_IT_IS, _ONLINE],
                    tooltip="-16 LUFS is what video platforms ask for.",
                ),
                io.Boolean.Input(
                    "disclosure",
                    default=True,
                    tooltip='Show "AI-generated" in the picture, unless it is there already.',
                ),
                io.String.Input(
                    "captions",
                    optional=True,
                    force_input=True,
                    tooltip="From Speak or Burn Captions, for the files beside the video.",
                ),
                io.Combo.Input("sidecar", options=list(_SIDECARS), optional=True),
            ],
            outputs=[
                io.Video.Output(display_name="video"),
                io.String.Output(display_name="file"),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        video,
        filename_prefix,
        crf,
        preset,
        loudness,
        disclosure,
        captions=None,
        sidecar=_SIDECARS[0],
    ) -> io.NodeOutput:
        from ..myspinbot.video import even
        from ..myspinbot.video.captions import parse, write_sidecar
        from ..myspinbot.video.disclosure import Disclosed, is_disclosed, provenance
        from ..myspinbot.video.levelling import Levelled

        # what is wrong with them is told before an hour of rendering
        cues = parse(captions or "") if sidecar != _SIDECARS[0] else []
        credentials = host.credentials()
        source = even(host.frame_source(video))
        if disclosure and not is_disclosed(source):
            source = Disclosed(source, host.font())
        if loudness == _ONLINE:
            source = Levelled(source)
        path, subfolder = host.output_file(filename_prefix, source.width, source.height, ".mp4")
        told = host.metadata(cls.hidden.prompt, cls.hidden.extra_pnginfo)
        if told is not None:
            told["myspinbot"] = provenance(cls.hidden.prompt)
            told["comment"] = "AI-generated"
        host.save(path, source, crf=crf, preset=preset, metadata=told, credentials=credentials)
        for suffix in sidecar.split(" + ") if cues else ():
            write_sidecar(path.with_suffix(f".{suffix}"), cues)
        saved = ui.SavedResult(path.name, subfolder, io.FolderType.output)
        return io.NodeOutput(video, str(path), ui=ui.PreviewVideo([saved]))
