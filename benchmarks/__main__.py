"""Runs every benchmark, one after the other."""

from __future__ import annotations

import runpy
from pathlib import Path


def main() -> None:
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem.startswith(("_", "make_")):
            continue
        print(f"\n== {path.stem}", flush=True)
        runpy.run_module(f"benchmarks.{path.stem}", run_name="__main__")


if __name__ == "__main__":
    main()
