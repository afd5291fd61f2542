"""Words on pictures: read, timed, wrapped, drawn inside the safe area."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.errors import BadInputError, StorageError
from myspinbot.video.captions import Captioned, Cue, parse, to_srt, to_vtt, write_sidecar
from myspinbot.video.disclosure import Disclosed, is_disclosed, provenance
from myspinbot.video.lettering import FONT_FILE, Look, load_font, wrapped

SRT = (
    "1\r\n00:00:01,000 --> 00:00:02,500\r\nHello <i>there</i>.\r\nAgain\r\n\r\n"
    "2\r\n00:01:02,5 --> 01:00:00,000\r\nLast\r\n"
)


class Plain:
    fps, audio = Fraction(10), None

    def __init__(self, width=320, height=240, count=10, grey=90):
        self.width, self.height, self.frame_count, self.grey = width, height, count, grey

    def frames(self):
        for _ in range(self.frame_count):
            yield np.full((self.height, self.width, 3), self.grey, np.uint8)


def drawn(frame, grey=90):
    """Box x0, y0, x1, y1 of what is not background; None when nothing was drawn."""
    y, x = np.nonzero(np.abs(frame.astype(int) - grey).max(2) > 8)
    return (x.min(), y.min(), x.max() + 1, y.max() + 1) if len(x) else None


def test_subrip_and_webvtt_are_read():
    cues = parse(SRT)
    assert cues == [Cue("Hello there.\nAgain", 1.0, 2.5), Cue("Last", 62.5, 3600.0)]
    assert parse("\ufeff" + SRT) == cues
    assert parse("WEBVTT\n\nNOTE x\n\n00:01.000 --> 00:02.000 align:start\nHi\n") == [
        Cue("Hi", 1.0, 2.0)
    ]


@pytest.mark.parametrize("text", ["", "no captions", "00:00:02,000 --> 00:00:01,000\nback in time"])
def test_a_text_without_captions_is_told(text):
    with pytest.raises(BadInputError, match="-->"):
        parse(text)


words = st.text(st.characters(categories=("L", "N"), max_codepoint=0x24F), min_size=1, max_size=9)
cue_lists = st.lists(
    st.builds(
        lambda text, start, length: Cue(text, start / 1000, (start + length) / 1000),
        st.lists(words, min_size=1, max_size=8).map(" ".join),
        st.integers(0, 10**7),
        st.integers(1, 10**4),
    ),
    min_size=1,
    max_size=5,
)


@given(cue_lists)
def test_what_is_written_is_read_again(cues):
    cues.sort(key=lambda cue: cue.start_s)
    for text in (to_srt(cues), to_vtt(cues)):
        again = parse(text)
        assert [cue.text for cue in again] == [cue.text for cue in cues]
        for before, after in zip(cues, again, strict=True):
            assert after.start_s == pytest.approx(before.start_s, abs=6e-4)


@given(st.lists(words, min_size=1, max_size=12), st.integers(60, 400))
def test_lines_keep_every_word_and_the_width(text, width_px):
    font = load_font(None, 20)
    lines = wrapped(" ".join(text), font, width_px)
    assert " ".join(lines).split() == " ".join(text).split()
    assert all(font.getlength(line) <= width_px or " " not in line for line in lines)


def test_captions_show_in_their_time_only():
    stage = Captioned(Plain(), [Cue("Hello", 0.3, 0.6)], look=Look())
    shown = [drawn(frame) is not None for frame in stage.frames()]
    assert shown == [False] * 3 + [True] * 3 + [False] * 4


@pytest.mark.parametrize("position", ["bottom", "middle", "top"])
@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("size", [(320, 240), (180, 320), (640, 90)])
def test_letters_stay_in_the_safe_area(position, box, size):
    text = "A long sentence that has to be broken into several lines to fit, whatever happens"
    stage = Captioned(
        Plain(*size, count=1),
        [Cue(text, 0, 1)],
        look=Look(box=box),
        position=position,
        size=0.09,
        safe_area=0.08,
    )
    (frame,) = stage.frames()
    found = drawn(frame)
    assert found is not None
    margin = round(0.08 * min(size))
    x0, y0, x1, y1 = found
    assert x0 >= margin - 1
    assert y0 >= margin - 1
    assert x1 <= size[0] - margin + 1
    assert y1 <= size[1] - margin + 1
    middle = (y0 + y1) / 2 / size[1]
    if size[1] > 200:
        assert {"bottom": middle > 0.5, "middle": 0.4 < middle < 0.6, "top": middle < 0.5}[position]


def test_a_source_frame_is_not_written_on():
    frames = np.full((1, 64, 64, 3), 90, np.uint8)

    class Held(Plain):
        def frames(self):
            yield frames[0]

    next(Captioned(Held(64, 64, 1), [Cue("x", 0, 1)], look=Look()).frames())
    assert (frames == 90).all()


def test_a_sign_the_font_lacks_is_named():
    with pytest.raises(BadInputError, match="你"):
        Captioned(Plain(), [Cue("你好", 0, 1)], look=Look())


@pytest.mark.weights
@pytest.mark.parametrize(
    "text", ["Größe, ça va, señor", "Привет", "Γειά σου", "Tiếng Việt", "नमस्ते"]
)
def test_the_embedded_font_writes_many_languages(text, models_dir):
    font = models_dir / FONT_FILE
    (frame, *_) = Captioned(Plain(), [Cue(text, 0, 1)], look=Look(font)).frames()
    assert drawn(frame) is not None


@pytest.mark.parametrize("colour", ["", "#ggg", "whiteish"])
def test_what_is_no_colour_is_told(colour):
    with pytest.raises(BadInputError, match="is no colour: write #rrggbb"):
        Look(colour=colour)


def test_what_is_no_font_is_told(tmp_path):
    path = tmp_path / "font.ttf"
    path.write_bytes(b"no font")
    with pytest.raises(BadInputError, match=r"font\.ttf"):
        Captioned(Plain(), [Cue("x", 0, 1)], look=Look(path))


def test_a_sidecar_that_finds_no_room_is_told(tmp_path):
    (tmp_path / "video").touch()  # where its folder should be
    with pytest.raises(StorageError, match=r"out\.srt could not be written"):
        write_sidecar(tmp_path / "video" / "out.srt", parse(SRT))


@pytest.mark.parametrize("suffix", [".srt", ".vtt"])
def test_sidecars(suffix, tmp_path):
    path = tmp_path / f"video{suffix}"
    write_sidecar(path, parse(SRT))
    assert parse(path.read_text("utf-8")) == parse(SRT)
    assert path.read_text("utf-8").startswith("WEBVTT") == (suffix == ".vtt")


@pytest.mark.parametrize("size", [(512, 512), (256, 320), (1080, 1920)])
def test_the_label_is_readable_and_out_of_the_way(size):
    stage = Disclosed(Plain(*size, count=2), None)
    for frame in stage.frames():
        found = drawn(frame)
        assert found is not None
        x0, y0, x1, y1 = found
        assert x0 < size[0] * 0.05
        assert y0 < size[1] * 0.05
        assert x1 < size[0] * 0.5
        assert 11 <= y1 - y0 < size[1] * 0.1
        assert frame[y0:y1, x0:x1].max() > 200, "bright letters"
    assert is_disclosed(Captioned(stage, [Cue("x", 0, 1)], look=Look()))
    assert not is_disclosed(Plain())


def test_provenance_tells_models_seeds_and_consent():
    prompt = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "2": {
            "class_type": "MySpinBot_VoiceProfile",
            "inputs": {"engine": "kokoro", "consent": "mine", "transcript": "x", "voice": ["1", 0]},
        },
        "3": {"class_type": "MySpinBot_TalkingPortrait", "inputs": {"seed": 7, "image": ["1", 0]}},
        "4": {"class_type": "LoadImage", "inputs": {"image": "private.png"}},
    }
    record = provenance(prompt)
    assert record["ai_generated"] is True
    assert record["digital_source_type"].endswith("trainedAlgorithmicMedia")
    assert record["made_by"] == [
        {"node": "CheckpointLoaderSimple", "ckpt_name": "a.safetensors"},
        {"node": "MySpinBot_VoiceProfile", "engine": "kokoro", "consent": "mine"},
        {"node": "MySpinBot_TalkingPortrait", "seed": 7},
    ]
    assert "private" not in json.dumps(record)
    assert provenance(None)["made_by"] == []
    assert Path(FONT_FILE).suffix == ".ttf"
