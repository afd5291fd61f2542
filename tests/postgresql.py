"""A PostgreSQL server on loopback, from the Debian package, with a cluster of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.serving import free_port

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
INSTALLED = bool(_PROGRAMS)


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a server with an empty database; yields its address, as an operator writes it."""
    programs = _PROGRAMS[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    # it refuses to run as root; its package made a user for it
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    who = {"user": account.pw_uid, "group": account.pw_gid, "cwd": folder} if account else {}
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    make = [programs / "initdb", "--auth=trust", "--username=spinbot", "--no-sync", folder / "data"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, **who)
    port = free_port()
    settings = (
        "listen_addresses=127.0.0.1",
        f"port={port}",
        "unix_socket_directories=",
        "fsync=off",
        "shared_buffers=16MB",
    )
    command = [programs / "postgres", "-D", folder / "data"]
    for setting in settings:
        command += ["-c", setting]
    with open(folder / "log", "w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, **who)
    try:
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        until = time.monotonic() + 60
        while subprocess.run(ready).returncode:
            assert child.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.1)
        yield f"postgresql://spinbot@127.0.0.1:{port}/postgres"
    finally:
        child.terminate()
        child.wait(30)
        shutil.rmtree(folder)
