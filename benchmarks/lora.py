"""A step of LoRA training against ComfyUI's own node and a plain script with diffusers and peft.

The same tiny SD1.5 (44 million random weights, 32x32 latents, rank 8, float32, one thread, torch's
attention), each run in a fresh process: CPU-seconds of the best step of all runs, and the peak of
the resident memory over that of the loaded model, median of the runs. Captions differ within a
batch. diffusers is no requirement of the pack: without it its rows are left out.

    python -m benchmarks.lora [1 or 4 images, or part of a case's name]...
    python -m benchmarks.lora full     # a UNet of Stable Diffusion's size; 8 GB, and 3.5 on disk
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts.environment import ROOT, comfyui

CASES: list[tuple[str, int, dict[str, Any]]] = [
    ("core, no checkpointing", 1, {"engine": "core"}),
    ("core, checkpointing (default)", 1, {"engine": "core", "depth": 1}),
    ("core, checkpointing depth 2", 1, {"engine": "core", "depth": 2}),
    ("diffusers + peft", 1, {"engine": "diffusers"}),
    ("diffusers + peft, checkpointing", 1, {"engine": "diffusers", "depth": 1}),
    ("ours, all layers", 1, {"engine": "ours", "targets": "all"}),
    ("ours, all layers, checkpointing", 1, {"engine": "ours", "targets": "all", "depth": 1}),
    ("ours, attention, checkpointing", 1, {"engine": "ours", "targets": "attention", "depth": 1}),
    ("core, no checkpointing", 4, {"engine": "core"}),
    ("core, checkpointing (default)", 4, {"engine": "core", "depth": 1}),
    ("diffusers + peft", 4, {"engine": "diffusers"}),
    ("diffusers + peft, checkpointing", 4, {"engine": "diffusers", "depth": 1}),
    ("ours, all layers", 4, {"engine": "ours", "targets": "all"}),
    ("ours, all layers, checkpointing", 4, {"engine": "ours", "targets": "all", "depth": 1}),
    ("ours, attention, checkpointing", 4, {"engine": "ours", "targets": "attention", "depth": 1}),
    (
        "full size: ours, attention, checkpointing",
        1,
        {"engine": "ours", "targets": "attention", "depth": 1, "full": True},
    ),
]
STEPS = {1: 5, 4: 3}
"""Of each run, by batch; the first one is not counted."""
RUNS = {1: 3, 4: 1}

PROLOGUE = """
import importlib.util, json, os, sys, time
root, tree, weights, batch, steps, options = sys.argv[1:]
batch, steps, options = int(batch), int(steps), json.loads(options)
sys.argv = ["main.py", "--cpu", "--use-pytorch-cross-attention", "--base-directory", "."]
sys.path[:0] = [tree, root]
import torch
torch.set_num_threads(1)
own = torch.Generator().manual_seed(0)
latents = torch.randn(batch, 4, 32, 32, generator=own)
texts = torch.randn(batch, 77, 768, generator=own)
ends = []

def begin():
    # what the peak is counted from
    global loaded
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    loaded = status("VmRSS")
    ends.append(time.process_time())

def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))

def end(*_):
    ends.append(time.process_time())
"""
COMFYUI = """
import comfy.options; comfy.options.enable_args_parsing()
import comfy.sd, comfy.model_management as mm
spec = importlib.util.spec_from_file_location(
    "pack", root + "/__init__.py", submodule_search_locations=[root])
sys.modules["pack"] = importlib.util.module_from_spec(spec)
inference = torch.inference_mode()
inference.__enter__()
load = comfy.sd.load_checkpoint_guess_config
model = load(weights, output_clip=False, output_vae=False)[0]
mm.load_models_gpu([model])
positive = [[text[None], {}] for text in texts]
"""
CORE = """
from comfy_extras import nodes_train
class Bar:
    def __init__(self, total): pass
    update = end
nodes_train.ProgressBar = Bar
begin()
nodes_train.TrainLoraNode.execute(
    model=[model], latents=[{"samples": latents}], positive=[positive], batch_size=[batch],
    steps=[steps], grad_accumulation_steps=[1], learning_rate=[1e-4], rank=[8],
    optimizer=["AdamW"], loss_function=["MSE"], seed=[0], training_dtype=["fp32"],
    lora_dtype=["fp32"], quantized_backward=[False], algorithm=["LoRA"],
    gradient_checkpointing=["depth" in options], checkpoint_depth=[options.get("depth", 1)],
    offloading=[False], existing_lora=["[None]"], bucket_mode=[False], bypass_mode=[False])
"""
OURS = """
from pack.myspinbot.lora.adapters import Adapters
from pack.myspinbot.lora.batches import Example
from pack.myspinbot.lora.frozen import Freezing
from pack.myspinbot.lora.recipe import Recipe
from pack.myspinbot.lora.training import Training
from pack.nodes.host.denoiser import Caption, HostedDenoiser
import peft
# one step more, which ends with a validation and is not counted
recipe = Recipe(steps=steps + 1, rank=8, alpha=8.0, targets=options["targets"], batch=batch,
                averaging=0.0, validate_every=10**6, patience=0, preview_every=0,
                recompute="depth" in options, caption_dropout=0.0)
