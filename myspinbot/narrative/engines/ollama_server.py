"""An Ollama server: what it has, what it keeps in memory, how to fetch and to unload a model.

Through the official client (PyPI `ollama`, MIT). Every call can be cancelled while it waits.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpx
import ollama

from ...errors import BadInputError, MissingModelError, ServerError, ServerUnreachableError
from ...progress import Tick, no_tick
from ..settings import OLLAMA_HOST
from .ollama_address import host_name, is_this_machine, reachable
from .streaming import listen

T = TypeVar("T")
CONNECT_S = 3.0
ANSWER_S = 5.0
"""For questions that need no model."""
LOAD_S = 300.0
"""How long it may be silent: a large model from a slow disk loads for minutes."""
UNLOAD_S = 15.0
"""Memory is given back some time after the answer says so (ollama issue 7606)."""
MEMORY_WORDS = ("memory", "alloc", "resource limitations")
SHOWN_CHARACTERS = 300
"""How much of a server's own words an error of ours quotes."""


@dataclass(frozen=True)
class PulledModel:
    """A model on the server's disk."""

    name: str
    size_bytes: int


@dataclass(frozen=True)
class LoadedModel:
    """A model in the server's memory."""

    name: str
    vram_bytes: int
    """How much of it lies on a GPU; 0: all of it on the CPU."""


