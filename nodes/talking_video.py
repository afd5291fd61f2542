"""The node that makes a talking video of any length with ComfyUI's own video models."""

from __future__ import annotations

import json

from comfy_api.latest import io

from ..myspinbot.errors import BadInputError
from . import host, types

LINKS = (
    "model",
    "model_patch",
    "positive",
    "negative",
    "vae",
    "audio_encoder",
    "clip_vision_output",
    "mask_1",
    "mask_2",
)
"""Inputs that are handed on as links: the nodes of the expansion hang on the same sources."""


class TalkingVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_TalkingVideo",
            display_name="Talking Video",
            category="MySpinBot/lip-sync",
            description="Make a portrait say an audio of any length with Wan 2.1 InfiniteTalk or, "
            "without a model_patch, Wan 2.2 S2V: window after window through ComfyUI's own nodes, "
            "at constant memory. Finished windows stay on disk: a run that stopped continues.",
            search_aliases=["InfiniteTalk", "MultiTalk", "S2V", "talking head", "lip sync"],
            inputs=[
                io.Model.Input("model", raw_link=True, tooltip="Wan 2.1 I2V, or Wan 2.2 S2V."),
                io.Conditioning.Input("positive", raw_link=True),
                io.Conditioning.Input("negative", raw_link=True),
                io.Vae.Input("vae", raw_link=True, tooltip="Wan 2.1 VAE."),
                io.AudioEncoder.Input(
                    "audio_encoder",
                    raw_link=True,
                    tooltip="wav2vec 2.0: base for InfiniteTalk, large for S2V.",
                ),
                io.Image.Input("image", tooltip="The portrait."),
                io.Audio.Input("audio", tooltip="The speech; the video gets exactly its length."),
                io.Int.Input("seed", default=0, min=0, max=2**63 - 1, control_after_generate=True),
                io.Int.Input("steps", default=6, min=1, max=200),
                io.Float.Input("cfg", default=1.0, min=0.0, max=30.0, step=0.1),
                io.Combo.Input("sampler_name", options=host.SAMPLERS, default="euler"),
                io.Combo.Input("scheduler", options=host.SCHEDULERS, default="simple"),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=4096,
                    step=16,
                    tooltip="0: from the portrait's shape; both 0: as many pixels as 832x480.",
                ),
                io.Int.Input("height", default=0, min=0, max=4096, step=16),
                io.ModelPatch.Input(
                    "model_patch",
                    optional=True,
                    raw_link=True,
                    tooltip="InfiniteTalk's patch, for one speaker or for two. Without it the "
                    "model is S2V.",
                ),
                io.ClipVisionOutput.Input("clip_vision_output", optional=True, raw_link=True),
                io.Audio.Input(
                    "audio_2", optional=True, tooltip="What a second speaker says after the first."
                ),
                io.Mask.Input(
                    "mask_1", optional=True, raw_link=True, tooltip="Where the first speaker is."
                ),
                io.Mask.Input(
                    "mask_2", optional=True, raw_link=True, tooltip="Where the second speaker is."
                ),
                io.Int.Input(
                    "window_frames",
                    default=81,
                    min=5,
                    max=401,
                    step=4,
                    optional=True,
                    advanced=True,
                    tooltip="Frames of one window, 4n+1. The models know 81.",
                ),
                io.Int.Input(
                    "motion_frames",
                    default=9,
                    min=1,
                    max=33,
                    step=4,
                    optional=True,
                    advanced=True,
                    tooltip="InfiniteTalk: frames that a window knows of the one before, 4n+1.",
                ),
                io.Float.Input(
                    "audio_scale",
                    default=1.0,
                    min=-10.0,
                    max=10.0,
                    step=0.01,
                    optional=True,
                    advanced=True,
                    tooltip="InfiniteTalk: how much the mouth follows the sound.",
                ),
                io.Float.Input(
                    "colour_match",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    advanced=True,
                    tooltip="InfiniteTalk: lead colours that drift back to the portrait's, in what "
                    "the next window starts from. For videos over a minute.",
                ),
                io.Float.Input(
                    "zoom",
                    default=1.0,
                    min=1.0,
                    max=1.5,
                    step=0.01,
                    optional=True,
                    advanced=True,
                    tooltip="How much closer the portrait is at the end than at the start.",
                ),
                _pan("pan_x", "right: 1 ends at the right border, -1 at the left one"),
                _pan("pan_y", "down: 1 ends at the lower border, -1 at the upper one"),
            ],
            outputs=[
                io.Video.Output(display_name="video"),
                io.String.Output(display_name="report"),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt],
            enable_expand=True,
        )

    @classmethod
    def execute(
        cls,
        image,
        audio,
        seed,
        steps,
        cfg,
        sampler_name,
        scheduler,
        width,
        height,
        audio_2=None,
        window_frames=81,
        motion_frames=9,
        audio_scale=1.0,
        colour_match=0.0,
        zoom=1.0,
        pan_x=0.0,
        pan_y=0.0,
        **links,
    ) -> io.NodeOutput:
        from ..myspinbot.lipsync import long_video, windows
        from .talking_job import TalkingJob

        model = long_video.INFINITETALK if links.get("model_patch") else long_video.S2V
        _check(model, links, audio_2, colour_match)
        windows.check_window(window_frames, motion_frames)
        pixels = types.to_pixels(image)
        video = long_video.LongVideo(
            model=model,
            pixels=pixels,
            size=windows.fit_size((pixels.shape[1], pixels.shape[0]), width, height),
            speeches=[types.to_audio(each) for each in (audio, audio_2) if each is not None],
            window_frames=window_frames,
            motion_frames=motion_frames,
            sampling=long_video.Sampling(steps, cfg, sampler_name, scheduler, seed),
            store=host.window_store(),
            weights=host.ancestry(cls.hidden.dynprompt, {name: links.get(name) for name in LINKS}),
            options={
                "audio_scale": audio_scale,
                "colour_match": colour_match,
                "zoom": zoom,
                "pan_x": pan_x,
                "pan_y": pan_y,
            },
        )
        video.store.check()
        forecast = video.forecast()
        job = TalkingJob(video, links, str(cls.hidden.unique_id), forecast)
        text = forecast.text(host.needed_bytes(video.weights))
        job.say(text)
        forecast.check_disk(
            {video.store.folder: forecast.store_bytes, host.temporary(): forecast.film_bytes}
        )
        report = {
            "model": model.name,
            "windows": forecast.windows,
            "windows_already_there": forecast.windows - forecast.missing,
            "frames": forecast.frames,
            "fps": forecast.fps,
            "width": forecast.width,
            "height": forecast.height,
            "forecast": text,
        }
        graph = host.GraphBuilder()
        first = graph.node("MySpinBot_TalkingVideoNext", id="Next", job=job, index=0)
        return io.NodeOutput(first.out(0), json.dumps(report, indent=2), expand=graph.finalize())


def _pan(name: str, where: str) -> io.Float.Input:
    return io.Float.Input(
        name,
        default=0.0,
        min=-1.0,
        max=1.0,
        step=0.05,
        optional=True,
        advanced=True,
        tooltip=f"How far the view of the portrait wanders {where}. It needs room: zoom, or a "
        "portrait of another shape than the video.",
    )


def _check(model, links, audio_2, colour_match: float) -> None:
    """Raise BadInputError for inputs that the chosen model does not have."""
    masks = [name for name in ("mask_1", "mask_2") if links.get(name)]
    if (audio_2 is not None or masks) and (audio_2 is None or len(masks) < 2):
        raise BadInputError("Two speakers need all three of audio_2, mask_1 and mask_2.")
    if model.continues_latents and (audio_2 is not None or colour_match):
        raise BadInputError(
            f"{model.name} has one speaker and no colour_match: these are InfiniteTalk's. Connect "
            "its model_patch, or set colour_match to 0 and disconnect audio_2."
        )
