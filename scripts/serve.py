"""Run the checkout's ComfyUI in the foreground with the pack in it, for the graph editor."""

from __future__ import annotations

from scripts.environment import BASE, WORK
from scripts.serving import ComfyProcess


def main() -> None:
    with ComfyProcess(BASE, WORK / "server.log") as server:
        print(
            f"ComfyUI with MySpinBot: {server.url} (log: {server.log}); stop with Ctrl+C",
            flush=True,
        )
        try:
            server.child.wait()
        except KeyboardInterrupt:
            print("stopping")


if __name__ == "__main__":
    main()