class OllamaServer:
    """The server at `host`, written as OLLAMA_HOST is: name, name:port or a URL."""

    def __init__(self, host: str = OLLAMA_HOST, load_s: float = LOAD_S):
        """`load_s`: how long it may be silent. Raises BadInputError for what is no address."""
        self.host = reachable(host)
        self.load_s = load_s
        self._name = host_name(self.host)

    def __str__(self) -> str:
        return f"Ollama at {self.host}"

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, as far as its address tells."""
        return is_this_machine(self._name)

    def models(self, tick: Tick = no_tick, wait_s: float = ANSWER_S) -> list[PulledModel]:
        """What has been pulled, the newest first."""
        listed = self._ask(lambda client: client.list(), tick, wait_s)
        return [PulledModel(m.model or "", int(m.size or 0)) for m in listed.models]

    def find(self, model: str, tick: Tick = no_tick) -> PulledModel:
        """The pulled `model`; raises MissingModelError with the line that pulls it."""
        pulled = self.models(tick)
        for row in pulled:
            if full_name(row.name) == full_name(model):
                return row
        there = ", ".join(row.name for row in pulled) or "none"
        raise MissingModelError(
            f"{self} has no model {model!r}. Fetch it with: ollama pull {model} "
            f"(or switch `pull` on). Models there: {there}."
        )

    def can_chat(self, model: str) -> bool:
        """Whether `model` is there and writes text: an embedding model does not."""
        try:
            shown = self._ask(lambda client: client.show(model), no_tick, model=model)
        except MissingModelError:
            return False
        return shown.capabilities is None or "completion" in shown.capabilities

    def loaded(self, tick: Tick = no_tick) -> list[LoadedModel]:
        """What is in memory now."""
        listed = self._ask(lambda client: client.ps(), tick)
        return [LoadedModel(m.model or m.name or "", int(m.size_vram or 0)) for m in listed.models]

    def vram_bytes(self, model: str, tick: Tick = no_tick) -> int | None:
        """How much VRAM `model` holds; None if it is not loaded."""
        rows = {full_name(row.name): row.vram_bytes for row in self.loaded(tick)}
        return rows.get(full_name(model))

    def pull(self, model: str, tick: Tick) -> None:
        """Fetch `model` from Ollama's library; `tick` counts bytes. A cancelled pull can go on.

        Raises BadInputError for a name that leads to another registry: a workflow must not choose
        the hosts this machine talks to.
        """
        if not is_library_name(model):
            raise BadInputError(
                f"{model!r} is not from Ollama's own library, so a workflow may not fetch it. "
                f"If you trust it, run: ollama pull {model}"
            )
        done: dict[str, tuple[int, int]] = {}
        status = ""

        async def steps() -> AsyncIterator[ollama.ProgressResponse]:
            with self.explained(model), _no_such_model(model):
                async with self.client(self.load_s) as client:
                    async for step in await client.pull(model, stream=True):
                        yield step

        def report() -> None:
            have, whole = (sum(part[i] for part in done.values()) for i in (0, 1))
            tick(have, whole or 1)

        def take(step: ollama.ProgressResponse) -> None:
            nonlocal status
            status = step.status or ""
            if step.digest and step.total:
                done[step.digest] = (step.completed or 0, step.total)
            report()

        listen(steps, take, report)
        if status != "success":
            raise ServerError(f"{self} stopped fetching {model!r} ({status}). Run it again.")

    def unload(self, model: str, tick: Tick = no_tick, within_s: float = UNLOAD_S) -> int:
        """Make the server drop `model` and wait until it has; returns the bytes of VRAM freed.

        Raises ServerError when it is still there after `within_s`.
        """
        held = self.vram_bytes(model, tick)
        if held is None:
            return 0
        self.keep(model, 0)
        deadline = time.monotonic() + within_s
        while self.vram_bytes(model, tick) is not None:
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self} still holds {model!r} {within_s:g} s after it was told to unload it. "
                    f"Is another program using it? Unload it with: ollama stop {model}"
                )
            time.sleep(0.2)
        return held

    def keep(self, model: str, seconds: float, wait_s: float = ANSWER_S) -> None:
        """Tell the server how long `model` stays loaded; 0: not at all, without a look at it."""
        keeping = {"messages": [], "keep_alive": seconds}
        self._ask(lambda client: client.chat(model, **keeping), no_tick, wait_s)

    def client(self, silence_s: float) -> ollama.AsyncClient:
        """A client that waits at most `silence_s` for the next word."""
        timeout = httpx.Timeout(silence_s, connect=min(CONNECT_S, silence_s))
        # A proxy of the environment does not lead to this machine.
        return ollama.AsyncClient(
            self.host, timeout=timeout, trust_env=not self.is_local, follow_redirects=False
        )

    def _ask(
        self,
        question: Callable[[ollama.AsyncClient], Awaitable[T]],
        tick: Tick,
        wait_s: float = ANSWER_S,
        model: str = "",
    ) -> T:
        answers: list[T] = []

        async def ask() -> AsyncIterator[T]:
            with self.explained(model, wait_s):
                async with self.client(wait_s) as client:
                    yield await question(client)

        listen(ask, answers.append, lambda: tick(0, 1))
        return answers[0]

    @contextmanager
    def explained(self, model: str = "", silence_s: float | None = None) -> Iterator[None]:
        """Turn what the client raises into errors of ours."""
        try:
            yield
        except (OSError, httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ServerUnreachableError(
                f"Nothing answers: {self}. Start it: ollama serve. If it runs elsewhere, set "
                "OLLAMA_HOST for ComfyUI (docs/narrative.md)."
            ) from error
        except httpx.TimeoutException as error:
            raise ServerError(
                f"{self} was silent for {silence_s or self.load_s:g} s. It may be overloaded or "
                "still loading: look into its log, try again, or take a smaller model."
            ) from error
        except ollama.ResponseError as error:
            raise self._refusal(error, model) from error
        except (ValueError, TypeError, AttributeError) as error:  # no JSON, or not Ollama's
            raise ServerError(
                f"Something else than Ollama answers at {self.host}, perhaps a proxy or a web "
                "page. Check OLLAMA_HOST."
            ) from error
        except httpx.HTTPError as error:
            raise ServerError(f"{self} broke the connection ({error}). See its log.") from error

    def _refusal(self, error: ollama.ResponseError, model: str) -> ServerError | MissingModelError:
        said = " ".join(str(error.error).split())
        if said.startswith("<"):
            return ServerError(
                f"A web page with status {error.status_code} came instead of an answer from "
                f"{self}. Check OLLAMA_HOST, and the proxy between."
            )
        said = said[:SHOWN_CHARACTERS].rstrip(" .")
        if error.status_code == 404 and model:
            return MissingModelError(
                f"{self} has no model {model!r}. Fetch it with: ollama pull {model}"
            )
        if any(word in said.lower() for word in MEMORY_WORDS):
            fix = "take a smaller model or a smaller num_ctx, or close what else uses the memory"
            return ServerError(f"{self} is out of memory for {model!r}: {said}. To do: {fix}.")
        status = f" with {error.status_code}" if error.status_code > 0 else " while answering"
        return ServerError(f"{self} failed{status}: {said or 'it says no more'}. See its log.")


@contextmanager
def _no_such_model(model: str) -> Iterator[None]:
    """Tell a name that the library does not know from other failures of a pull."""
    try:
        yield
    except ollama.ResponseError as error:
        if "file does not exist" in str(error.error) or error.status_code == 404:
            raise MissingModelError(
                f"Ollama's library has no model {model!r}. Look the name up on ollama.com/library."
            ) from error
        raise


def full_name(model: str) -> str:
    """Ollama's own spelling: without a tag, `latest` is meant."""
    return model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"


def is_library_name(model: str) -> bool:
    """Whether `model` is [namespace/]name[:tag], and so leads to no registry but Ollama's."""
    part = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
    return re.fullmatch(rf"({part}/)?{part}(:{part})?", model) is not None


def vram_to_free(pulled: PulledModel, loaded: list[LoadedModel]) -> int:
    """How many bytes of VRAM loading `pulled` will take: its file and a fifth for its context."""
    there = any(full_name(row.name) == full_name(pulled.name) for row in loaded)
    return 0 if there else round(1.2 * pulled.size_bytes)
