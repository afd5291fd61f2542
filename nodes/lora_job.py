"""One training: what the dataset and the model make of each other."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from ..myspinbot.errors import BadInputError, MySpinBotError
from ..myspinbot.lora import lora_file, loss_curve, recipe
from ..myspinbot.lora.adapters import Adapters
from ..myspinbot.lora.batches import Example, generator
from ..myspinbot.lora.captioning import without_trigger
from ..myspinbot.lora.checkpoint import Checkpoint
from ..myspinbot.lora.dataset import LoraDataset
from ..myspinbot.lora.frozen import Freezing
from ..myspinbot.lora.losses import places
from ..myspinbot.lora.training import Training
from . import host

logger = logging.getLogger(__name__)
PREVIEW_STEPS = 20
FOLDER = "lora"


class LoraJob:
    """encode, then train, then read the results."""

    training: Training

    def __init__(
        self,
        model: Any,
        dataset: LoraDataset,
        subject: str,
        effort: str,
        changes: Mapping[str, Any],
    ):
        self._model, self._dataset, changes = model, dataset, dict(changes)
        if not dataset.trigger:
            # what is learned has no word of its own: holding the class would hold it back
            changes.setdefault("prior_weight", 0.0)
        precision = changes.get("precision", recipe.AUTO)
        self._denoiser = host.HostedDenoiser(model, precision)
        self._family = self._denoiser.family
        self._recipe = recipe.preset(self._family.name, subject, effort, **changes)
        self._kind = {"subject": subject, "effort": effort}
        self._base = ""

    def encode(self, clip: Any, vae: Any, preview_prompt: str) -> None:
        """Bring words and pictures into the form the net reads; each once."""
        data, tick = self._dataset, host.ticker()
        prompt = preview_prompt.strip() or data.images[0].caption
        captions = [image.caption for image in data.images]
        plain = [without_trigger(text, data.trigger, data.class_word) for text in captions]
        texts = [*captions, prompt, *plain, ""]
        self._captions, new_texts = host.captions(clip, texts, tick)
        pixels = [image.pixels for image in data.images]
        made, new_images = host.latents(vae, pixels, self._denoiser, self._recipe.seed, tick)
        self._encoded = {"texts": new_texts, "images": new_images}
        self._traces = host.traces(self._captions[captions[0]], made[0])
        self._examples = [
            Example(
                latent,
                self._captions[image.caption],
                None
                if image.mask is None
                else places(
                    image.mask, self._recipe.background, (latent.shape[-2], latent.shape[-1])
                ),
                self._captions[text],
            )
            for image, latent, text in zip(data.images, made, plain, strict=True)
        ]
        self._sampler = host.Sampler(
            self._denoiser,
            self._captions[prompt],
            self._captions[""],
            made[0],
            steps=PREVIEW_STEPS,
            seed=self._recipe.seed,
        )

    def train(self, node_id: str, *, resume: bool, start_from: Mapping[str, Any] | None) -> None:
        """Train to the end; a cancel or an error keeps what was learned and passes on."""
        made, denoiser, finished = self._recipe, self._denoiser, False
        targets = self._family.targets(denoiser.net, made.targets)
        adapters = Adapters(
            denoiser.net, targets, rank=made.rank, alpha=made.alpha, device=denoiser.device
        )
        adapters.initialise(generator(made.seed, "adapters").initial_seed())
        if start_from is not None:
            adapters.load(lora_file.learned_weights(start_from))
        freezing = Freezing(
            denoiser.net, self._family, recompute=made.recompute, weight_of=denoiser.weight_of
        )

        def insert() -> None:
            freezing.insert()
            adapters.insert()

        def remove() -> None:
            adapters.remove()
            freezing.remove()

        with denoiser.held(insert, remove):
            with adapters.removed():
                self._base = lora_file.base_sha256(denoiser.net)
            identity = self._identity(start_from)
            self.training = Training(
                denoiser,
                adapters,
                self._examples,
                made,
                empty=self._captions[""],
                encoded=self._traces,
                checkpoint=Checkpoint(host.private(FOLDER), identity),
                free=host.free_cached,
                short_of_memory=host.short_of_memory,
            )
            if resume:
                self.training.resume()
            view = host.TrainingView(node_id, self._sampler, self._family.name)
            try:
                self.training.run(view, lambda step: self._sampler())
                finished = True
            except RuntimeError as error:
                # torch's words for shapes, at the first look that the net takes
                if self.training.losses or host.short_of_memory(error):
                    raise
                raise BadInputError(
                    f"The model cannot read what the text encoder and the VAE make ({error}): "
                    "connect those that go with it."
                ) from error
            finally:
                if not finished and self.training.step:
                    self._keep()

    def _identity(self, start_from: Mapping[str, Any] | None) -> str:
        """Equal for trainings that would be equal."""
        digest = hashlib.sha256(
            json.dumps([self._base, self._dataset.sha256, self._recipe.sha256()]).encode()
        )
        for name, tensor in sorted((start_from or {}).items()):
            digest.update(name.encode())
            digest.update(tensor.detach().float().cpu().numpy().tobytes())
        return digest.hexdigest()

    def _keep(self) -> None:
        """Leave what an ended run has learned where LoRA loaders find it."""
        lora = self.lora()
        path, name = host.lora_file(f"unfinished/{self._dataset.name}", self.steps)
        try:
            lora_file.save_lora(path, lora, naming="kohya", dtype="bf16", notes=lora.notes)
        except MySpinBotError as error:  # what ended the run is what matters
            logger.error("What was learned is in the saved state, but is no LoRA yet: %s", error)
            return
        logger.warning(
            "The training ended after %d of %d steps. What was learned is the LoRA %s; run the "
            "workflow again to go on.",
            self.steps,
            self._recipe.steps,
            name,
        )

    # results

    @property
    def steps(self) -> int:
        return self.training.step

    @property
    def samples(self) -> list[torch.Tensor]:
        return self._sampler.samples

    def lora(self) -> lora_file.LoraWeights:
        """LORA_MODEL."""
        notes = {
            "family": self._family.name,
            "base_sha256": self._base,
            "dataset_sha256": self._dataset.sha256,
            "images": len(self._dataset.images),
            "trigger": self._dataset.trigger,
            "class_word": self._dataset.class_word,
            "steps": self.steps,
            "rank": self._recipe.rank,
            "alpha": self._recipe.alpha,
            "recipe": {**self._kind, **asdict(self._recipe)},
        }
        published = host.published_names(self._model)
        return lora_file.lora_weights(self.training.weights(), self._recipe.alpha, notes, published)

    def loss_map(self) -> dict[str, list[float]]:
        """LOSS_MAP."""
        training = self.training
        held_out = [loss for _, loss in training.validation.losses]
        return {"loss": training.losses, "val": held_out, "lr": training.rates}

    def plot(self) -> np.ndarray:
        """The loss curve, uint8 [H, W, 3]."""
        return np.asarray(loss_curve.plot(self.training))

    def report(self) -> dict[str, Any]:
        """What was done, and how it went, as JSON."""
        training, lora = self.training, self.lora()
        return {
            "family": self._family.name,
            "prediction": self._denoiser.prediction.value,
            "steps": training.step,
            "resumed_from": training.resumed_from,
            "stopped_early": training.step < self._recipe.steps,
            "images_a_forward": training.micro_batch,
            "layers": len(training.adapters.targets),
            "encoded": self._encoded,
            "parameters": sum(p.numel() for p in training.adapters.parameters()),
            "loss_first": training.losses[0] if training.losses else None,
            "loss_last": training.losses[-1] if training.losses else None,
            "validation": training.validation.losses,
            "unmapped": host.unmapped(self._model, lora),
            "warnings": [*self._dataset.warnings, *training.remarks()],
            "notes": lora.notes,
        }
