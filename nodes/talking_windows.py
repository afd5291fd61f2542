"""The nodes that a Talking Video becomes, around ComfyUI's own: one window after the other.

Next looks which windows are missing and becomes the nodes that render the first few, and the next
Next. A window is Hear (its audio features), Window (where it starts), ComfyUI's conditioning and
KSampler, and Keep (frames to the store). So only one is in memory, and what is finished survives a
crash.
"""

from __future__ import annotations

import numpy as np
import torch
from comfy_api.latest import io

from ..myspinbot.errors import StorageError
from ..myspinbot.lipsync import hearing
from ..myspinbot.lipsync.windows import DECODE_CONTEXT, LATENT_FRAMES
from ..myspinbot.memory import give_back
from . import host, types
from .talking_job import Job, TalkingJob
from .talking_models import check_hearing, check_models

CHECKED = ("audio_encoder", "model", "vae", "model_patch")
"""What is looked at before anything else is done with it."""
MASKS = ("mask_1", "mask_2")
TOGETHER = 4
"""Windows that one Next becomes: each Next lies inside the one before, and ComfyUI goes through all
of them again and again, with names that grow."""


def _inner(node_id: str, name: str, description: str, inputs, outputs, **options) -> io.Schema:
    return io.Schema(
        node_id=node_id,
        display_name=f"Talking Video: {name}",
        category="MySpinBot/lip-sync",
        description=f"Part of a running Talking Video: {description}",
        inputs=[Job.Input("job"), io.Int.Input("index", default=0, min=0), *inputs],
        outputs=outputs,
        is_dev_only=True,
        **options,
    )


