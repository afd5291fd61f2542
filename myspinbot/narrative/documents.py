"""Reads the text of a file: plain text, Markdown, or PDF if PyPI `pypdf` (BSD) is installed."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import BadInputError, MissingDependencyError
from ..progress import Tick, no_tick

SUFFIXES = (".txt", ".md", ".pdf")
MOST_BYTES = 50_000_000


def read_document(path: Path, tick: Tick = no_tick) -> str:
    """The text of the file `path`; `tick` counts the pages of a PDF.

    Raises BadInputError for a file that cannot be read or has no text, MissingDependencyError for
    a PDF without pypdf.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise BadInputError(f"{path.name} is no text: use one of {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise BadInputError(f"There is no file {path.name}. Put it into ComfyUI's input folder.")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise BadInputError(
            f"{path.name} has {size / 1e6:.0f} MB; {MOST_BYTES / 1e6:.0f} is the most. Give the "
            "part that matters."
        )
    is_pdf = path.suffix.lower() == ".pdf"
    text = _pdf(path, tick) if is_pdf else _plain(path)
    if not any(character.isalnum() for character in text):
        scan = " If its pages are pictures, type what matters." if is_pdf else ""
        raise BadInputError(f"{path.name} holds no text.{scan}")
    return text


def _plain(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"{path.name} is not UTF-8. Open it in an editor and save it as UTF-8."
        ) from error


def _pdf(path: Path, tick: Tick) -> str:
    try:
        pypdf = import_module("pypdf")
    except ImportError as error:
        raise MissingDependencyError(
            f"{path.name}: reading a PDF needs pypdf. Install it with: {sys.executable} -m pip "
            "install pypdf. Or save the text as .txt."
        ) from error
    pages, texts = _pages(pypdf, path), []
    for number, page in enumerate(pages):
        tick(number, len(pages))
        texts.append(_extracted(page, f"page {number + 1} of {path.name}"))
    tick(len(pages), len(pages))
    return "\n\n".join(texts)


def _pages(pypdf: Any, path: Path) -> list[Any]:
    try:
        reader = pypdf.PdfReader(path)
        if not reader.is_encrypted:
            return list(reader.pages)
    except Exception as error:  # a damaged file breaks it in ways it does not name
        raise BadInputError(f"{path.name} is no readable PDF ({error}). Save it anew.") from error
    raise BadInputError(f"{path.name} is encrypted. Save a copy without a password.")


def _extracted(page: Any, name: str) -> str:
    try:
        return page.extract_text()
    except Exception as error:  # as above; `tick` is not in here
        raise BadInputError(f"{name} cannot be read ({error}). Give its text as .txt.") from error
