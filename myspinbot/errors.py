"""Every error the pack raises on purpose: what failed, on which value, and what to do."""


class MySpinBotError(Exception):
    """Root of the pack's errors; the CLI catches this one and exits 1."""

    def __init_subclass__(cls) -> None:
        # ComfyUI shows the module's name, which inside it is the path of the pack's folder.
        cls.__module__ = "myspinbot.errors"


class BadInputError(MySpinBotError, ValueError):
    """The user's portrait, clip, text or setting cannot be used."""


class MissingDependencyError(MySpinBotError):
    """An optional package is not installed."""


class MissingModelError(MySpinBotError):
    """A weights file is absent or damaged."""


class EngineError(MySpinBotError):
    """An engine failed on input that should have worked."""


class ServerError(MySpinBotError):
    """Talking to a ComfyUI or LLM server failed."""


class ServerUnreachableError(ServerError):
    """Nothing answers at the server's address."""


class PromptRejectedError(ServerError):
    """ComfyUI refused the workflow, or a node of it failed."""


class StorageError(MySpinBotError):
    """A file or a database could not be written, mostly because the disk is full."""
