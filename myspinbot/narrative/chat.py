"""What the writer asks of a chat model behind a server. Knows no protocol and no prompt text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..progress import Tick


@dataclass(frozen=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True)
class Answer:
    """What a chat model said."""

    text: str
    ending: Literal["stop", "length", "cut"]
    """Why it ended: said all, ran out of tokens, or the connection broke. Only "stop" is whole."""
    tokens: int = 0
    """As the server counts them; 0 if it does not."""
    prompt_tokens: int = 0
    """Those of the messages, the same."""


class ChatLLM(Protocol):
    """A model that answers messages."""

    name: str
    """Engine and model, e.g. "ollama llama3.2:3b"."""

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        temperature: float = 0.7,
        seed: int = 0,
        tick: Tick,
    ) -> Answer:
        """Answer `messages`, as JSON that fits the JSON `schema` if one is given.

        Streams: `tick(tokens, max_tokens)` hears of every token and may raise to cancel, which
        ends the generation on the server, too. Raises ServerError, saying what to do, when the
        server cannot be reached, refuses, or takes too long.
        """
        ...
