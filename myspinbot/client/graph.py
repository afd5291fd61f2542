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
    models: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """By node id: the files that the editor offers to download for it."""
    bypassed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By node id: the inputs that its outputs stand for while it is bypassed."""

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

    def offer(self, node: Node, name: str, url: str, directory: str) -> None:
        """Let the editor offer `url` as models/`directory`/`name` when the user lacks it."""
        self.models.setdefault(node.id, []).append(
            {"name": name, "url": url, "directory": directory}
        )

    def bypass(self, node: Node, *inputs: str) -> None:
        """Switch a node off: its outputs, in order, become what goes into these inputs."""
        self.bypassed[node.id] = inputs

    def queued(self) -> dict[str, dict[str, Any]]:
        """The prompt to queue: without the bypassed nodes, as the editor sends it."""

        def source(value: Any) -> Any:
            while isinstance(value, list) and value[0] in self.bypassed:
                node, slot = value
                value = self.nodes[node]["inputs"][self.bypassed[node][slot]]
            return value

        return {
            key: {**node, "inputs": {name: source(v) for name, v in node["inputs"].items()}}
            for key, node in self.nodes.items()
            if key not in self.bypassed
        }
