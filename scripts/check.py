"""Lint, types and every test, in this order; the last line is pytest's."""

from __future__ import annotations

import subprocess
import sys

from scripts.environment import ENGINES, ROOT, python_of

STEPS = (
    (sys.executable, "ruff", "check", "."),
    (sys.executable, "ruff", "format", "--check", "."),
    (sys.executable, "pyright"),
    (str(python_of(ENGINES)), "pytest", "tests/engines"),
    (sys.executable, "pytest"),
)


def main() -> int:
    for python, *step in STEPS:
        print("$", *step, flush=True)
        if code := subprocess.run([python, "-m", *step], cwd=ROOT).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
