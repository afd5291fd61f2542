"""A PostgreSQL server on loopback, from the Debian package, with a cluster of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from scripts.serving import free_port

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
INSTALLED = bool(_PROGRAMS)


class Cluster:
    """A server with an empty database; use it as a context manager."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        self._port = str(free_port())
        self.address = f"postgresql://spinbot@127.0.0.1:{self._port}/postgres"
        """As an operator writes it."""
        self._who: dict[str, Any] = {"cwd": self._folder}
        if os.geteuid() == 0:  # it refuses to run as root; its package made a user for it
            self._who |= {"user": "postgres", "group": "postgres"}
            shutil.chown(self._folder, "postgres", "postgres")
        make = ["initdb", "--auth=trust", "--username=spinbot", "--no-sync", "data"]
        subprocess.run(self._command(*make), check=True, stdout=subprocess.DEVNULL, **self._who)

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [str(_PROGRAMS[-1] / program), *arguments]

    def __enter__(self) -> Cluster:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        settings = ("listen_addresses=127.0.0.1", f"port={self._port}", "unix_socket_directories=")
        options = [o for s in (*settings, "fsync=off", "shared_buffers=16MB") for o in ("-c", s)]
        log = self._folder / "log"
        with open(log, "a") as output:
            command = self._command("postgres", "-D", "data", *options)
            self._child = subprocess.Popen(command, stdout=output, stderr=output, **self._who)
        ready = self._command("pg_isready", "-q", "-h", "127.0.0.1", "-p", self._port)
        until = time.monotonic() + 60
        while subprocess.run(ready).returncode:
            assert self._child.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """With its sessions, at once."""
        self._child.send_signal(2)
        self._child.wait(30)

    def freeze(self) -> None:
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        for process in self._processes():
            process.resume()

    def _processes(self) -> list[psutil.Process]:
        parent = psutil.Process(self._child.pid)
        return [parent, *parent.children(recursive=True)]
