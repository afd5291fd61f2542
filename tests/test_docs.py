"""The pages tell the truth: links lead somewhere, commands exist, and the demo command runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.environment import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def names(paths):
    return [path.name for path in paths]


def commands(path):
    """Every line of the fenced blocks that have no language."""
    blocks = re.findall(r"^```\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if re.match(r"(make|python|py|\.venv\S*python) ", line)]


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_links_lead_somewhere(page):
    prose = re.sub(r"`[^`\n]*`", "", page.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_commands_exist(page):
    for line in commands(page):
        words = shlex.split(line.replace("\\", "/"), comments=True)
        if words[:1] == ["make"]:
            done = subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True)
            assert done.returncode == 0, line
        for module in re.findall(r"-m ((?:scripts|workflows|benchmarks)[.\w]*)", line):
            path = ROOT / Path(*module.split("."))
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), line
        for script in re.findall(r"(?<= )[\w/]+\.py\b", line.replace("\\", "/")):
            assert (ROOT / script).exists(), line


@pytest.mark.comfy
def test_the_demo_command(tmp_path):
    video = ROOT / "output" / "talking_bot.mp4"
    video.unlink(missing_ok=True)
    environment = {**os.environ, "NARRATION": "The demo speaks, and it is measured.", "TOPIC": ""}
    done = subprocess.run(
        [sys.executable, "-m", "scripts.demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert video.is_file()
    for word in ("learn the voice", "RTF", "peak RSS", "similarity", "WER", "sync"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"VOICE": __file__}, "VOICE needs TRANSCRIPT"),
        ({"PORTRAIT": "nowhere.png"}, "nowhere.png is not a file"),
    ],
)
def test_the_demo_explains_wrong_variables(variables, message):
    environment = {**os.environ, **variables}
    done = subprocess.run(
        [sys.executable, "-m", "scripts.demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
