"""Write a workflow in code: nodes and links in ComfyUI's API format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Node:
    """A node that was added; give it, or one of its outputs, as an input of another."""

    id: str

    def out(self, slot: int) -> list[Any]:
        return [self.id, slot]


@dataclass
class Graph:
    """An API-format prompt in the making."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, class_type: str, title: str = "", **inputs: Any) -> Node:
        """Add a node; an input that is a Node means its first output.

        A name with a dot (``codec.encoding``) is given with two underscores: ``codec__encoding``.
        """
        node = Node(str(len(self.nodes) + 1))
        values = {
            name.replace("__", "."): value.out(0) if isinstance(value, Node) else value
            for name, value in inputs.items()
        }
        entry: dict[str, Any] = {"class_type": class_type, "inputs": values}
        if title:
            entry["_meta"] = {"title": title}
        self.nodes[node.id] = entry
        return node
