"""What a stranger's ComfyUI gets when it installs the pack."""

import re
from pathlib import Path

import pytest

from myspinbot import __version__
from myspinbot.models import EXTRAS, JUDGES, MODELS

tomllib = pytest.importorskip("tomllib", reason="came with Python 3.11")

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
REQUIREMENTS = (ROOT / "requirements.txt").read_text("utf-8").split("\n")[:-1]


def test_requirements_are_the_project_dependencies():
    assert PROJECT["project"]["dependencies"] == REQUIREMENTS


def test_requirements_never_move_a_core_package():
    for line in REQUIREMENTS:
        name = re.split(r"[<>=!~ \[;]", line)[0].lower()
        assert name not in {"torch", "torchvision", "torchaudio", "numpy", "transformers"}
        assert "<" not in line
        assert "==" not in line


def test_versions_agree():
    assert PROJECT["project"]["version"] == __version__


def test_comfyui_floor():
    assert PROJECT["tool"]["comfy"]["requires-comfyui"] == ">=0.30.0"


def test_licence():
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text("utf-8")


def test_only_one_template_folder():
    names = ("example_workflows", "example", "examples", "workflow", "workflows")
    assert [name for name in names if (ROOT / name).is_dir()] == ["workflows"]


def test_every_catalog_row_is_pinned_and_documented():
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    for model in (*MODELS, *JUDGES, *EXTRAS):
        assert model.licence
        assert model.sources
        assert f"`{model.file}`" in page
        for source in (*model.sources, *model.substitute):
            assert re.fullmatch(r"[0-9a-f]{64}", source.sha256)
            assert source.bytes > 0
            assert source.version


def test_no_weights_are_committed():
    suffixes = {".onnx", ".gguf", ".pt", ".bin", ".tflite", ".wav", ".mp4", ".npz"}
    ignored = {".comfyui", ".venv", "output", ".git"}
    stray = [
        path
        for path in ROOT.rglob("*")
        if path.suffix in suffixes and not ignored & set(path.relative_to(ROOT).parts)
    ]
    assert stray == []
