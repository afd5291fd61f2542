"""The words a picture is learned with."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import BadInputError

CLOSE_UP, WHOLE = "a close-up photo of {}", "a photo of {}"


def subject(trigger: str, class_word: str) -> str:
    """What stands for the subject in a caption, such as "ohwx woman"; raises BadInputError."""
    words = " ".join(f"{trigger} {class_word}".split())
    if not words:
        raise BadInputError(
            "Trigger and class word are both empty, and there is no caption: give a trigger, an "
            "invented word such as 'ohwx', and what it is, such as 'woman'."
        )
    return words


def caption_lines(text: str, pictures: int) -> list[str]:
    """A caption for each of so many pictures: one a line, or one for all; "" where none is given.

    Raises BadInputError when the lines do not fit.
    """
    lines = text.rstrip().split("\n")
    if len(lines) == 1:
        return [text.strip()] * pictures
    # the last ones may be empty, as any other
    lines += [""] * min(text.count("\n") + 1 - len(lines), pictures - len(lines))
    if len(lines) != pictures:
        raise BadInputError(
            f"There are {len(lines)} captions for {pictures} pictures. Write one a line in the "
            "order of the pictures, with an empty line where one shall be made, or a single line "
            "for all."
        )
    return [line.strip() for line in lines]


def caption_for(given: str, trigger: str, class_word: str, *, close_up: bool) -> str:
    """The caption of one picture: the given one, which always names the trigger, or a made one."""
    trigger = trigger.strip()
    if not given:
        return (CLOSE_UP if close_up else WHOLE).format(subject(trigger, class_word))
    if trigger and trigger.casefold() not in given.casefold():
        return f"{subject(trigger, class_word)}, {given}"
    return given


def without_trigger(caption: str, trigger: str, class_word: str) -> str:
    """The caption of anybody of the class who would be seen like that; the class word alone where
    the trigger is not in it."""
    if not trigger or trigger.casefold() not in caption.casefold():
        return class_word
    instead = "" if class_word.casefold() in caption.casefold() else class_word
    return " ".join(re.sub(re.escape(trigger), instead, caption, flags=re.IGNORECASE).split())


def tally(captions: Sequence[str]) -> list[str]:
    """Every caption once, with how often it occurs."""
    return [f"{captions.count(one)} x {one}" for one in dict.fromkeys(captions)]
