"""Nodes that make the frames of a video better with the user's own nets."""

from __future__ import annotations

from pathlib import Path

from comfy_api.latest import io

from ..myspinbot.errors import BadInputError
from . import face, host

_FOLDERS = (host.RESTORERS, "upscale_models")
_NOT_ACCEPTED = "not accepted"
_ACCEPTED = "S-Lab License 1.0 accepted: I use it for non-commercial purposes only"


class UpscaleVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_UpscaleVideo",
            display_name="Upscale Video",
            category="MySpinBot/video",
            description="Enlarge a video with an upscale model, to any size. Frame by frame while "
            "the video is saved, so memory does not grow with the length.",
            search_aliases=["upscale", "super resolution", "esrgan", "enlarge video"],
            inputs=[
                io.Video.Input("video"),
                io.UpscaleModel.Input("upscale_model", tooltip="From Load Upscale Model."),
                io.Float.Input(
                    "scale_by",
                    default=2.0,
                    min=0.0,
                    max=16.0,
                    step=0.05,
                    tooltip="New size over old size, fractions too, whatever the model's own scale "
                    "is; 0 is the model's own.",
                ),
                io.Int.Input(
                    "longest_side_px",
                    default=0,
                    min=0,
                    max=16384,
                    step=2,
                    tooltip="Instead of scale_by: the longer side of the result. 0: off.",
                ),
                io.Int.Input(
                    "tile_px",
                    default=512,
                    min=0,
                    max=8192,
                    step=32,
                    optional=True,
                    tooltip="Larger frames go through the model in overlapping parts of this size; "
                    "0: never. It halves itself when memory is short.",
                ),
                io.Int.Input(
                    "batch",
                    default=1,
                    min=1,
                    max=64,
                    optional=True,
                    tooltip="Frames at once: small models on large GPUs are faster with more. It "
                    "halves itself when memory is short.",
                ),
            ],
            outputs=[io.Video.Output(display_name="video")],
        )

    @classmethod
    def execute(
        cls, video, upscale_model, scale_by, longest_side_px, tile_px=512, batch=1
    ) -> io.NodeOutput:
        from ..myspinbot.video.nets import Feeder
        from ..myspinbot.video.upscale import Upscaled

        if getattr(upscale_model, "purpose", "") == "FaceSR":
            raise BadInputError(
                "The upscale_model restores faces and enlarges nothing: it is for Restore Faces."
            )
        feeder = Feeder(host.UpscaleModel(upscale_model), batch=batch, tile_px=tile_px)
        stage = Upscaled(
            host.frame_source(video), feeder, scale_by=scale_by, longest_side_px=longest_side_px
        )
        return io.NodeOutput(host.RenderedVideo(stage, keep=True))


class InterpolateVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_InterpolateVideo",
            display_name="Interpolate Video",
            category="MySpinBot/video",
            description="Give a video more frames a second, with RIFE or FILM. Frame by frame "
            "while the video is saved, so memory does not grow with the length.",
            search_aliases=["rife", "film", "frame interpolation", "smooth", "fps"],
            inputs=[
                io.Video.Input("video"),
                io.Custom("INTERP_MODEL").Input(
                    "interp_model", tooltip="From Load Frame Interpolation Model."
                ),
                io.Int.Input(
                    "factor",
                    default=2,
                    min=2,
                    max=8,
                    tooltip="How many times as many frames a second; the length stays.",
                ),
            ],
            outputs=[io.Video.Output(display_name="video")],
        )

    @classmethod
    def execute(cls, video, interp_model, factor) -> io.NodeOutput:
        from ..myspinbot.video.interpolate import Interpolated

        net = host.FrameInterpolator(interp_model)
        stage = Interpolated(host.frame_source(video), net, factor)
        return io.NodeOutput(host.RenderedVideo(stage, keep=True))


class FaceRestorerLoader(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_FaceRestorerLoader",
            display_name="Load Face Restorer",
            category="MySpinBot/video",
            description="Load GFPGAN, RestoreFormer or CodeFormer from models/facerestore_models "
            "or models/upscale_models.",
            search_aliases=["gfpgan", "codeformer", "restoreformer", "face restore model"],
            inputs=[
                io.Combo.Input(
                    "model_name",
                    options=[name for folder in _FOLDERS for name in host.files(folder)],
                    tooltip="GFPGANv1.4.pth or RestoreFormer.pth; which net it is for is read "
                    "from the file.",
                ),
                io.Combo.Input(
                    "codeformer_licence",
                    options=[_NOT_ACCEPTED, _ACCEPTED],
                    optional=True,
                    tooltip="CodeFormer only: its licence forbids commercial use.",
                ),
                io.Float.Input(
                    "codeformer_fidelity",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="CodeFormer only: 0 looks best, 1 is most like the input and "
                    "steadiest in videos.",
                ),
            ],
            outputs=[io.UpscaleModel.Output(display_name="restorer")],
        )

    @classmethod
    def fingerprint_inputs(cls, model_name, **_):
        path = _restorer(model_name)
        return path.stat().st_mtime_ns if path else ""

    @classmethod
    def execute(
        cls, model_name, codeformer_licence=_NOT_ACCEPTED, codeformer_fidelity=1.0
    ) -> io.NodeOutput:
        path = _restorer(model_name)
        if path is None:
            raise BadInputError(
                f"There is no {model_name!r} in models/{host.RESTORERS} or models/upscale_models."
            )
        return io.NodeOutput(
            host.load_restorer(
                path,
                accepted=codeformer_licence == _ACCEPTED,
                fidelity=codeformer_fidelity,
            )
        )


def _restorer(name: str) -> Path | None:
    return next((path for folder in _FOLDERS if (path := host.stored(folder, [name]))), None)


class RestoreFaces(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_RestoreFaces",
            display_name="Restore Faces",
            category="MySpinBot/video",
            description="Give the faces in a video the details back that lip-sync, compression or "
            "enlarging took. Frame by frame while the video is saved; the node then says in how "
            "many frames there was a face.",
            search_aliases=["gfpgan", "codeformer", "face restoration", "face enhance"],
            inputs=[
                io.Video.Input("video"),
                io.UpscaleModel.Input(
                    "restorer", tooltip="From Load Face Restorer, or from Load Upscale Model."
                ),
                io.Float.Input(
                    "strength",
                    default=0.8,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How much of what the restorer draws is used.",
                ),
                io.Boolean.Input(
                    "keep_likeness",
                    default=True,
                    tooltip="Use less of it while features move or colours change: a sign that "
                    "the restorer draws another person.",
                ),
            ],
            outputs=[io.Video.Output(display_name="video")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, video, restorer, strength, keep_likeness) -> io.NodeOutput:
        from ..myspinbot.video.nets import Feeder
        from ..myspinbot.video.restore import Restored
        from ..myspinbot.video.restorers import drawing

        net = host.UpscaleModel(restorer, drawing(restorer))
        finder, node_id = face.VideoFinder(), str(cls.hidden.unique_id)
        stage = Restored(
            host.frame_source(video),
            Feeder(net, batch=4 if host.has_gpu() else 1),
            finder,
            strength=strength,
            guard=keep_likeness,
            told=lambda text: host.say(node_id, text),
        )
        return io.NodeOutput(host.RenderedVideo(stage, keep=True))
