"""Nodes that train a LoRA and save it."""

from __future__ import annotations

import json
from typing import Any

from comfy_api.latest import io

from ..myspinbot.errors import BadInputError
from ..myspinbot.lora.families import COVERAGES
from ..myspinbot.lora.lora_file import DTYPES, NAMINGS
from ..myspinbot.lora.recipe import EFFORTS, OPTIMISERS, PRECISIONS, SCHEDULES, SUBJECTS
from . import host, types

PRESET = "preset"
AUTOMATIC, NEVER = "auto", "never"
LoraModel, LossMap = io.Custom("LORA_MODEL"), io.Custom("LOSS_MAP")


class TrainLora(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_TrainLora",
            display_name="Train LoRA (MySpinBot)",
            category="MySpinBot/lora",
            description="Train a LoRA of a person, a thing or a style on the model itself, without "
            "a second copy of it: Stable Diffusion 1 and XL, Flux, Wan, and models like them. A "
            "cancelled or killed run goes on where it stopped.",
            search_aliases=["lora training", "dreambooth", "fine-tune", "finetune", "peft"],
            inputs=[
                io.Model.Input("model"),
                io.Clip.Input("clip"),
                io.Vae.Input("vae"),
                types.Dataset.Input("dataset", tooltip="From LoRA Dataset."),
                io.Combo.Input(
                    "subject",
                    options=list(SUBJECTS),
                    tooltip="identity: one person or thing, the rest of the model stays as it is. "
                    "style: how everything looks.",
                ),
                io.Combo.Input(
                    "effort",
                    options=list(EFFORTS),
                    default="balanced",
                    tooltip="Steps, rank and batch: fast is for trying, best takes four times as "
                    "long.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**63 - 1,
                    # another seed is another training: none would be resumed
                    control_after_generate=io.ControlAfterGenerate.fixed,
                    tooltip="Decides all.",
                ),
                io.String.Input(
                    "preview_prompt",
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="What the samples show; empty: the first caption of the dataset.",
                ),
                _number(io.Int, "steps", 0, 10**6, "Steps of the optimiser."),
                _number(io.Float, "learning_rate", 0.0, 1.0, "How far a step goes.", step=1e-6),
                _number(io.Int, "rank", 0, 512, "Size of the LoRA."),
                _number(io.Float, "alpha", 0.0, 1024.0, "Strength; usually as the rank.", step=0.5),
                _choice("targets", COVERAGES, "Which layers are adapted."),
                _number(io.Int, "batch", 0, 64, "Images a step."),
                _number(io.Int, "micro_batch", 0, 64, "Images in memory at once."),
                _choice("optimizer", OPTIMISERS, "prodigy finds its learning rate."),
                _choice("schedule", SCHEDULES, "How the learning rate goes on after its start."),
                _choice("precision", PRECISIONS, "Of the model; auto: bf16 on a GPU that has it."),
                _number(
                    io.Float, "prior_weight", -1.0, 10.0, "How much the class is held in place."
                ),
                _number(io.Float, "background", -1.0, 1.0, "What counts outside a mask."),
                _number(io.Int, "preview_every", -1, 10**6, "Steps between samples; 0 only last."),
                _choice("gradient_checkpointing", ("on", "off"), "Less memory, a third slower."),
                io.Combo.Input(
                    "resume",
                    options=[AUTOMATIC, NEVER],
                    optional=True,
                    advanced=True,
                    tooltip="auto: go on where the same training stopped.",
                ),
                LoraModel.Input(
                    "start_from", optional=True, tooltip="A LoRA of this node to train further."
                ),
            ],
            outputs=[
                LoraModel.Output(display_name="lora"),
                LossMap.Output(display_name="loss_map"),
                io.Image.Output(display_name="samples"),
                io.Image.Output(display_name="loss_plot"),
                io.Int.Output(display_name="steps"),
                io.String.Output(display_name="report"),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model,
        clip,
        vae,
        dataset,
        subject,
        effort,
        seed,
        preview_prompt="",
        gradient_checkpointing=PRESET,
        resume=AUTOMATIC,
        start_from=None,
        **settings,
    ) -> io.NodeOutput:
        from .lora_job import LoraJob

        changes = _changed(settings)
        if gradient_checkpointing != PRESET:
            changes["recompute"] = gradient_checkpointing == "on"
        job = LoraJob(model, dataset, subject, effort, {"seed": seed, **changes})
        job.encode(clip, vae, preview_prompt)
        job.train(str(cls.hidden.unique_id), resume=resume == AUTOMATIC, start_from=start_from)
        return io.NodeOutput(
            job.lora(),
            job.loss_map(),
            host.pictures(vae, job.samples),
            types.from_pixels(job.plot()),
            job.steps,
            json.dumps(job.report(), indent=2, ensure_ascii=False),
        )


def _changed(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that the user has not left to the preset."""
    names = {"optimizer": "optimiser"}
    unset = {"prior_weight": -1, "background": -1, "preview_every": -1}
    return {
        names.get(name, name): value
        for name, value in settings.items()
        if value != PRESET and value != unset.get(name, 0)
    }


def _number(kind: Any, name: str, low: float, high: float, tooltip: str, **how: Any) -> Any:
    return kind.Input(
        name,
        default=low,
        min=low,
        max=high,
        optional=True,
        advanced=True,
        tooltip=f"{tooltip} {low:g}: the preset's.",
        **how,
    )


def _choice(name: str, options: tuple[str, ...], tooltip: str) -> Any:
    return io.Combo.Input(
        name, options=[PRESET, *options], optional=True, advanced=True, tooltip=tooltip
    )


class SaveLora(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="MySpinBot_SaveLora",
            display_name="Save LoRA (MySpinBot)",
            category="MySpinBot/lora",
            description="Save a LoRA where ComfyUI's LoRA loaders find it, with notes on how it "
            "was made. Press R in the editor to see the new file in open lists.",
            is_output_node=True,
            inputs=[
                LoraModel.Input("lora"),
                io.String.Input("filename_prefix", default="spinbot"),
                io.Combo.Input(
                    "naming",
                    options=list(NAMINGS),
                    default="kohya",
                    tooltip="Names of the tensors. kohya: most other programs know them too.",
                ),
                io.Combo.Input("dtype", options=list(DTYPES), tooltip="bf16: half of fp32's size."),
                io.String.Input(
                    "consent",
                    default="",
                    tooltip="Who is shown and agreed to what: kept in the file.",
                ),
                io.String.Input("licence", default="", tooltip="Of the LoRA: kept in the file."),
                io.Int.Input(
                    "steps",
                    default=0,
                    min=0,
                    max=10**9,
                    optional=True,
                    advanced=True,
                    tooltip="For the file's name; 0: what the LoRA says itself.",
                ),
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="Checks that every part of the LoRA finds its place in this model.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="file"),
                io.String.Output(display_name="report"),
            ],
        )

    @classmethod
    def validate_inputs(cls, filename_prefix):
        if filename_prefix is None:  # linked, and not known yet
            return True
        try:
            host.lora_file(filename_prefix, 0)
        except BadInputError as error:
            return str(error)  # before hours of training, not after
        return True

    @classmethod
    def execute(
        cls, lora, filename_prefix, naming, dtype, consent, licence, steps=0, model=None
    ) -> io.NodeOutput:
        from ..myspinbot.lora import lora_file

        notes = {**getattr(lora, "notes", {}), "consent": consent, "licence": licence}
        steps = steps or int(notes.get("steps", 0))
        path, name = host.lora_file(filename_prefix, steps)
        report: dict[str, Any] = {"file": name, "tensors": len(lora)}
        if model is not None:
            named = lora_file.named(lora, naming, getattr(lora, "published", {}))
            report["unmapped"] = host.unmapped(model, named)
        lora_file.save_lora(path, lora, naming=naming, dtype=dtype, notes=notes)
        report |= {"bytes": path.stat().st_size, "notes": notes}
        host.metrics().artifact("lora", path.stat().st_size)  # not in the output folder
        return io.NodeOutput(name, json.dumps(report, indent=2, ensure_ascii=False))
