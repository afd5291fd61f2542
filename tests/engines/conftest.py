"""What the tests of all optional voice engines share: a clip, no network, and a look for traces."""

from __future__ import annotations

import logging
import os
import random
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from myspinbot.audio import Audio
from myspinbot.voice.clip import ReferenceClip, prepare
from myspinbot.voice.engines import ENGINES, VoiceEngine
from myspinbot.voice.enroll import enroll
from myspinbot.voice.profile import VoiceProfile
from myspinbot.voice.speaker import SpeakerEncoder

RATE = 16_000


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine may ask the network for anything."""

    def refuse(*arguments: object) -> None:
        raise AssertionError("an engine went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny nets gain nothing from several, and lose much where others want the cores, too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def reference() -> ReferenceClip:
    """Four seconds of a sawtooth with a moving pitch, which passes for a voice."""
    time = np.arange(4 * RATE) / RATE
    cycles = 120 * (time + 0.01 * np.sin(2 * np.pi * time))
    wave = 0.2 * (2 * (cycles % 1) - 1) * (1 - 0.2 * np.cos(2 * np.pi * 4 * time))
    quiet = np.random.default_rng(0).normal(size=RATE // 2) * 1e-4
    samples = np.concatenate([quiet, wave, quiet]).astype(np.float32)
    return prepare(Audio(samples[None], RATE), "One two three four, five six seven eight nine ten")


@pytest.fixture(scope="session")
def listener() -> SpeakerEncoder:
    """A speaker encoder with random weights: what it hears does not matter here."""
    return SpeakerEncoder()


@pytest.fixture(scope="module")
def engine_name(request: pytest.FixtureRequest) -> str:
    """What a module test_<engine>.py is about."""
    return request.module.__name__.removeprefix("test_")


@pytest.fixture(scope="module")
def folder(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ComfyUI's models/myspinbot with the engine in miniature."""
    path = tmp_path_factory.mktemp("models")
    import_module(f"tiny_{engine_name}").write(path)
    return path


@pytest.fixture(scope="module")
def engine(engine_name: str, folder: Path) -> VoiceEngine:
    return ENGINES[engine_name].open(folder)


@pytest.fixture(scope="module")
def voice(engine: VoiceEngine, reference: ReferenceClip, listener: SpeakerEncoder) -> VoiceProfile:
    return enroll(engine, listener, reference)


def _globals() -> dict[str, object]:
    """What a library could change for everybody in the process."""
    root = logging.getLogger()
    return {
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "tf32": torch.backends.cuda.matmul.allow_tf32,
        "torch numbers": torch.get_rng_state().tolist(),
        "numpy numbers": str(np.random.get_state()),
        "python numbers": random.getstate(),
        "warnings": list(warnings.filters),
        "logging": (root.level, list(root.handlers), logging.root.manager.disable),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "hooks": (sys.excepthook, list(sys.meta_path), list(sys.path_hooks)),
        "folder": os.getcwd(),
        "running": {thread for thread in threading.enumerate() if not thread.daemon},
    }


@pytest.fixture
def no_trace() -> Callable[[], AbstractContextManager[None]]:
    """``with no_trace(): ...`` fails if anything global in the process is not as before."""

    @contextmanager
    def watch() -> Iterator[None]:
        before = _globals()
        yield
        assert _globals() == before

    return watch