class TalkingVideoNext(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return _inner(
            "MySpinBot_TalkingVideoNext",
            "next",
            "becomes the nodes of the next missing windows, or the video.",
            [io.AnyType.Input("after", optional=True)],
            [io.Video.Output()],
            enable_expand=True,
        )

    @classmethod
    def execute(cls, job: TalkingJob, index: int, after=None) -> io.NodeOutput:
        video = job.video
        missing = video.missing()[:TOGETHER]  # also what somebody deleted meanwhile
        if missing and job.finished > 2 * job.forecast.missing + TOGETHER:
            raise StorageError(
                f"Finished windows disappear from {video.store.folder} while others are made: let "
                "nothing else delete there, or raise MYSPINBOT_TALKING_VIDEO_MB."
            )
        if not missing:
            film = video.film(len(video.windows), host.temporary())
            return io.NodeOutput(host.RenderedVideo(film))
        graph, kept = host.GraphBuilder(), None
        for window in missing:
            kept = _window_graph(graph, job, window, kept)
        following = graph.node(
            "MySpinBot_TalkingVideoNext", id="Next", job=job, index=missing[-1] + 1, after=kept
        )
        return io.NodeOutput(following.out(0), expand=graph.finalize())


def _window_graph(
    graph: host.GraphBuilder, job: TalkingJob, index: int, after: list | None
) -> list:
    """The nodes of one window, to be run after another was kept; returns the link to its end."""
    video, links = job.video, job.links
    window, sampling = video.windows[index], video.sampling
    own, name = {"job": job, "index": index}, f"W{index + 1}"
    hear = graph.node(
        "MySpinBot_TalkingVideoHear",
        id=f"{name}.Hear",
        **{name: links[name] for name in CHECKED if links.get(name)},
        **own,
        **({"after": after} if after else {}),
    )
    start = graph.node(
        "MySpinBot_TalkingVideoWindow",
        id=f"{name}.Window",
        vae=links["vae"],
        after=hear.out(0),
        **{mask: links[mask] for mask in MASKS if video.border is not None},
        **own,
    )
    prompts = {name: links[name] for name in ("positive", "negative")}
    if video.model.continues_latents:
        common = {
            **prompts,
            "vae": start.out(1),
            "length": window.length - LATENT_FRAMES + 1,
            "audio_encoder_output": hear.out(0),
            "ref_image": start.out(0),
        }
        if index:
            shaped = graph.node(
                "WanSoundImageToVideoExtend",
                id=f"{name}.Shape",
                video_latent=start.out(2),
                **common,
            )
        else:
            width, height = video.size
            shaped = graph.node(
                "WanSoundImageToVideo",
                id=f"{name}.Shape",
                width=width,
                height=height,
                batch_size=1,
                **common,
            )
        model, outputs = links["model"], (0, 1, 2)
    else:
        width, height = video.size
        shaped = graph.node(
            "WanInfiniteTalkToVideo",
            id=f"{name}.Shape",
            model=links["model"],
            model_patch=links["model_patch"],
            **prompts,
            vae=start.out(1),
            width=width,
            height=height,
            length=window.length,
            start_image=start.out(0),
            audio_encoder_output_1=hear.out(0),
            motion_frame_count=video.motion_frames,
            audio_scale=video.options["audio_scale"],
            **_speakers(job, hear, start),
            **({"clip_vision_output": clip} if (clip := links.get("clip_vision_output")) else {}),
            **({"previous_frames": start.out(2)} if index else {}),
        )
        model, outputs = shaped.out(0), (1, 2, 3)
    positive, negative, latent = (shaped.out(slot) for slot in outputs)
    sampled = graph.node(
        "KSampler",
        id=f"{name}.Sample",
        model=model,
        positive=positive,
        negative=negative,
        latent_image=latent,
        seed=(sampling.seed + index) % 2**64,
        steps=sampling.steps,
        cfg=sampling.cfg,
        sampler_name=sampling.sampler_name,
        scheduler=sampling.scheduler,
        denoise=1.0,
    )
    used = [hear.out(0), hear.out(1), start.out(0), start.out(2)]
    used += [shaped.out(slot) for slot in range(outputs[-1] + 1)]
    kept = graph.node(
        "MySpinBot_TalkingVideoKeep",
        id=f"{name}.Keep",
        latent=sampled.out(0),
        vae=links["vae"],
        **own,
        **{f"used_{number}": link for number, link in enumerate(used, 1)},
    )
    return kept.out(0)


def _speakers(job: TalkingJob, hear, start) -> dict[str, object]:
    if job.video.border is None:
        return {"mode": "single_speaker"}
    masks = {f"mode.{name}": start.out(3 + number) for number, name in enumerate(MASKS)}
    return {"mode": "two_speakers", "mode.audio_encoder_output_2": hear.out(1), **masks}


class TalkingVideoHear(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return _inner(
            "MySpinBot_TalkingVideoHear",
            "hear",
            "what the model hears in one window.",
            [
                io.AudioEncoder.Input("audio_encoder"),
                io.Model.Input("model"),
                io.Vae.Input("vae"),
                io.ModelPatch.Input("model_patch", optional=True),
                io.AnyType.Input("after", optional=True),
            ],
            [io.AudioEncoderOutput.Output("first"), io.AudioEncoderOutput.Output("second")],
        )

    @classmethod
    def execute(
        cls, job: TalkingJob, index: int, audio_encoder, model, vae, model_patch=None, after=None
    ) -> io.NodeOutput:
        video = job.video
        check_models(video.model, model, vae, model_patch)
        job.begin(index)
        window = video.windows[index]
        encode, heard = host.listener(audio_encoder), video.heard(window)
        layers = [encode(excerpt.samples) for excerpt in heard]
        check_hearing(video.model, layers[0])
        if video.model.continues_latents:
            features = [layer[:, heard[0].lead :] for layer in layers[0]]
            return io.NodeOutput(hearing.output(features), None)
        before = hearing.MARGIN if index else 0
        count = before + window.length + hearing.MARGIN
        values = [
            hearing.frame_features(each, excerpt.lead, before, count)
            for each, excerpt in zip(layers, heard, strict=True)
        ]
        if video.border is None:
            return io.NodeOutput(hearing.output(hearing.undisturbed(values[0])), None)
        border = video.border - window.start + before
        first, second = hearing.take_turns(values[0], values[1], border)
        return io.NodeOutput(hearing.output(first), hearing.output(second))


class TalkingVideoWindow(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return _inner(
            "MySpinBot_TalkingVideoWindow",
            "window",
            "where one window starts: the portrait and what came before.",
            [
                io.Vae.Input("vae"),
                io.AnyType.Input("after", optional=True),
                *(io.Mask.Input(name, optional=True) for name in MASKS),
            ],
            [
                io.Image.Output("portrait"),
                io.Vae.Output("vae_once"),
                io.AnyType.Output("before"),
                *(io.Mask.Output(name) for name in MASKS),
            ],
        )

    @classmethod
    def execute(cls, job: TalkingJob, index: int, vae, after=None, **masks) -> io.NodeOutput:
        video = job.video
        window = video.windows[index]
        seen = [
            torch.from_numpy(video.seen_mask(types.to_mask(masks[name]), window, name))[None]
            for name in MASKS
            if name in masks
        ] or [None, None]
        portrait = torch.from_numpy(video.portrait(window)).float()[None] / 255
        padded = 1 if video.model.continues_latents else window.length
        once = host.remembering(vae, padded, job.encoded, f"{video.view(window)}")
        state = video.before(index)
        if "latents" in state:
            latents = state["latents"][:, :, -video.remembered(window) :]
            return io.NodeOutput(portrait, once, {"samples": latents}, *seen)
        if "frames" in state:
            known = state["frames"].float() / 255
            # ComfyUI counts these to know where in its features it is
            ahead = known[:1].expand(hearing.MARGIN, -1, -1, -1)
            return io.NodeOutput(portrait, once, torch.cat([ahead, known]), *seen)
        return io.NodeOutput(portrait, once, None, *seen)


class TalkingVideoKeep(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return _inner(
            "MySpinBot_TalkingVideoKeep",
            "keep",
            "decodes one window, stores it and shows what there is so far.",
            [
                io.Latent.Input("latent"),
                io.Vae.Input("vae"),
                *(io.AnyType.Input(f"used_{n}", optional=True) for n in range(1, 9)),
            ],
            [io.Int.Output("index_done")],
        )

    @classmethod
    def execute(cls, job: TalkingJob, index: int, latent, vae, **used) -> io.NodeOutput:
        video, tick = job.video, host.ticker()
        window, samples = video.windows[index], latent["samples"]
        if video.model.continues_latents:
            frames = host.decode(vae, _with_context(job, index, samples))
            video.keep_latents(
                index, _aligned(frames, window.made, first=index == 0), samples, tick
            )
        else:
            frames = host.decode(vae, samples)[window.known :]
            video.keep_frames(index, frames, tick)
        host.let_go([latent, *used.values()])
        host.forget_progress(job.node_id)
        job.finish()
        shown: dict = {}
        if job.preview_is_due(index + 1) and not any(gone <= index for gone in video.missing()):
            film = video.film(index + 1, host.temporary())
            shown = host.preview_video(film)
        video.store.shrink(set(video.keys))
        del frames, samples
        give_back()
        return io.NodeOutput(index, ui=shown)


def _with_context(job: TalkingJob, index: int, latents: torch.Tensor) -> torch.Tensor:
    """Latents with some of those before: the first one there is decoded to one frame, not four."""
    if index == 0:
        return torch.cat([latents[:, :, :1], latents], dim=2)
    known = job.video.before(index)["latents"][:, :, -DECODE_CONTEXT:]
    return torch.cat([known.to(latents), latents], dim=2)


def _aligned(frames: np.ndarray, made: int, first: bool) -> np.ndarray:
    """The last `made` frames; a video's first two, which the model leaves raw, show the third."""
    frames = frames[-made:]
    if first and made > 2:
        frames[:2] = frames[2]
    return frames
