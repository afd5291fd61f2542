"""The workflow that paints its own portrait: who speaks follows from what is said."""

from __future__ import annotations

from myspinbot.client.graph import Graph

CHECKPOINT = "v1-5-pruned-emaonly-fp16.safetensors"
UNWANTED = (
    "two people, crowd, profile, turned away, cropped face, open mouth, teeth, hand in front of "
    "the face, microphone, sunglasses, mask, text, watermark, deformed, blurry, low quality"
)
"""What a portrait must not have to be made to talk."""


def portrait_from_prompt() -> tuple[Graph, str]:
    """Topic + voice to a narration, a portrait painted for it, and that portrait saying it."""
    graph = Graph()
    clip = graph.add("LoadAudio", "Voice clip", audio="voice.wav")
    voice = graph.add(
        "MySpinBot_VoiceProfile",
        reference=clip,
        transcript="",
        engine="kokoro",
        fit_steps=0,
        consent="",
    )
    words = graph.add(
        "MySpinBot_WriteNarration",
        topic="life at sea",
        narration="",
        persona="a retired sailor",
        tone="calm",
        language="en",
        duration_s=10,
        seed=0,
        voice=voice,
    )
    base = graph.add("CheckpointLoaderSimple", "Image model", ckpt_name=CHECKPOINT)
    graph.offer(
        base,
        CHECKPOINT,
        "https://huggingface.co/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main/" + CHECKPOINT,
        "checkpoints",
    )
    lora = graph.add(
        "LoraLoader",
        "Your own face (switched off)",
        model=base,
        clip=base.out(1),
        lora_name="my_face.safetensors",
        strength_model=1.0,
        strength_clip=1.0,
    )
    graph.bypass(lora, "model", "clip")
    sampled = graph.add(
        "KSampler",
        model=lora,
        positive=graph.add("CLIPTextEncode", "Scene", clip=lora.out(1), text=words.out(1)),
        negative=graph.add("CLIPTextEncode", "Not wanted", clip=lora.out(1), text=UNWANTED),
        latent_image=graph.add("EmptyLatentImage", width=512, height=512, batch_size=1),
        seed=0,
        steps=25,
        cfg=7.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1.0,
    )
    portrait = graph.add("VAEDecode", "Portrait", samples=sampled, vae=base.out(2))
    graph.add("SaveImage", images=portrait, filename_prefix="portrait_from_prompt")
    spoken = graph.add("MySpinBot_Speak", voice=voice, text=words, speed=1.0, seed=0)
    video = graph.add(
        "MySpinBot_TalkingPortrait",
        image=portrait,
        audio=spoken,
        speech=spoken.out(1),
        fps=25,
        max_side_px=512,
        expressiveness=1.0,
        head_motion=1.0,
        blink=1.0,
        gaze=1.0,
        seed=0,
    )
    graph.add(
        "MySpinBot_SaveTalkingBot",
        video=video,
        filename_prefix="video/portrait_from_prompt",
        crf=18,
        preset="veryfast",
        loudness="as it is",
        disclosure=True,
    )
    return graph, (
        "## A portrait for a topic\n"
        "**Write Narration** writes what is said and describes who says it; your image model "
        "paints that person, and the portrait talks.\n\n"
        "- Any checkpoint works; better ones paint better faces. The picture is saved, too.\n"
        "- No usable face? Another **seed** in the sampler; **Detect Face** says what is wrong.\n"
        "- Your own face: train or fetch a LoRA, choose it in **Your own face**, and switch the "
        "node on (Ctrl+B). Put its trigger word into **persona**.\n\n"
        "Fill in **transcript** with what the voice clip says."
    )
