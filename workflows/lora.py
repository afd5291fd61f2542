"""The workflow that trains a LoRA of a face."""

from __future__ import annotations

from myspinbot.client.graph import Graph
from workflows.portraits import WANTED, image_model

LORA_NAME = "my_face"


def train_identity_lora() -> tuple[Graph, str]:
    """Pictures of a person to a LoRA file, with samples on the way."""
    graph = Graph()
    picture = graph.add("LoadImage", "Portrait", image="portrait.png")
    base = image_model(graph)
    dataset = graph.add(
        "MySpinBot_LoraDataset",
        images=picture,
        folder="none",
        trigger="ohwx",
        class_word="woman",
        captions="",
        crop="both",
        resolution=512,
        min_images=12,
        mirror=True,
        face_mask=True,
        seed=0,
    )
    trained = graph.add(
        "MySpinBot_TrainLora",
        model=base,
        clip=base.out(1),
        vae=base.out(2),
        dataset=dataset,
        subject="identity",
        effort="balanced",
        seed=0,
        preview_prompt=WANTED,
    )
    graph.add(
        "MySpinBot_SaveLora",
        lora=trained,
        filename_prefix=LORA_NAME,
        naming="kohya",
        dtype="bf16",
        consent="",
        licence="",
        model=base,
    )
    graph.add("PreviewAny", "What is learned from", source=dataset.out(4))
    graph.add("PreviewImage", "Samples", images=trained.out(2))
    graph.add("PreviewImage", "Loss", images=trained.out(3))
    return graph, (
        "## A LoRA of a face\n"
        "1. **Portrait**: one picture works. Better: ten to twenty in a folder inside ComfyUI's "
        "`input` folder; choose it in **folder**, and remove **Portrait**.\n"
        "2. **class_word**: woman, man, person. **trigger** stays, or is another invented word; "
        "both belong into your prompts.\n"
        "3. Run with **effort** *fast* first and look at **Samples**: before, during and after. "
        "Then *balanced*.\n"
        "4. The file is in the list of every LoRA loader (press R). See **portrait_with_lora**.\n\n"
        "Cancel keeps what was learned, and running again goes on. Short of memory? Lower "
        "**resolution**, or *fast*.\n\n"
        "Use only pictures whose owners agreed; write it into **consent**: it stays in the file."
    )
