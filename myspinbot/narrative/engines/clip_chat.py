"""A bare language model as the writer's chat model: puts a chat into the form it was trained on.

Made for the text encoders of image models, which come without a chat template. Such a model has no
grammar either, so its answer begins with the brace of the JSON it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...errors import BadInputError
from ...progress import Tick
from ..chat import Answer, Message


@dataclass(frozen=True)
class Completion:
    """How a text went on."""

    text: str
    whole: bool
    """Whether the model ended it; else its tokens were used up."""
    tokens: int
    prompt_tokens: int = 0


class TextModel(Protocol):
    """A model that continues text."""

    name: str
    vocabulary: Mapping[str, int]
    """Its tokens."""

    def complete(
        self, prompt: str, *, end: str, max_tokens: int, temperature: float, seed: int
    ) -> Completion:
        """Go on after `prompt` until the token `end`; temperature 0 is greedy."""
        ...


@dataclass(frozen=True)
class ChatFormat:
    """How a family of models writes a chat down."""

    system: str
    user: str
    assistant: str
    """A whole turn each, with {text}."""
    answer: str
    """What stands before the turn to be written."""
    end: str
    """The token with which the model ends its turn."""
    start: str = ""


CHATML = ChatFormat(
    system="<|im_start|>system\n{text}<|im_end|>\n",
    user="<|im_start|>user\n{text}<|im_end|>\n",
    assistant="<|im_start|>assistant\n{text}<|im_end|>\n",
    answer="<|im_start|>assistant\n",
    end="<|im_end|>",
)
GEMMA = ChatFormat(
    system="<start_of_turn>user\n{text}<end_of_turn>\n",  # it knows no other role
    user="<start_of_turn>user\n{text}<end_of_turn>\n",
    assistant="<start_of_turn>model\n{text}<end_of_turn>\n",
    answer="<start_of_turn>model\n",
    end="<end_of_turn>",
    start="\n",  # ComfyUI's tokenizer for it loses the first token of a text with special ones
)
GEMMA_4 = ChatFormat(
    system="<|turn>system\n{text}<turn|>\n",
    user="<|turn>user\n{text}<turn|>\n",
    assistant="<|turn>model\n{text}<turn|>\n",
    answer="<|turn>model\n<|channel>thought\n<channel|>",  # no thoughts
    end="<turn|>",
)
MISTRAL = ChatFormat(
    system="[SYSTEM_PROMPT]{text}[/SYSTEM_PROMPT]",
    user="[INST]{text}[/INST]",
    assistant="{text}</s>",
    answer="",
    end="</s>",
)
FORMATS = {
    "<|im_start|>": CHATML,
    "<start_of_turn>": GEMMA,
    "<|turn>": GEMMA_4,
    "[INST]": MISTRAL,
}
"""By a token that only this family has."""


class ClipChat:
    """One text encoder. Raises BadInputError for a family whose form is not known."""

    def __init__(self, model: TextModel):
        known = (form for token, form in FORMATS.items() if token in model.vocabulary)
        form = next(known, None)
        if form is None:
            raise BadInputError(
                f"The text encoder {model.name} was not made for chats: its vocabulary has none of "
                f"{', '.join(FORMATS)}. Load a Qwen3, Gemma or Ministral."
            )
        self._model, self._form = model, form
        self.name = f"clip {model.name}"

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
        """Answer `messages`; see ChatLLM. `tick` hears of the beginning and of the end: between
        them the model reports and cancels by itself."""
        beginning = "{" if schema is not None else ""
        tick(0, max_tokens)
        said = self._model.complete(
            self.written(messages) + beginning,
            end=self._form.end,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
        )
        tick(min(said.tokens, max_tokens), max_tokens)
        ending = "stop" if said.whole else "length"
        return Answer(beginning + said.text, ending, said.tokens, said.prompt_tokens)

    def written(self, messages: Sequence[Message]) -> str:
        """The chat as the model reads it, up to the answer to be written."""
        turns = (getattr(self._form, item.role).format(text=item.text) for item in messages)
        return self._form.start + "".join(turns) + self._form.answer
