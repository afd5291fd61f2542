"""Nodes that make the mouths of a film, or of a still, say another sound."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path

import torch
from comfy_api.latest import InputImpl, Types, io

from ..myspinbot.errors import BadInputError, MySpinBotError
from ..myspinbot.lipsync.engines import ENGINES, PART_FOLDERS, engine_of, missing_parts, open_engine
from . import host, types
from .face import load_finder

WHEN_SHORT = ["loop", "ping-pong", "hold"]
find = partial(host.stored, host.LIPSYNC)


class LipSyncModelLoader(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_LipSyncModelLoader",
            display_name="Load Lip-Sync Model",
            category="MySpinBot/lip-sync",
            description="Load weights of Wav2Lip or MuseTalk from models/spinbot_lipsync. Which "
            "net they are for is read from the file.",
            search_aliases=["wav2lip", "musetalk"],
            inputs=[
                io.Combo.Input(
                    "model_name",
                    options=choices(),
                    tooltip="wav2lip_gan.pth, or MuseTalk's unet.pth, which also needs the folders "
                    "sd-vae and whisper beside it.",
                )
            ],
            outputs=[types.LipSync.Output(display_name="lip_sync")],
        )

    @classmethod
    def fingerprint_inputs(cls, model_name):
        path = find([model_name])
        return path.stat().st_mtime_ns if path else ""

    @classmethod
    def execute(cls, model_name) -> io.NodeOutput:
        path = find([model_name])
        if path is None:
            raise BadInputError(f"There is no {model_name!r} in models/{host.LIPSYNC}.")
        return io.NodeOutput(
            host.Managed(lambda: open_engine(path, find, host.unet, host.image_codec))
        )


class LipSync(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_LipSync",
            display_name="Lip-Sync",
            category="MySpinBot/lip-sync",
            description="Draw the mouths of a film, or of a still, anew, so that they say the "
            "audio. The video is rendered while it is saved, and is as long as the audio.",
            search_aliases=["dubbing", "wav2lip", "musetalk", "talking head"],
            inputs=[
                types.LipSync.Input("lip_sync"),
                io.MultiType.Input(
                    "pictures",
                    types=[io.Video, io.Image],
                    tooltip="A video, one image, or a batch of images that are its frames. Frames "
                    "without a face stay as they are.",
                ),
                io.Audio.Input("audio"),
                io.Combo.Input(
                    "when_short",
                    options=WHEN_SHORT,
                    tooltip="When the pictures end before the audio: begin again, go back and "
                    "forth, or hold the last one.",
                ),
                io.Float.Input(
                    "fps",
                    default=25,
                    min=1,
                    max=60,
                    step=1,
                    optional=True,
                    tooltip="Of images; a video keeps its own.",
                ),
            ],
            outputs=[io.Video.Output(display_name="video")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, lip_sync, pictures, audio, when_short, fps=25.0) -> io.NodeOutput:
        from ..myspinbot.lipsync.dubbing import Dubbing

        if isinstance(pictures, torch.Tensor):
            frames = Types.VideoComponents(pictures, Fraction(fps).limit_denominator(1001))
            pictures = InputImpl.VideoFromComponents(frames)
        finder, node_id = load_finder(), str(cls.hidden.unique_id)
        dubbing = Dubbing(
            host.seekable_source(pictures),
            types.to_audio(audio),
            lambda: tuple(host.ready(lip_sync, finder)),
            when_short=when_short,
            tell=lambda line: host.say(node_id, line),
        )
        return io.NodeOutput(host.RenderedVideo(dubbing, keep=True))


def choices() -> list[str]:
    """The weights that can be chosen: not those that only belong to others."""
    names = host.files(host.LIPSYNC)
    return [name for name in names if Path(name).parts[0] not in PART_FOLDERS]


def engines() -> dict[str, dict]:
    """Which lip-sync engines there are, with which files, and what they still need."""
    models = {name: _engine_in(name) for name in choices()}
    states = {}
    for engine, row in ENGINES.items():
        parts = [part.names[0] for part in missing_parts(engine, find)]
        files = [name for name, known in models.items() if known == engine]
        states[engine] = {
            "licence": row.licence,
            "source": row.source,
            "models": files,
            "missing_files": parts if files else [*parts, "its weights"],
            "usable": bool(files) and not parts,
        }
    return states


def _engine_in(name: str) -> str | None:
    path = find([name])
    return _engine_of(path, path.stat().st_mtime_ns) if path else None


@lru_cache(maxsize=64)
def _engine_of(path: Path, changed_ns: int) -> str | None:
    from ..myspinbot.lipsync.engines.checkpoint import read_tensors

    try:
        return engine_of(read_tensors(path, shapes_only=True))
    except MySpinBotError:
        return None
