"""The workflows on video models that need a GPU: Wan 2.1 InfiniteTalk and Wan 2.2 S2V."""

from __future__ import annotations

from typing import Any

from myspinbot.client.graph import Graph, Node
from workflows import stages
from workflows.finishing import sharpened

HUB = "https://huggingface.co"
WAN_21 = f"{HUB}/Comfy-Org/Wan_2.1_ComfyUI_repackaged/resolve/main/split_files"
WAN_22 = f"{HUB}/Comfy-Org/Wan_2.2_ComfyUI_Repackaged/resolve/main/split_files"
KIJAI = f"{HUB}/Kijai/WanVideo_comfy/resolve/main"
NEGATIVE = (
    "bright tones, overexposed, static, blurred details, subtitles, worst quality, low quality, "
    "ugly, deformed, extra fingers, poorly drawn hands, poorly drawn face, still picture, "
    "three legs, walking backwards"
)


def talking_bot_infinitetalk() -> tuple[Graph, str]:
    """Portrait + voice + topic to a video that Wan 2.1 InfiniteTalk renders, of any length."""
    graph = Graph()
    portrait, words, spoken = _speech(graph)
    model = _load(
        graph,
        "UNETLoader",
        "diffusion_models",
        f"{HUB}/Kijai/WanVideo_comfy_fp8_scaled/resolve/main/I2V/"
        "Wan2_1-I2V-14B-480p_fp8_e4m3fn_scaled_KJ.safetensors",
        "unet_name",
        weight_dtype="default",
    )
    fast = _load(
        graph,
        "LoraLoaderModelOnly",
        "loras",
        f"{KIJAI}/Lightx2v/lightx2v_I2V_14B_480p_cfg_step_distill_rank64_bf16.safetensors",
        "lora_name",
        model=model,
        strength_model=1.0,
    )
    patch = _load(
        graph,
        "ModelPatchLoader",
        "model_patches",
        f"{WAN_21}/model_patches/wan2.1_infiniteTalk_single_fp16.safetensors",
        "name",
    )
    encoder = _load(
        graph,
        "AudioEncoderLoader",
        "audio_encoders",
        f"{HUB}/Kijai/wav2vec2_safetensors/resolve/main/wav2vec2-chinese-base_fp16.safetensors",
        "audio_encoder_name",
    )
    video = graph.add(
        "MySpinBot_TalkingVideo",
        model=fast,
        model_patch=patch,
        **_conditioning(graph, words),
        vae=_load(graph, "VAELoader", "vae", f"{KIJAI}/Wan2_1_VAE_bf16.safetensors", "vae_name"),
        audio_encoder=encoder,
        image=portrait,
        audio=spoken,
        **_sampling(steps=6, cfg=1.0, sampler_name="euler", scheduler="simple"),
        motion_frames=9,
        audio_scale=1.0,
        colour_match=0.0,
        zoom=1.0,
        pan_x=0.0,
        pan_y=0.0,
    )
    stages.saved(graph, _finished(graph, video), "talking_bot_infinitetalk")
    return graph, (
        "## Talking bot with InfiniteTalk\n"
        "Wan 2.1 makes the portrait act: head, hands and background move. For a GPU of 16 GB or "
        "more; the editor offers the models to download.\n\n"
        "**Talking Video** renders window after window at constant memory, shows what there is "
        "so far, and continues where it stopped if ComfyUI is closed meanwhile.\n\n"
        "**Upscale Video** doubles its size while it is saved. **Restore Faces** is switched off: "
        "it wants `GFPGANv1.4.pth` in `models/facerestore_models`; its help page says where it is. "
        "Switch it and its loader on with Ctrl+B.\n\n"
        "No topic? Write into **narration** what is to be said. Fill in **transcript** with what "
        "the voice clip says."
    )


def talking_bot_s2v() -> tuple[Graph, str]:
    """The same with Wan 2.2 S2V, which moves more and has 16 frames a second."""
    graph = Graph()
    portrait, words, spoken = _speech(graph)
    model = _load(
        graph,
        "UNETLoader",
        "diffusion_models",
        f"{WAN_22}/diffusion_models/wan2.2_s2v_14B_fp8_scaled.safetensors",
        "unet_name",
        weight_dtype="default",
    )
    encoder = _load(
        graph,
        "AudioEncoderLoader",
        "audio_encoders",
        f"{WAN_22}/audio_encoders/wav2vec2_large_english_fp16.safetensors",
        "audio_encoder_name",
    )
    video = graph.add(
        "MySpinBot_TalkingVideo",
        model=graph.add("ModelSamplingSD3", model=model, shift=8.0),
        **_conditioning(graph, words),
        vae=_load(graph, "VAELoader", "vae", f"{WAN_22}/vae/wan_2.1_vae.safetensors", "vae_name"),
        audio_encoder=encoder,
        image=portrait,
        audio=spoken,
        **_sampling(steps=20, cfg=6.0, sampler_name="uni_pc", scheduler="simple"),
        zoom=1.0,
        pan_x=0.0,
        pan_y=0.0,
    )
    stages.saved(graph, video, "talking_bot_s2v")
    return graph, (
        "## Talking bot with Wan 2.2 S2V\n"
        "Follows the prompt more freely than InfiniteTalk, at 16 frames a second and 20 steps a "
        "window: slower. For a GPU of 16 GB or more; the editor offers the models to download.\n\n"
        "Fill in **transcript** with what the voice clip says."
    )


def _speech(graph: Graph) -> tuple[Node, Node, Node]:
    """The portrait, what is said, and its sound."""
    portrait = stages.picture(graph)
    voice = stages.own_voice(graph, fit_steps=12)
    words = stages.words(graph, voice)
    return portrait, words, stages.spoken(graph, voice, words)


def _conditioning(graph: Graph, words: Node) -> dict[str, Node]:
    clip = _load(
        graph,
        "CLIPLoader",
        "text_encoders",
        f"{WAN_21}/text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors",
        "clip_name",
        type="wan",
        device="default",
    )
    stage = graph.add("CLIPTextEncode", "Scene", clip=clip, text=words.out(1))
    return {
        "positive": stage,
        "negative": graph.add("CLIPTextEncode", "Not wanted", clip=clip, text=NEGATIVE),
    }


def _sampling(**chosen: Any) -> dict[str, Any]:
    return {"seed": 0, "width": 0, "height": 0, "window_frames": 81, **chosen}


def _finished(graph: Graph, video: Node) -> Node:
    """The video, larger, and with a sharp face where the user has the net for it."""
    sharp, restorer = sharpened(graph, video)
    graph.bypass(restorer)  # its net is not where the editor downloads from
    graph.bypass(sharp, "video")
    return sharp


def _load(graph: Graph, loader: str, folder: str, url: str, file_input: str, **more) -> Node:
    """A loader node for the file at `url`, which the editor offers to download."""
    name = url.rpartition("/")[2]
    node = graph.add(loader, **{file_input: name}, **more)
    graph.offer(node, name, url, folder)
    return node
