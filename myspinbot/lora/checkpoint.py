"""The state of an unfinished training on disk: whole or not there, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import StorageError
from ..files import replacing

_KEY = "myspinbot_training"
_VERSION = 1
_KEPT_TRAININGS = 8


@dataclass
class State:
    """All that a training needs to go on as if it had never stopped."""

    step: int
    tensors: dict[str, Tensor]
    facts: dict[str, Any] = field(default_factory=dict)
    """JSON"""


class Checkpoint:
    """The newest state of the training that `identity` names: model, images and recipe."""

    def __init__(self, folder: Path, identity: str):
        self.path = folder / f"{identity[:32]}.safetensors"

    def save(self, state: State) -> None:
        """Replace the state; raises StorageError. A kill at any moment leaves the old or the new.

        The folder keeps the states of the latest trainings only.
        """
        facts = json.dumps({"version": _VERSION, "step": state.step, **state.facts})
        data = save({k: t.contiguous() for k, t in state.tensors.items()}, {_KEY: facts})
        try:
            write_safely(self.path, data)
        except OSError as error:
            raise StorageError(
                f"The state of the training could not be written to {self.path}: {error}. "
                "Make room there, or let ComfyUI write to it, and run again: it goes on from the "
                "state before."
            ) from error
        states = sorted(self.path.parent.glob("*.safetensors"), key=_age)
        for old in states[:-_KEPT_TRAININGS]:
            old.unlink(missing_ok=True)

    def load(self) -> State | None:
        """The state, or None when there is none that can be read."""
        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                facts = json.loads((file.metadata() or {}).get(_KEY, "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, json.JSONDecodeError):
            return None
        if facts.pop("version", None) != _VERSION:
            return None
        return State(facts.pop("step"), tensors, facts)


def write_safely(path: Path, data: bytes) -> None:
    """Write `data` so that a kill or a power cut leaves the old file or the new one."""
    with replacing(path) as partial, open(partial, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
