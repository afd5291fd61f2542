"""Files in and out: every layout and rate comes back as it was, and nothing is written half."""

from fractions import Fraction

import av
import av.filter
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myspinbot.audio import Audio, read_audio
from myspinbot.errors import BadInputError
from myspinbot.files import replacing
from myspinbot.video import Mp4Writer, fit_within, probe, read_frames, write_mp4
from myspinbot.voice import pitch


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


def tone(level_dbfs: float, seconds: float, hz: float = 1000, rate: int = 48000) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * time)).astype(np.float32)[None]


@pytest.mark.parametrize("rate", [8000, 24000, 44100, 48000, 96000])
def test_loudness_of_a_tone(rate):
    mono = tone(-20, 3, hz=997, rate=rate)
    assert Audio(mono, rate).loudness_lufs() == pytest.approx(-23, abs=0.15)
    stereo = Audio(np.repeat(mono, 2, axis=0), rate)
    assert stereo.loudness_lufs() == pytest.approx(-20, abs=0.15)


def test_loudness_is_gated():
    loud, quiet = tone(-20, 5), tone(-50, 10)
    gated = Audio(np.concatenate([quiet, loud, quiet, np.zeros_like(quiet)], axis=1), 48000)
    assert gated.loudness_lufs() == pytest.approx(-23, abs=0.3)
    # ten dB under the mean and more is left out, less is not
    both = Audio(np.concatenate([tone(-20, 5), tone(-26, 5)], axis=1), 48000)
    assert both.loudness_lufs() == pytest.approx(-25, abs=0.3)


@pytest.mark.skipif(not hasattr(av.AudioFrame, "metadata"), reason="PyAV hides what is measured")
@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_loudness_is_what_ffmpeg_measures(rate):
    swell = np.sin(np.arange(2 * rate * 8).reshape(2, -1) / rate) ** 6
    noise = np.random.default_rng(0).normal(size=swell.shape)
    dull = np.cumsum(noise, axis=1) - np.cumsum(np.roll(noise, 20, axis=1), axis=1)
    sound = Audio((0.03 * swell * dull).astype(np.float32), rate)
    frame = av.AudioFrame.from_ndarray(sound.samples, format="fltp", layout="stereo")
    frame.sample_rate = rate
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout="stereo")
    meter = graph.add("ebur128", "metadata=1:framelog=quiet")
    graph.link_nodes(source, meter, graph.add("abuffersink")).configure()
    graph.push(frame)
    graph.push(None)
    heard = []
    while True:
        try:
            measured = graph.pull()
        except (BlockingIOError, EOFError):
            break
        assert isinstance(measured, av.AudioFrame)
        heard.append(float(measured.metadata["lavfi.r128.I"]))
    assert sound.loudness_lufs() == pytest.approx(heard[-1], abs=0.1)


@pytest.mark.parametrize("samples", [np.zeros((1, 0)), np.zeros((2, 48000)), tone(-20, 0.39)])
def test_silence_and_short_sounds_have_no_loudness(samples):
    assert Audio(samples.astype(np.float32), 48000).loudness_lufs() == float("-inf")


@settings(max_examples=40)
@given(
    st.sampled_from([8000, 11025, 24000, 48000]),
    st.integers(0, 20000),
    st.integers(1, 3),
    st.floats(0.5, 2),
)
def test_stretching_gives_exactly_the_length(rate, length, channels, factor):
    noise = np.random.default_rng(length).normal(size=(channels, length)).astype(np.float32)
    stretched = Audio(noise * 0.1, rate).stretched(factor)
    assert stretched.rate == rate
    assert stretched.samples.shape == (channels, round(length * factor))
    assert stretched.samples.dtype == np.float32
    assert np.isfinite(stretched.samples).all()


@pytest.mark.parametrize("factor", [0.5, 0.8, 1, 1.3, 2])
@pytest.mark.parametrize("hz", [90, 210])
def test_stretching_keeps_the_pitch_and_the_place(factor, hz):
    silent = np.zeros((1, 24000), np.float32)
    time = np.arange(48000) / 24000
    voice = np.sum([np.sin(2 * np.pi * hz * n * time) / n for n in range(1, 8)], axis=0)
    sound = Audio(np.concatenate([silent, 0.1 * voice[None], silent], axis=1), 24000)
    stretched = sound.stretched(factor)
    assert pitch.measure(stretched).median_hz == pytest.approx(hz, rel=0.01)
    assert stretched.rms_dbfs() == pytest.approx(sound.rms_dbfs(), abs=0.5)
    loud_s = np.flatnonzero(np.abs(stretched.samples[0]) > 0.05) / 24000
    assert loud_s[0] == pytest.approx(factor, abs=0.06)
    assert loud_s[-1] == pytest.approx(3 * factor, abs=0.06)


@pytest.mark.parametrize("factor", [0, 0.49, 2.1, -1, float("nan")])
def test_what_cannot_be_stretched_is_told(factor):
    with pytest.raises(BadInputError, match=r"0\.5 to 2"):
        Audio(np.zeros((1, 100), np.float32), 8000).stretched(factor)


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


def test_equal_frames_make_an_equal_file(tmp_path):
    """x264 draws lots over noise on processors with AVX-512, unless it is told not to use it."""
    noise = np.random.default_rng(0).integers(0, 255, (30, 16, 16, 3), np.uint8)
    frames = noise.repeat(4, axis=1).repeat(4, axis=2)
    files = set()
    for _ in range(20):
        options = {"width": 64, "height": 64, "fps": Fraction(25), "crf": 12}
        with Mp4Writer(tmp_path / "noise.mp4", **options, repeatable=True) as writer:
            for frame in frames:
                writer.write(frame)
        files.add((tmp_path / "noise.mp4").read_bytes())
    assert len(files) == 1


@pytest.mark.parametrize("channels", [3, 7, 8, 10])
def test_any_number_of_channels(channels):
    """Eight is what a 7.1 film has."""
    sound = Audio(np.full((channels, 48_000), 0.2, np.float32), 48_000)
    assert sound.resampled(16_000).samples.shape == (channels, 16_000)
    assert np.isfinite(sound.levelled(-16).samples).all()
    assert sound.mono().samples.shape == (1, 48_000)
