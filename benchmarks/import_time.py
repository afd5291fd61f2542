"""What importing the pack costs a ComfyUI start: seconds, and which heavy libraries it pulls in.

Runs inside a fresh interpreter that has imported what ComfyUI itself imports first.
"""

from __future__ import annotations

import json
import subprocess
import sys

from scripts.environment import BASE, PACK_FOLDER, comfyui

LIMIT_S = 0.05
HEAVY = ("librosa", "cv2", "transformers", "faster_whisper", "peft", "scipy.signal", "numba")


def probe() -> dict:
    """Import the pack as ComfyUI does, in a child; returns seconds and new modules."""
    code = f"""
import asyncio, importlib.util, json, sys, time
sys.path.insert(0, {str(comfyui())!r})
sys.argv = ["main.py", "--cpu", "--base-directory", {str(BASE)!r}]
import comfy.options; comfy.options.enable_args_parsing()
import nodes, comfy_api.latest, comfy_execution.graph_utils, server
path = {str(BASE / "custom_nodes" / PACK_FOLDER)!r}
before = set(sys.modules)
started = time.perf_counter()
name = path.replace(".", "_x_")
init = path + "/__init__.py"
spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[path])
module = importlib.util.module_from_spec(spec)
sys.modules[name] = module
spec.loader.exec_module(module)
extension = asyncio.run(module.comfy_entrypoint())
nodes_found = asyncio.run(extension.get_node_list())
seconds = time.perf_counter() - started
new = sorted(set(sys.modules) - before)
print("RESULT" + json.dumps(dict(seconds=seconds, nodes=len(nodes_found), new=new)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=comfyui()
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    return json.loads(line.removeprefix("RESULT"))


def main() -> None:
    runs = [probe() for _ in range(5)]
    seconds = sorted(run["seconds"] for run in runs)[len(runs) // 2]
    new = {name.split(".")[0] for name in runs[0]["new"]}
    heavy = [name for name in HEAVY if name in runs[0]["new"]]
    print(f"import of the pack, median of {len(runs)}: {seconds:.3f} s (limit {LIMIT_S} s)")
    print(f"nodes: {runs[0]['nodes']}; heavy libraries imported: {', '.join(heavy) or 'none'}")
    print(
        f"top-level modules it added: {', '.join(sorted(n for n in new if '/' not in n)) or 'none'}"
    )


if __name__ == "__main__":
    main()
