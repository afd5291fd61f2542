"""The loop that trains a LoRA; it knows a denoiser, and nothing of who runs it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import BadInputError, EngineError
from .adapters import Adapters
from .batches import Batch, Batches, Denoiser, Example
from .checkpoint import Checkpoint, State
from .losses import losses, noised, output_weight, snr_weight
from .optimisers import Averaging, optimiser, rate, restore, state_of
from .recipe import Recipe
from .validation import Validation

_NO_GAIN = (
    "The validation loss was least before the first step: use a lower learning rate or more steps, "
    "and see whether the captions fit the images."
)
_SAME = 0.05
"""Largest relative difference of what the same encoders make again on another device."""


def _other(before: Tensor | None, now: Tensor) -> bool:
    """Whether rows [N, K] differ by more than rounding; nothing is known of None."""
    if before is None:
        return False
    return before.shape != now.shape or bool(
        ((before - now).norm(dim=1) > _SAME * before.norm(dim=1)).any()
    )


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError)


class Training:
    """A LoRA on its way; `run` brings it to its end, or raises and keeps what was learned.

    The denoiser's net must hold the adapters while `run` is at work, with gradients enabled.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        adapters: Adapters,
        examples: Sequence[Example],
        recipe: Recipe,
        *,
        empty: Any,
        encoded: Tensor | None = None,
        checkpoint: Checkpoint | None = None,
        free: Callable[[], None] = lambda: None,
        short_of_memory: Callable[[RuntimeError], bool] = _out_of_memory,
    ):
        """`empty` is the conditioning of no words; `encoded` [N, K] samples what the text encoder
        and the VAE made, so that a training goes on with none but its own. `free` gives memory back
        that torch holds for nothing, `short_of_memory` knows an error that says so."""
        self.denoiser, self.adapters, self.recipe = denoiser, adapters, recipe
        self.step = 0
        """Steps done."""
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.warnings: list[str] = []
        self.resumed_from = 0
        self.micro_batch = recipe.per_forward
        self._encoded, self._checkpoint = encoded, checkpoint
        self._free, self._short_of_memory = free, short_of_memory
        learned, held_out = Validation.split(examples, recipe.seed)
        self._batches = Batches(learned, denoiser, recipe, empty)
        self.validation = Validation(Batches(held_out, denoiser, recipe, empty), len(held_out))
        self._parameters = adapters.parameters()
        self._optimiser = optimiser(self._parameters, recipe)
        self._averaging = Averaging(self._parameters, recipe.averaging)
        self._halved = False
        self._saved_step = 0

    def resume(self) -> bool:
        """Go on where the checkpoint stopped; returns whether there was one.

        Raises BadInputError, and leaves the checkpoint alone, when it cannot lead to what is asked.
        """
        state = self._checkpoint.load() if self._checkpoint else None
        if state is None:
            return False
        if state.step > self.recipe.steps:
            raise BadInputError(
                f"This training has done {state.step} steps already, and {self.recipe.steps} are "
                f"asked for. Set steps to {state.step} or more to have it, or resume to never to "
                "train anew."
            )
        if self._encoded is not None and _other(state.tensors.get("encoded"), self._encoded):
            raise BadInputError(
                f"The {state.step} steps of this training were learned with another text encoder "
                "or VAE. Connect that one to go on, or set resume to never to train anew."
            )
        self._restore(state)
        self.resumed_from = self._saved_step = self.step
        return True

    def run(
        self,
        after_step: Callable[[Training], None] = lambda training: None,
        preview: Callable[[int], None] = lambda step: None,
    ) -> None:
        """Train until the recipe's last step or until validation sees no gain any more.

        `after_step` is called after each step and `preview` every now and then, with the mean of
        the weights in place. Whatever either raises ends the training, after its state is saved.
        """
        recipe, preview = self.recipe, self._forgiving(preview)
        try:
            if self.step == 0 and recipe.preview_every:
                preview(0)
            self._validate()
            while self.step < recipe.steps and not self.validation.without_gain(recipe.patience):
                self._learn(self._batches.at(self.step))
                self._validate()
                last = self.step == recipe.steps
                if recipe.preview_every and self.step % recipe.preview_every == 0 and not last:
                    with self._averaging.applied():
                        preview(self.step)
                if self.step % recipe.save_every == 0:
                    self.save()
                after_step(self)
            self._last_preview(preview)
        finally:
            self.save()

    def remarks(self) -> list[str]:
        """What the user should know of how it went."""
        return [*self.warnings, *(() if self.validation.best else (_NO_GAIN,))]

    def weights(self) -> dict[str, Tensor]:
        """The best that was learned, as Adapters.weights names it."""
        if self.validation.best:
            return self.validation.best
        with self._averaging.applied():
            return self.adapters.weights()

    def _validate(self) -> None:
        """If it is time to, and it was not done before a stop."""
        measured, recipe = self.validation.losses, self.recipe
        if measured and measured[-1][0] == self.step:
            return
        if self.step % recipe.validate_every == 0 or self.step == recipe.steps:
            with self._averaging.applied():
                self.validation.measure(self._validation_loss, self.step, self.adapters)

    def _last_preview(self, preview: Callable[[int], None]) -> None:
        """Of what `weights` gives."""
        last = self.adapters.weights()
        self.adapters.load(self.weights())
        try:
            preview(self.step)
        finally:
            self.adapters.load(last)

    def save(self) -> None:
        """Write the state, if there is something new."""
        if self._checkpoint is None or self.step == self._saved_step:
            return
        self._checkpoint.save(self._state())
        self._saved_step = self.step

    def _forgiving(self, preview: Callable[[int], None]) -> Callable[[int], None]:
        """No training ends because a picture of it did not fit into memory."""

        def look(step: int) -> None:
            try:
                preview(step)
            except RuntimeError as error:
                if not self._short_of_memory(error):
                    raise
                self.warnings.append(f"Memory was too short for the samples of step {step}.")
            else:
                return
            self._free()

        return look

    # one step

    def _learn(self, batch: Batch) -> None:
        loss = self._gradients(batch)
        length = torch.nn.utils.clip_grad_norm_(
            self._parameters, self.recipe.clip_norm or float("inf")
        ).item()
        if not math.isfinite(loss + length):
            raise EngineError(
                f"At step {self.step + 1} the loss became {loss} and its gradient {length}. What "
                "was learned before is kept. Use a lower learning rate, or a model in bf16 or fp32 "
                "instead of fp16."
            )
        lr = rate(self.recipe, self.step)
        for group in self._optimiser.param_groups:
            group["lr"] = lr
        self._optimiser.step()
        self.step += 1
        self._averaging.update(self.step)
        self.losses.append(loss)
        self.rates.append(lr)

    def _gradients(self, batch: Batch) -> float:
        """Leave the gradients of a batch in the parameters; returns its loss."""
        while True:
            self._optimiser.zero_grad(set_to_none=True)
            try:
                return self._accumulate(batch)
            except RuntimeError as error:
                if not self._short_of_memory(error):
                    raise
                if self._halved or self.micro_batch == 1:
                    raise EngineError(
                        f"The memory is too small for {self.micro_batch} image(s) of "
                        f"{list(batch.latents.shape[1:])} at a time: {error}. Train on smaller "
                        "images, with gradient_checkpointing on, or with fewer targets."
                    ) from error
            # outside of the handler, whose traceback keeps the tensors that were too many
            self._halved = True
            self.micro_batch = -(-self.micro_batch // 2)
            self._free()
            self.warnings.append(
                f"Memory was short at step {self.step + 1}: {self.micro_batch} image(s) a forward "
                "from there on. The result is the same."
            )

    def _accumulate(self, batch: Batch) -> float:
        rows, total = len(batch.latents), 0.0
        for start in range(0, rows, self.micro_batch):
            part = slice(start, start + self.micro_batch)
            loss = self._errors(batch, part).sum() / rows
            loss.backward()
            total += loss.item()
        if self.recipe.prior_weight > 0 and self.step % self.recipe.prior_every == 0:
            # of one image, so that it is the same whatever fits into memory
            loss = self._prior(batch, slice(0, 1)) * self.recipe.prior_weight
            loss.backward()
        return total

    def _errors(self, batch: Batch, part: slice, gamma: float | None = None) -> Tensor:
        """The loss of each row of a part: [b]."""
        latents, noisy, sigmas = self._noised(batch, part)
        denoised = self.denoiser.predict(noisy, sigmas, batch.captions[part])
        places = None if batch.places is None else batch.places[part].to(latents)
        return losses(denoised, latents, self._weights(sigmas, gamma), places)

    def _prior(self, batch: Batch, part: slice) -> Tensor:
        """How far the LoRA moves what the model makes of the captions without the trigger: the
        images say nothing about that, so the model's own answer is the target."""
        _, noisy, sigmas = self._noised(batch, part)
        captions = batch.plain[part]
        with torch.no_grad(), self.adapters.removed():
            target = self.denoiser.predict(noisy, sigmas, captions)
        denoised = self.denoiser.predict(noisy, sigmas, captions)
        return losses(denoised, target, self._weights(sigmas)).mean()

    def _noised(self, batch: Batch, part: slice) -> tuple[Tensor, Tensor, Tensor]:
        device = self.denoiser.device
        latents = batch.latents[part].to(device)
        sigmas = batch.sigmas[part].to(device)
        noise = batch.noise[part].to(device) * self.denoiser.noise_scale
        return latents, noised(self.denoiser.prediction, latents, noise, sigmas), sigmas

    def _weights(self, sigmas: Tensor, gamma: float | None = None) -> Tensor:
        prediction = self.denoiser.prediction
        gamma = self.recipe.snr_gamma if gamma is None else gamma
        return output_weight(prediction, sigmas) * snr_weight(prediction, sigmas, gamma)

    def _validation_loss(self, batch: Batch) -> float:
        with torch.no_grad():
            rows = range(len(batch.latents))  # one by one: memory is not what it is about
            return sum(self._errors(batch, slice(r, r + 1)).item() for r in rows) / len(rows)

    # what is kept

    def _state(self) -> State:
        tensors, plain = state_of(self._optimiser)
        kept = {f"optimiser.{name}": tensor for name, tensor in tensors.items()}
        kept |= {f"weight.{name}": tensor for name, tensor in self.adapters.weights().items()}
        kept |= {f"mean.{n}": tensor.cpu() for n, tensor in enumerate(self._averaging.means)}
        kept |= {f"best.{name}": tensor for name, tensor in self.validation.best.items()}
        if self._encoded is not None:
            kept["encoded"] = self._encoded
        facts = {
            "optimiser": plain,
            "losses": self.losses,
            "rates": self.rates,
            "validation": self.validation.facts(),
            "warnings": self.warnings,
        }
        return State(self.step, kept, facts)

    def _restore(self, state: State) -> None:
        def part(prefix: str) -> dict[str, Tensor]:
            start = len(prefix)
            return {k[start:]: t for k, t in state.tensors.items() if k.startswith(prefix)}

        self.step = state.step
        self.adapters.load(part("weight."))
        restore(self._optimiser, part("optimiser."), state.facts["optimiser"])
        for number, mean in part("mean.").items():
            self._averaging.means[int(number)].copy_(mean)
        self.losses, self.rates = state.facts["losses"], state.facts["rates"]
        self.warnings = state.facts["warnings"]
        self.validation.restore(state.facts["validation"], part("best."))
