"""Start the ComfyUI of this checkout as a child process, watch its memory, and stop it again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from scripts.environment import BASE, WORK, comfyui


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ComfyProcess:
    """A ComfyUI on loopback; use it as a context manager."""

    def __init__(self, base: Path = BASE, log: Path = WORK / "server.log", *options: str):
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.log = log
        command = [sys.executable, str(comfyui() / "main.py"), "--base-directory", str(base)]
        command += ["--port", str(port), "--disable-auto-launch", *options]
        # its default lies in a folder of the ComfyUI tree that may not exist, or not be ours
        command += ["--database-url", f"sqlite:///{log.with_suffix('.db')}"]
        if shutil.which("nvidia-smi") is None and sys.platform != "darwin":
            command.append("--cpu")
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "w", encoding="utf-8") as output:
            self.child = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, cwd=comfyui(), env=_environment()
            )
        self._peak_rss = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def __enter__(self) -> ComfyProcess:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and self.child.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/system_stats", timeout=5).close()
                return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.stop()
        raise SystemExit(f"ComfyUI did not start; the end of {self.log}:\n{self.tail()}")

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    def _watch(self) -> None:
        try:
            process = psutil.Process(self.child.pid)
            while True:
                self._peak_rss = max(self._peak_rss, process.memory_info().rss)
                time.sleep(0.05)
        except psutil.Error:
            pass

    def take_peak_rss(self) -> int:
        """Highest resident memory in bytes since the last call."""
        peak, self._peak_rss = self._peak_rss, 0
        return max(peak, psutil.Process(self.child.pid).memory_info().rss)

    def cpu_seconds(self) -> float:
        times = psutil.Process(self.child.pid).cpu_times()
        return times.user + times.system


def _environment() -> dict[str, str]:
    """Without the variables that would point the server's Python at another tree."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
