"""The rules of the tree: who may import whom, and how long a file may be."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED = {
    "errors",
    "registry",
    "progress",
    "speech",
    "audio",
    "video",
    "files",
    "memory",
    "metrics",
    "models",
    "onnx_weights",
    "settings_file",
    "face",
}
NOUNS = {"narrative", "voice", "lipsync", "quality", "bot", "client", "lora", "history"}
COMFYUI = {
    "comfy",
    "comfy_api",
    "comfy_execution",
    "comfy_extras",
    "folder_paths",
    "server",
    "nodes",
    "execution",
    "comfyui_version",
}
MAX_LINES = 400


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path, text: str | None = None) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(level, dotted parts) of every import statement; level 0 is absolute."""
    for node in ast.walk(ast.parse(text or path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            parts = tuple((node.module or "").split(".")) if node.module else ()
            for alias in node.names:
                yield node.level, (*parts, alias.name)


def inner(path: Path, level: int, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Where a relative import leads, as parts below the repository."""
    package = path.relative_to(ROOT).parent.parts
    return (*package[: len(package) - (level - 1)], *parts)


def violations(path: Path, text: str | None = None) -> list[str]:
    place = path.relative_to(ROOT).parts
    found = []
    for level, parts in imports(path, text):
        if level == 0:
            if parts[0] in {"myspinbot", "nodes"}:
                found.append(f"absolute import of {'.'.join(parts)}")
            if parts[0] in COMFYUI and place[0] == "myspinbot":
                found.append(f"ComfyUI import of {'.'.join(parts)}")
            allowed = place[:2] == ("nodes", "host") or parts[0] == "comfy_api"
            if place[0] == "nodes" and parts[0] in COMFYUI and not allowed:
                found.append(f"{parts[0]} outside nodes/host")
            if parts[0] in {"torch", "torchaudio"} and place[:2] == ("myspinbot", "client"):
                found.append("torch in the client")
            continue
        target = inner(path, level, parts)
        if place[0] == "myspinbot" and target[0] != "myspinbot":
            found.append(f"the domain imports {'.'.join(target)}")
        elif place[0] == "myspinbot" and target[0] == "myspinbot" and len(target) > 1:
            found += _sibling(place, target)
    return found


def _sibling(place: tuple[str, ...], target: tuple[str, ...]) -> list[str]:
    own = place[1].removesuffix(".py")
    other = target[1]
    if other in NOUNS and own != other:
        return [f"{own} imports its sibling {other}"]
    if own == "face" and other not in SHARED:
        return [f"face imports {other}"]
    return []


@pytest.mark.parametrize("path", [*modules("myspinbot"), *modules("nodes")], ids=str)
def test_imports_point_one_way(path):
    assert violations(path) == []


@pytest.mark.parametrize("path", [*modules("myspinbot"), *modules("nodes")], ids=str)
def test_files_are_short(path):
    assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("myspinbot/voice/x.py", "import comfy.utils"),
        ("myspinbot/voice/x.py", "from ..lipsync import warp"),
        ("myspinbot/voice/x.py", "from .. import lipsync"),
        ("myspinbot/voice/x.py", "from ...nodes import host"),
        ("myspinbot/voice/x.py", "import myspinbot.audio"),
        ("myspinbot/face/x.py", "from ..quality import sync"),
        ("myspinbot/client/x.py", "import torch"),
        ("nodes/voice.py", "import folder_paths"),
    ],
)
def test_planted_violations_are_found(place, text):
    assert violations(ROOT / place, text)


def test_every_noun_is_known():
    folders = {p.name for p in (ROOT / "myspinbot").iterdir() if p.is_dir() and p.name[0] != "_"}
    files = {p.stem for p in (ROOT / "myspinbot").glob("*.py")} - {"__init__"}
    assert folders | files <= SHARED | NOUNS


def test_the_entry_point_imports_nothing_early():
    tree = ast.parse((ROOT / "__init__.py").read_text("utf-8"))
    early = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [alias.name for node in early for alias in node.names] == ["logging"]
