"""Runs code in a process of its own that has ComfyUI and the pack, but no server."""

import json
import subprocess
import sys

from scripts.environment import ROOT, comfyui

PROLOGUE = """
import importlib.util, json, os, sys
root, tree, os.environ["OLLAMA_HOST"] = sys.argv[1:]
sys.argv = ["main.py", "--cpu", "--base-directory", "."]
sys.path.insert(0, tree)
import comfy.options; comfy.options.enable_args_parsing()
import comfy.model_management as mm
import torch
spec = importlib.util.spec_from_file_location(
    "pack", root + "/__init__.py", submodule_search_locations=[root])
sys.modules["pack"] = importlib.util.module_from_spec(spec)
from pack.nodes import host
say = lambda **facts: print("RESULT" + json.dumps(facts))
"""
"""`tree` is ComfyUI's folder; `say(...)` is how the code gives its results."""


def play(code, folder, ollama="127.0.0.1:9"):
    """Run `code` in `folder`; returns what it said."""
    command = [sys.executable, "-c", PROLOGUE + code, str(ROOT), str(comfyui()), ollama]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    return json.loads(line.removeprefix("RESULT"))
