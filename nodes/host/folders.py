"""Where ComfyUI keeps models and voices; a user's name never leads out of its folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import folder_paths

from ...myspinbot.errors import BadInputError
from ...myspinbot.lipsync.engines import FOLDER as LIPSYNC
from ...myspinbot.lipsync.engines import SUFFIXES
from ...myspinbot.lipsync.window_store import WindowStore
from ...myspinbot.models import FOLDER

VOICES = "spinbot_voices"
"""Models folder of saved voice profiles."""
RESTORERS = "facerestore_models"
"""Models folder of nets that restore faces, as other packs name it, too."""


def register() -> None:
    """Register our folders with ComfyUI; called once, from on_load."""
    folders = (
        (FOLDER, set()),
        (VOICES, {".safetensors"}),
        (LIPSYNC, set(SUFFIXES)),
        (RESTORERS, folder_paths.supported_pt_extensions),
    )
    for folder, extensions in folders:
        folder_paths.add_model_folder_path(folder, os.path.join(folder_paths.models_dir, folder))
        known = folder_paths.folder_names_and_paths[folder]
        folder_paths.folder_names_and_paths[folder] = (known[0], known[1] or extensions)


def weights(files: Sequence[str] = ()) -> Path:
    """The first registered folder of weights that holds all `files`, else the first that exists."""
    folders = [Path(folder) for folder in folder_paths.get_folder_paths(FOLDER)]
    there = [folder for folder in folders if folder.is_dir()] or folders[:1]
    full = (f for f in there if all((f / name).is_file() for name in files))
    return next(full, there[0])


def private(name: str) -> Path:
    """A folder of ours in ComfyUI's user directory that is not reachable over HTTP."""
    return Path(folder_paths.get_system_user_directory("myspinbot")) / name


def inside(folder: str, name: str, suffix: str) -> Path:
    """Resolve a user's file name below a models folder; raises BadInputError outside it."""
    root = Path(folder_paths.get_folder_paths(folder)[0])
    return _below(root, (root / name).with_suffix(suffix), name)


def files(folder: str) -> list[str]:
    """Names of the files in a models folder, for a combo."""
    return folder_paths.get_filename_list(folder)


def stored(folder: str, names: Sequence[str]) -> Path | None:
    """The first of `names` that is a file below a models folder, wherever that lies."""
    found = (folder_paths.get_full_path(folder, name) for name in names)
    return next((Path(path) for path in found if path), None)


def documents(suffixes: Sequence[str]) -> list[str]:
    """Names of the files of ComfyUI's input folder that end with one of `suffixes`."""
    root = Path(folder_paths.get_input_directory())
    here = root.iterdir() if root.is_dir() else ()
    return sorted(path.name for path in here if path.suffix.lower() in suffixes and path.is_file())


def document(name: str) -> Path:
    """Resolve a file name in ComfyUI's input folder; raises BadInputError outside it."""
    root = Path(folder_paths.get_input_directory())
    return _below(root, root / name, name)


def input_folders() -> list[str]:
    """Names of the folders below ComfyUI's input folder, for a combo."""
    return folder_paths.get_input_subfolders()


def input_folder(name: str) -> Path:
    """Resolve a folder's name below ComfyUI's input folder; raises BadInputError outside it."""
    root = Path(folder_paths.get_input_directory())
    return _below(root, root / name, name)


def _below(root: Path, path: Path, name: str) -> Path:
    """`path` resolved; raises BadInputError, quoting `name`, unless it lies below `root`."""
    root, path = root.resolve(), path.resolve()
    if not name.strip() or root not in path.parents:
        raise BadInputError(f"{name!r} is not a name inside {root}: use a plain name.")
    return path


def speech_cache_bytes() -> int:
    """How much disk spoken sentences may take: MYSPINBOT_SPEECH_CACHE_MB, 256 unless set."""
    return round(number_setting("MYSPINBOT_SPEECH_CACHE_MB", 256) * 1e6)


def window_store() -> WindowStore:
    """Finished windows of talking videos: MYSPINBOT_TALKING_VIDEO_MB of them, 8192 unless set."""
    cap = round(number_setting("MYSPINBOT_TALKING_VIDEO_MB", 8192) * 1e6)
    return WindowStore(private("talking_video"), cap)


def number_setting(variable: str, default: float) -> float:
    """What an environment variable says, `default` if nothing; BadInputError for no number."""
    text = os.environ.get(variable, "").strip()
    try:
        return float(text) if text else default
    except ValueError:
        raise BadInputError(f"{variable}={text!r} is not a number.") from None


def temporary() -> Path:
    """ComfyUI's temp folder, which is emptied when it starts and ends."""
    return Path(folder_paths.get_temp_directory())
