"""Texts cut to what a net can say at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from myspinbot.voice.engines.text_parts import cut_to_fit


def up_to(characters: int):
    return lambda part: len(part) <= characters


@given(st.text("ab3.,;!?'” 。」", max_size=120), st.integers(1, 40))
def test_parts_fit_and_lose_nothing(text, characters):
    written = " ".join(text.split())
    parts = cut_to_fit(written, up_to(characters))
    assert "".join("".join(parts).split()) == "".join(written.split())
    assert all(len(part) <= characters for part in parts)
    assert all(parts) or not written


def test_marks_come_before_spaces_and_spaces_before_letters():
    assert cut_to_fit("one two, three four five six", up_to(25)) == [
        "one two,",
        "three four five six",
    ]
    assert cut_to_fit("it was 3.500.000 or so", up_to(20)) == ["it was", "3.500.000 or so"]
    assert cut_to_fit("He said “no.” She went.", up_to(20)) == ["He said “no.”", "She went."]
    assert cut_to_fit("你好，世界很大。", up_to(6)) == ["你好，", "世界很大。"]
    assert cut_to_fit("endless", up_to(4)) == ["end", "less"]
