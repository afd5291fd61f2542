"""Engine tables: which engines a noun has, what each needs, and the one place that imports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from .errors import MissingDependencyError


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
    extra: str = ""
    """The extra of pyproject.toml that installs them."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Required packages that are not installed."""
        return tuple(name for name in self.requires if find_spec(name) is None)

    def load(self) -> Any:
        """Import the engine; raises MissingDependencyError naming what to install."""
        if self.missing:
            raise MissingDependencyError(
                f"The {self.name} engine needs {', '.join(self.missing)}. Install it into "
                f"ComfyUI's Python with: pip install 'comfyui-myspinbot[{self.extra}]'"
            )
        module, attribute = self.target.split(":")
        return getattr(import_module(module, self.package), attribute)


def table(*rows: EngineSpec) -> Mapping[str, EngineSpec]:
    """Index `rows` by name, in order; raises ValueError on a duplicate."""
    index: dict[str, EngineSpec] = {}
    for row in rows:
        if row.name in index:
            raise ValueError(f"two engines are called {row.name!r}")
        index[row.name] = row
    return MappingProxyType(index)