denoiser = HostedDenoiser(model)
adapters = Adapters(denoiser.net, denoiser.family.targets(denoiser.net, recipe.targets),
                    rank=8, alpha=8.0)
begin()
adapters.initialise(0)
freezing = Freezing(denoiser.net, denoiser.family, recompute=recipe.recompute,
                    weight_of=denoiser.weight_of)
def insert():
    freezing.insert(); adapters.insert()
def remove():
    adapters.remove(); freezing.remove()
with denoiser.held(insert, remove):
    captions = [Caption([part]) for part in positive]
    examples = [Example(l.clone(), c) for l, c in zip(latents, captions)]
    Training(denoiser, adapters, examples, recipe, empty=captions[0]).run(end)
"""
DIFFUSERS = """
import diffusers, peft
sizes = dict(sample_size=32, block_out_channels=(320, 320), layers_per_block=1,
             down_block_types=("CrossAttnDownBlock2D",) * 2,
             up_block_types=("CrossAttnUpBlock2D",) * 2, cross_attention_dim=768)
net = diffusers.UNet2DConditionModel(**sizes, attention_head_dim=8).requires_grad_(False)
schedule = diffusers.DDPMScheduler(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
begin()
layers = [n for n, m in net.named_modules() if isinstance(m, (torch.nn.Linear, torch.nn.Conv2d))]
net.add_adapter(peft.LoraConfig(r=8, lora_alpha=8, target_modules=layers))
if "depth" in options:
    net.enable_gradient_checkpointing()
net.train()
learned = [p for p in net.parameters() if p.requires_grad]
optimiser = torch.optim.AdamW(learned, lr=1e-4)
for step in range(steps):
    noise = torch.randn(latents.shape, generator=own)
    t = torch.randint(1000, (batch,), generator=own)
    out = net(schedule.add_noise(latents, noise, t), t, texts).sample
    torch.nn.functional.mse_loss(out, noise).backward()
    torch.nn.utils.clip_grad_norm_(learned, 1.0)
    optimiser.step()
    optimiser.zero_grad()
    end()
"""
EPILOGUE = """
peak = status("VmHWM")
took = [after - before for before, after in zip(ends[1:], ends[2:])][:steps - 1]
print("RESULT" + json.dumps(dict(step_s=min(took), worst_s=max(took), mib=peak - loaded)))
os._exit(0)  # what comes after the measurement is not waited for
"""
ENGINES = {"core": COMFYUI + CORE, "ours": COMFYUI + OURS, "diffusers": DIFFUSERS}


def measure(weights: Path, batch: int, options: dict[str, Any]) -> dict[str, float] | None:
    """CPU-seconds of a step and MiB of its peak; None where a package is missing."""
    code = PROLOGUE + ENGINES[options["engine"]] + EPILOGUE
    arguments = [ROOT, comfyui(), weights, batch, STEPS[batch], json.dumps(options)]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=folder,
        )
    line = next((ln for ln in done.stdout.splitlines() if ln.startswith("RESULT")), None)
    if line is None and "No module named 'diffusers'" in done.stderr:
        return None
    if line is None:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(line.removeprefix("RESULT"))


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    from tiny_models import build

    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        print("| batch | case | CPU-s a step (worst) | of core's | peak MiB | of core's |")
        print("|---|---|---|---|---|---|")
        core: dict[tuple[int, bool], dict[str, float]] = {}
        for name, batch, options in CASES:
            full = "full" in options
            named = any(word in name for word in wanted)
            if not named and (full or (wanted and str(batch) not in wanted)):
                continue
            kind = "sd15_full" if full else "sd15_mini"
            weights = build(Path(folder), kind)[kind]
            runs = [measure(weights, batch, options) for _ in range(RUNS[batch])]
            found = _of_all([run for run in runs if run])
            if found is None:
                continue
            alike = batch, "depth" in options
            if options["engine"] == "core":
                core.setdefault(alike, found)
            other = {} if full else core.get(alike, {})
            shares = {k: f"{found[k] / other[k]:.2f}" if other else "–" for k in found}
            print(
                f"| {batch} | {name} | {found['step_s']:.2f} ({found['worst_s']:.2f}) "
                f"| {shares['step_s']} | {found['mib']:.0f} | {shares['mib']} |",
                flush=True,
            )


def _of_all(runs: list[dict[str, float]]) -> dict[str, float] | None:
    if not runs:
        return None
    return {
        "step_s": min(run["step_s"] for run in runs),
        "worst_s": max(run["worst_s"] for run in runs),
        "mib": statistics.median(run["mib"] for run in runs),
    }


if __name__ == "__main__":
    main()
