"""A user's pronunciations: read from a list or inline, found in a text, said by every engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.errors import BadInputError
from myspinbot.voice.text.alphabet import VOCABULARY, from_ipa
from myspinbot.voice.text.phonemes import Phonemes, to_symbols
from myspinbot.voice.text.pronunciation import NONE, Pronunciations, shown

LIST = """
# Names
SpinBot = /spˈɪnbɑt/
gif = jif
New York City = noo yawk   # two words for three
New York = /nˈu jˈɔɹk/
US = you ess
C++ = see plus plus
🚀 = rocket
it's = its
"""


@pytest.fixture(scope="module")
def own() -> Pronunciations:
    return Pronunciations.parse(LIST)


@pytest.fixture(scope="module")
def american() -> Phonemes:
    return Phonemes("en-us")


def test_a_list_is_read(own: Pronunciations) -> None:
    assert [entry.written for entry in own.entries] == [
        *("SpinBot", "gif", "New York City", "New York", "US", "C++", "🚀", "it's")
    ]
    assert [entry.is_ipa for entry in own.entries] == [True, False, False, True, *[False] * 4]
    assert Pronunciations.parse("") == Pronunciations.parse("# nothing\n\n") == NONE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = b\nfoo", r"line 2: 'foo' .* write: word = respelling, or: word = /IPA/"),
        ("= x", "line 1"),
        ("x =", "line 1"),
        ("x = //", "no IPA between two slashes"),
        ("x = /abc", "no IPA between two slashes"),
        ("x = /a/b/", "no IPA between two slashes"),
        ("x = /ʘa/", "line 1: .*has ʘ, which the voice does not know"),
        ("x = /ˈ/", "no sound"),
        ("x = ?!", "no letters"),
        ("a = b\n\na = c", "line 3: 'a' has one already"),
    ],
)
def test_a_wrong_line_is_named(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Pronunciations.parse(text)


@pytest.mark.parametrize(
    ("text", "respelled"),
    [
        ("A GIF, gifs, the gif's end.", "A jif, gifs, the jif's end."),
        ("In New\nYork City!", "In noo yawk!"),
        ("US and us; BUS", "you ess and us; BUS"),
        ("C++, C and (C++)", "see plus plus, C and (see plus plus)"),
        ("to the 🚀🚀 It’s", "to the rocketrocket its"),
        ("nothing here", "nothing here"),
    ],
)
def test_text_engines_read_respellings(own: Pronunciations, text: str, respelled: str) -> None:
    assert own.respelled(text) == respelled


@pytest.mark.parametrize("text", ["I am SpinBot.", "In New York.", "A [word](/wˈɜɹd/)."])
def test_text_engines_refuse_ipa(own: Pronunciations, text: str) -> None:
    with pytest.raises(BadInputError, match="reads no IPA"):
        own.respelled(text)
    assert own.respelled("spinbot is another word")


def test_relevant_entries_are_those_of_the_text(own: Pronunciations) -> None:
    assert own.relevant("A GIF of SpinBot, another gif.") == [
        ["gif", "jif"],
        ["SpinBot", "/spˈɪnbɑt/"],
    ]
    assert own.relevant("nothing") == []


@pytest.mark.parametrize(
    ("text", "written", "symbols"),
    [
        ("I am SpinBot.", ["I", "am", "SpinBot."], "I əm spˈɪnbɑt."),
        ("SpinBot's fan", ["SpinBot's", "fan"], "spˈɪnbɑts fˈæn"),
        ("A SpinBot-like bot", ["A", "SpinBot-like", "bot"], "ə spˈɪnbɑt lˈIk bˈɑt"),
        ("in New York", ["in", "New", "York"], "ɪn nˈu jˈɔɹk"),
        ("in “New York City”!", ["in", "“New York City”!"], "ɪn “nˈu jˈɔk!”"),
        ("[Big Bot](/bˈɪɡ bˈɑt/),", ["Big", "Bot,"], "bˈɪɡ bˈɑt,"),
        ("([Big Bot](/bˈɪɡbɑt/))", ["(Big Bot)"], "(bˈɪɡbɑt)"),
        ("[GPUs](/ʤˈipjuz/) cost", ["GPUs", "cost"], "ʤˈipjuz kˈɔst"),
        ("the [apple](/ˈæpəl/)", ["the", "apple"], "ðɪ ˈæpᵊl"),
        ("[a link](https://a.b/c_(d))", ["a", "link"], "ə lˈɪŋk"),
        ("🚀", ["🚀"], "ɹˈɑkɪt"),
    ],
)
def test_words_keep_their_spelling(
    own: Pronunciations, american: Phonemes, text: str, written: list[str], symbols: str
) -> None:
    words = american.words(text, own)
    assert [word.text for word in words] == written
    assert to_symbols(words) == symbols


def test_inline_forms_need_no_list(american: Phonemes) -> None:
    assert to_symbols(american.words("[SpinBot](/spˈɪnbɑt/)")) == "spˈɪnbɑt"
    assert shown("I am [SpinBot](/spˈɪnbɑt/)!") == "I am SpinBot!"
    with pytest.raises(BadInputError, match="ʘ"):
        american.words("[SpinBot](/ʘ/)")


@pytest.mark.parametrize(
    ("ipa", "language", "symbols"),
    [
        ("ˈspɪn.bɒt", "en-us", "spˈɪnbɒt"),
        ("ˈtʃeɪndʒ", "en-us", "ʧˈAnʤ"),
        ("gəʊ", "en-gb", "ɡQ"),
        ("bɜːd", "en-us", "bɜɹd"),
        ("bɜːd", "en-gb", "bɜːd"),
        ("'wɔːtə", "en-us", "wˈɔtə"),
        ("ˈaɪ ˌæm", "en-us", "ˈI ˌæm"),
        ("t͡ʃao", "it", "ʧao"),
        ("sɐ̃w̃", "pt-br", "sɐ\u0303w\u0303"),
        ("fʁɑ̃ˈsɛz", "fr", "fʁɑ\u0303sˈɛz"),
        ("kˈOkəɹO", "en-us", "kˈOkəɹO"),
    ],
)
def test_ipa_becomes_kokoros(ipa: str, language: str, symbols: str) -> None:
    assert from_ipa(ipa, language) == symbols


@given(st.text(max_size=20))
def test_ipa_is_known_or_refused(ipa: str) -> None:
    try:
        symbols = from_ipa(ipa)
    except BadInputError:
        return
    assert set(symbols) <= set(VOCABULARY)


@given(st.text(max_size=60))
def test_any_list_is_read_or_refused(text: str) -> None:
    try:
        own = Pronunciations.parse(text)
    except BadInputError:
        return
    for entry in own.entries:
        assert entry in {span.entry for span in own.spans(entry.written)} or len(own.entries) > 1


@given(
    st.lists(st.sampled_from(["gif", "SpinBot", "New York City", "the", "a,", "🚀!"]), max_size=8)
)
def test_no_word_is_lost_beside_a_pronunciation(words: list[str]) -> None:
    spoken = Phonemes("en-us").words(" ".join(words), Pronunciations.parse(LIST))
    assert " ".join(word.text for word in spoken) == " ".join(words)
