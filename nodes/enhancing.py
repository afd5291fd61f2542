"""Nodes that make the frames of a video better with the user's own nets."""

from __future__ import annotations

from comfy_api.latest import io

from . import host


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

        feeder = Feeder(host.UpscaleModel(upscale_model), batch=batch, tile_px=tile_px)
        stage = Upscaled(
            host.frame_source(video), feeder, scale_by=scale_by, longest_side_px=longest_side_px
        )
        return io.NodeOutput(host.RenderedVideo(stage, keep=True))
