"""Lint, types and every test, in this order; the last line is pytest's."""

from __future__ import annotations

import subprocess
import sys

from scripts.environment import ROOT

STEPS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("pyright",),
    ("pytest",),
)


def main() -> int:
    for step in STEPS:
        print("$", *step, flush=True)
        if code := subprocess.run([sys.executable, "-m", *step], cwd=ROOT).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
