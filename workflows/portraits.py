"""The workflows that paint their own portrait: for what is said, or of a face that was learned."""

from __future__ import annotations

from typing import Any

from myspinbot.client.graph import Graph, Node
from workflows import stages

CHECKPOINT = "v1-5-pruned-emaonly-fp16.safetensors"
UNWANTED = (
    "two people, crowd, profile, turned away, cropped face, open mouth, teeth, hand in front of "
    "the face, microphone, sunglasses, mask, text, watermark, deformed, blurry, low quality"
)
"""What a portrait must not have to be made to talk."""
WANTED = (
    "a photo of ohwx woman, head and shoulders, facing the camera, mouth closed, calm, in a "
    "library full of books, soft daylight"
)


def portrait_from_prompt() -> tuple[Graph, str]:
    """Topic + voice to a narration, a portrait painted for it, and that portrait saying it."""
    graph = Graph()
    voice = stages.own_voice(graph, fit_steps=0)
    words = stages.words(graph, voice, topic="life at sea", persona="a retired sailor", tone="calm")
    base = image_model(graph)
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
    portrait = _painted(
        graph,
        lora,
        words=graph.add("CLIPTextEncode", "Scene", clip=lora.out(1), text=words.out(1)),
        unwanted=graph.add("CLIPTextEncode", "Not wanted", clip=lora.out(1), text=UNWANTED),
        vae=base.out(2),
        name="portrait_from_prompt",
    )
    video = stages.animated(graph, portrait, stages.spoken(graph, voice, words))
    stages.saved(graph, video, "portrait_from_prompt")
    return graph, (
        "## A portrait for a topic\n"
        "**Write Narration** writes what is said and describes who says it; your image model "
        "paints that person, and the portrait talks.\n\n"
        "- Any checkpoint works; better ones paint better faces. The picture is saved, too.\n"
        "- No usable face? Another **seed** in the sampler; **Detect Face** says what is wrong.\n"
        "- Your own face: train a LoRA (workflow **train_identity_lora**), choose it in **Your own "
        "face**, and switch the node on (Ctrl+B). Put its trigger word into **persona**.\n\n"
        "Fill in **transcript** with what the voice clip says."
    )


def portrait_with_lora() -> tuple[Graph, str]:
    """A LoRA of a face, trained once: a new portrait of it, and that portrait talking."""
    graph = Graph()
    base = image_model(graph)
    lora = graph.add(
        "LoraLoaderModelOnly",
        "Your LoRA",
        model=base,
        lora_name="my_face.safetensors",
        strength_model=1.0,
    )
    portrait = _painted(
        graph,
        lora,
        words=graph.add("CLIPTextEncode", "What to paint", clip=base.out(1), text=WANTED),
        unwanted=graph.add("CLIPTextEncode", "Not wanted", clip=base.out(1), text=UNWANTED),
        vae=base.out(2),
        name="portrait_with_lora",
    )
    bot = stages.bot(graph, portrait, "why we keep old photographs")
    stages.saved(graph, bot, "portrait_with_lora")
    return graph, (
        "## A portrait from your own LoRA\n"
        "1. Train a LoRA of the same **Image model** with the workflow **train_identity_lora**.\n"
        "2. Choose its file in **Your LoRA** (press R to see new files).\n"
        "3. **What to paint**: keep trigger and class word of the training, here `ohwx woman`, and "
        "describe the rest: clothes, place, light.\n"
        "4. **Voice clip** and **transcript**: whose voice speaks, and what the clip says.\n\n"
        "Not alike? **strength_model** 1.2, or another **seed**. Stiff or burnt? 0.7. No usable "
        "face? Keep *facing the camera* and *mouth closed* in the text.\n\n"
        "Use only faces and voices whose owners agreed; write it into **consent**."
    )


def image_model(graph: Graph) -> Node:
    base = graph.add("CheckpointLoaderSimple", "Image model", ckpt_name=CHECKPOINT)
    graph.offer(
        base,
        CHECKPOINT,
        "https://huggingface.co/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main/" + CHECKPOINT,
        "checkpoints",
    )
    return base


def _painted(
    graph: Graph, model: Node, *, words: Node, unwanted: Node, vae: Any, name: str
) -> Node:
    """A picture by `model`, which is saved, too."""
    sampled = graph.add(
        "KSampler",
        model=model,
        positive=words,
        negative=unwanted,
        latent_image=graph.add("EmptyLatentImage", width=512, height=512, batch_size=1),
        seed=0,
        steps=25,
        cfg=7.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1.0,
    )
    portrait = graph.add("VAEDecode", "Portrait", samples=sampled, vae=vae)
    graph.add("SaveImage", images=portrait, filename_prefix=name)
    return portrait
