"""Engine tables: which engines a noun has, what each needs, and the one place that imports them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .errors import MissingDependencyError, MissingModelError


@dataclass(frozen=True)
class EngineSpec:
    """One row of an engine table."""

    name: str
    """What the user picks."""
    package: str
    """`__name__` of the package that holds the table (the pack's own name differs per install)."""
    target: str
    """Where in it the engine lives: ``".module:attribute"``, imported on first use only."""
    licence: str
    """SPDX name of the weights' licence."""
    requires: tuple[str, ...] = ()
    """Import names of optional packages."""
    install: str = ""
    """What to give to ``pip install`` for them."""
    files: tuple[str, ...] = ()
    """Weights, relative to ComfyUI's models/myspinbot."""
    source: str = ""
    """Page where a user gets `files`; empty: install.py fetches them."""
    option: str = ""
    """With which option of install.py."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Required packages that are not installed."""
        return tuple(name for name in self.requires if find_spec(name) is None)

    def absent(self, folder: Path) -> tuple[str, ...]:
        """Those of `files` that are not in `folder`."""
        return tuple(name for name in self.files if not (folder / name).is_file())

    def load(self) -> Any:
        """Import the engine; raises MissingDependencyError naming what to install."""
        if self.missing:
            raise MissingDependencyError(
                f"The {self.name} engine needs {', '.join(self.missing)}. Install it with: "
                f"{sys.executable} -m pip install {self.install}"
            )
        module, attribute = self.target.split(":")
        return getattr(import_module(module, self.package), attribute)

    def open(self, folder: Path) -> Any:
        """Import the engine and let it read its weights in `folder` (models/myspinbot).

        Raises MissingDependencyError, and MissingModelError saying which files go where.
        """
        engine = self.load()
        if absent := self.absent(folder):
            command = f"run: python install.py {self.option}".strip()
            fix = f"put them there from {self.source}" if self.source else command
            raise MissingModelError(
                f"The {self.name} engine needs {', '.join(absent)} in {folder}: {fix} "
                f"(licence: {self.licence})."
            )
        return engine.load(folder)


def table(*rows: EngineSpec) -> Mapping[str, EngineSpec]:
    """Index `rows` by name, in order; raises ValueError on a duplicate."""
    index: dict[str, EngineSpec] = {}
    for row in rows:
        if row.name in index:
            raise ValueError(f"two engines are called {row.name!r}")
        index[row.name] = row
    return MappingProxyType(index)
