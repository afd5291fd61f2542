"""Lint, types and every test, in this order; the last line is pytest's.

The tests run two files at a time, with one thread for torch each: threads of two processes that
want the same core spin.
"""

from __future__ import annotations

import os
import subprocess
import sys

from scripts.environment import ENGINES, ROOT, python_of

TWO_FILES = ("-n", "2", "--dist", "loadfile")
STEPS = (
    (sys.executable, "ruff", "check", "."),
    (sys.executable, "ruff", "format", "--check", "."),
    (sys.executable, "pyright"),
    (str(python_of(ENGINES)), "pytest", *TWO_FILES, "tests/engines"),
    (sys.executable, "pytest", *TWO_FILES),
)


def main() -> int:
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    for python, *step in STEPS:
        print("$", *step, flush=True)
        if code := subprocess.run([python, "-m", *step], cwd=ROOT, env=environment).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
