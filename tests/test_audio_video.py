"""Files in and out: every layout and rate comes back as it was, and nothing is written half."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myspinbot.audio import Audio, read_audio
from myspinbot.errors import BadInputError
from myspinbot.files import replacing
from myspinbot.video import fit_within, probe, read_frames, write_mp4


class Grey:
    """A video of one colour with a tone under it."""

    def __init__(self, count=25, size=(64, 48), fps=25, rate=24000, channels=1, colour=128):
        self.width, self.height = size
        self.fps, self.frame_count, self.colour = Fraction(fps), count, colour
        time = np.arange(round(count / fps * rate)) / rate
        tone = 0.3 * np.sin(2 * np.pi * 440 * time).astype(np.float32)
        self.audio: Audio | None = Audio(np.tile(tone, (channels, 1)), rate)

    def frames(self):
        for _ in range(self.frame_count):
            yield np.full((self.height, self.width, 3), self.colour, np.uint8)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_streams_are_as_long_as_the_frames(rate, channels, tmp_path):
    path = tmp_path / "out.mp4"
    write_mp4(path, Grey(count=50, rate=rate, channels=channels))
    found = probe(path)
    assert (found["frames"], found["video_codec"], found["audio_codec"]) == (50, "h264", "aac")
    assert abs(found["video_s"] - found["audio_s"]) <= 1 / 25


def test_grey_stays_grey(tmp_path):
    for value in (16, 77, 128, 235):
        write_mp4(tmp_path / "out.mp4", Grey(colour=value), crf=1)
        frame = next(read_frames(tmp_path / "out.mp4")).astype(int)
        assert np.abs(frame - value).max() <= 2


def test_colour_is_tagged_as_it_was_made(tmp_path):
    write_mp4(tmp_path / "out.mp4", Grey())
    with av.open(str(tmp_path / "out.mp4")) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.colorspace, codec.color_range) == (5, 1)


def test_a_failing_source_leaves_no_file(tmp_path):
    class Broken(Grey):
        def frames(self):
            yield from list(super().frames())[:3]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_mp4(tmp_path / "out.mp4", Broken())
    assert list(tmp_path.iterdir()) == []


def test_odd_dimensions_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="63x48"):
        write_mp4(tmp_path / "out.mp4", Grey(size=(63, 48)))


def test_replacing_keeps_the_old_file_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(target) as partial:
        (partial.parent / "absent" / partial.name).write_text("half")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]),
    st.sampled_from([8000, 16000, 24000, 48000]),
    st.integers(0, 20000),
    st.integers(1, 2),
)
def test_resampling_keeps_the_length(rate, wanted, length, channels):
    audio = Audio(np.zeros((channels, length), np.float32), rate).resampled(wanted)
    assert audio.rate == wanted
    assert audio.samples.shape == (channels, round(length * wanted / rate))


def test_resampling_keeps_a_tone():
    time = np.arange(48000) / 48000
    tone = Audio(np.sin(2 * np.pi * 1000 * time).astype(np.float32)[None], 48000).resampled(16000)
    spectrum = np.abs(np.fft.rfft(tone.samples[0]))
    assert int(spectrum.argmax()) == 1000
    assert tone.rms_dbfs() == pytest.approx(-3.0, abs=0.1)


@pytest.mark.parametrize("content", [b"", b"not a sound", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_sound_is_named(content, tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"clip\.wav"):
        read_audio(path)


def test_a_silent_video_has_no_sound_to_read(tmp_path):
    source = Grey()
    source.audio = None
    write_mp4(tmp_path / "mute.mp4", source)
    assert probe(tmp_path / "mute.mp4")["audio_codec"] == ""
    with pytest.raises(BadInputError, match="no audio stream"):
        read_audio(tmp_path / "mute.mp4")


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 400))
def test_fit_within(width, height, limit):
    pixels, matrix = fit_within(np.zeros((height, width, 3), np.uint8), limit)
    assert max(pixels.shape[:2]) <= max(width, height)
    if limit:
        assert max(pixels.shape[:2]) <= limit
    corner = matrix @ [width - 0.5, height - 0.5, 1]
    assert corner[0] == pytest.approx(width * matrix[0, 0] - 0.5)
