"""Video files of every kind become frames by number, upright, in their true colours and time."""

import io
import json
import struct
import subprocess
import sys
from fractions import Fraction
from itertools import islice

import av
import numpy as np
import pytest

from myspinbot.audio import Audio
from myspinbot.errors import BadInputError
from myspinbot.video import FileFrames, Mp4Writer, Stage, Trimmed, even, probe, write_mp4
from myspinbot.video.colour import Matrix, to_rgb, to_yuv
from myspinbot.video.source import in_batches
from scripts.environment import ROOT

RATE = 48000


class Counting:
    """Frame n is grey of level 8 n + 16; a click of 1 ms begins with each tenth frame."""

    fps = Fraction(25)

    def __init__(self, count=20, width=64, height=48, fps=25, rate=RATE):
        self.frame_count, self.width, self.height = count, width, height
        self.fps = Fraction(fps)
        samples = np.zeros((1, round(count / self.fps * rate)), np.float32)
        for frame in range(0, count, 10):
            at = round(frame / self.fps * rate)
            samples[0, at : at + rate // 1000] = 0.8
        self.audio: Audio | None = Audio(samples, rate)
        self.made = 0

    def frames(self, first=0):
        for number in range(first, self.frame_count):
            self.made += 1
            yield np.full((self.height, self.width, 3), level(number), np.uint8)


def level(number):
    return 16 + 8 * (number % 28)


def numbers(frames):
    """Which frames of `Counting` these are."""
    return [round((float(frame.mean()) - 16) / 8) for frame in frames]


@pytest.fixture
def counted(tmp_path):
    path = tmp_path / "counted.mp4"
    write_mp4(path, Counting(), crf=5)
    return path


def test_a_file_gives_its_frames_again_and_again(counted):
    file = FileFrames(counted)
    assert (file.width, file.height, file.fps, file.frame_count) == (64, 48, 25, 20)
    for _ in range(2):
        assert numbers(file.frames()) == list(range(20))
    assert numbers(file.frames(first=13)) == list(range(13, 20))


def test_two_readers_at_once(counted):
    file = FileFrames(io.BytesIO(counted.read_bytes()))
    pairs = zip(file.frames(), file.frames(first=2), strict=False)
    assert [(a, b) for a, b in (numbers(pair) for pair in pairs)][:5] == [
        (n, n + 2) for n in range(5)
    ]


@pytest.mark.parametrize(
    ("start_s", "duration_s", "wanted"),
    [
        (0, 0.2, range(5)),
        (0.4, 0, range(10, 20)),
        (0.2, 0.4, range(5, 15)),
        (0.6, 9, range(15, 20)),
    ],
)
def test_trims_cut_picture_and_sound_together(start_s, duration_s, wanted, counted):
    file = FileFrames(counted, start_s=start_s, duration_s=duration_s)
    assert file.frame_count == len(wanted)
    assert numbers(file.frames()) == list(wanted)
    assert file.audio is not None
    assert file.audio.samples.shape[1] == round(len(wanted) / 25 * RATE)


def test_nothing_left_is_told(counted):
    with pytest.raises(BadInputError, match=r"0\.80 s long"):
        _ = FileFrames(counted, start_s=2).frame_count


def test_the_sound_stays_in_step(counted):
    sound = FileFrames(counted).audio
    assert sound is not None
    loud = np.flatnonzero(np.abs(sound.samples[0]) > 0.3)
    second = loud[loud > 5000][0]
    assert abs(loud[0]) <= 5
    assert abs(second - 10 / 25 * RATE) <= 5


def write_irregular(path, times_ms):
    """A file with a frame at each time, made by hand."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1000, options={"crf": "5", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time_ms in enumerate(times_ms):
            pixels = np.full((48, 64, 3), level(number), np.uint8)
            frame = to_yuv(pixels, Matrix.BT601)
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_a_variable_frame_rate_becomes_constant(tmp_path):
    """Slow, then fast: what is shown at any time stays what was shown at that time."""
    path = tmp_path / "vfr.mp4"
    times_ms = [*range(0, 1000, 100), *range(1000, 1200, 20)]
    write_irregular(path, times_ms)
    file = FileFrames(path, fps=Fraction(50))
    shown = numbers(file.frames())
    assert len(shown) == file.frame_count
    assert abs(file.frame_count - 60) <= 1
    for number, found in enumerate(shown):
        due = max(i for i, t in enumerate(times_ms) if t <= number * 20 + 10)
        assert found == due
    assert np.all(np.diff(numbers(FileFrames(path).frames())) >= 0)


def test_jitter_of_the_clock_drops_nothing(tmp_path):
    """29.97 in a container that counts milliseconds."""
    path = tmp_path / "jitter.mkv"
    write_irregular(path, [round(1000 * n * 1001 / 30000) for n in range(25)])
    file = FileFrames(path, fps=Fraction(30000, 1001))
    assert numbers(file.frames()) == list(range(25))


_TURNS = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
"""Clockwise degrees that a player turns the picture by, as a phone stores them."""


@pytest.mark.parametrize("degrees", _TURNS)
def test_rotated_films_stand_upright(degrees, tmp_path):
    upright = np.full((48, 64, 3), 200, np.uint8)
    upright[:12, :16] = (220, 30, 30)
    lying = np.ascontiguousarray(np.rot90(upright, degrees // 90))
    path = tmp_path / "phone.mp4"
    write_mp4(path, Still(lying), crf=5)
    data = bytearray(path.read_bytes())
    a, b, c, d = (value << 16 for value in _TURNS[degrees])
    at = data.find(b"tkhd") + 44
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    file = FileFrames(path)
    assert (file.width, file.height) == (64, 48)
    assert np.abs(next(file.frames()).astype(int) - upright).mean() < 4


def test_damage_repeats_the_frame_before(counted, tmp_path):
    data = bytearray(counted.read_bytes())
    middle = data.find(b"mdat") + 4 + (len(data) - data.find(b"mdat")) // 3
    data[middle : middle + 400] = bytes(400)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    assert sum(1 for _ in FileFrames(path).frames()) == 20


@pytest.mark.parametrize("content", [b"", b"no video", b"\x00\x00\x00\x18ftypmp42" + bytes(100)])
def test_what_is_no_video_is_named(content, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"clip\.mp4"):
        next(FileFrames(path).frames())


# -- colour


def ramp(height, width=1024):
    return np.repeat(np.arange(256, dtype=np.uint8).repeat(width // 256)[None, :, None], height, 0)


def bars(height, width=1024):
    colours = [(r, g, b) for r in (0, 255) for g in (0, 255) for b in (0, 255)]
    return np.repeat(np.repeat(np.array([colours], np.uint8), width // 8, 1), height, 0)


class Still:
    fps, frame_count, audio = Fraction(25), 5, None

    def __init__(self, pixels):
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def frames(self):
        for _ in range(self.frame_count):
            yield self.pixels


@pytest.mark.parametrize("matrix", Matrix)
@pytest.mark.parametrize("picture", [ramp, bars])
def test_colours_survive_a_file(matrix, picture, tmp_path):
    """Within one level on average, and no tint in grey."""
    pixels = np.ascontiguousarray(np.broadcast_to(picture(64), (64, 1024, 3)))
    path = tmp_path / "out.mp4"
    write_mp4(path, Still(pixels), matrix=matrix)
    (*_, found) = FileFrames(path).frames()
    error = found.astype(float) - pixels
    inner = np.abs(error).max(axis=(0, 2)).reshape(8, 128)[:, 4:-4]  # subsampling blurs borders
    assert np.abs(error).mean() <= 1
    assert inner.mean() <= 1.5
    assert np.abs(error.mean((0, 1))).max() <= 0.5
    if picture is ramp:
        assert np.ptp(found, axis=2).max() <= 1


@pytest.mark.parametrize("matrix", Matrix)
def test_tags_name_the_matrix_that_was_used(matrix, tmp_path):
    """Red and blue have the luma that the tagged standard defines."""
    path = tmp_path / "out.mp4"
    write_mp4(path, Still(bars(64)), crf=1, matrix=matrix)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        tags = (context.colorspace, context.color_primaries, context.color_trc)
        luma = next(container.decode(video=0)).to_ndarray()[32, 64:1024:128].astype(int)
    assert tags == matrix.value
    kr, kb = {Matrix.BT601: (0.299, 0.114), Matrix.BT709: (0.2126, 0.0722)}[matrix]
    shares = kb, 1 - kr - kb, kr
    wanted = [16 + 219 * sum(s for n, s in enumerate(shares) if i >> n & 1) for i in range(8)]
    assert np.abs(luma - wanted).max() <= 1.01


@pytest.mark.parametrize("form", ["yuvj420p", "yuv444p", "yuv420p10le", "rgb24"])
def test_other_pixel_formats(form):
    source = av.VideoFrame.from_ndarray(np.ascontiguousarray(bars(64)), format="rgb24")
    frame = source.reformat(format=form, dst_color_range=2 if form == "yuvj420p" else 1)
    if form == "yuvj420p":
        frame.color_range = 2
    error = to_rgb(frame).astype(int) - bars(64)
    assert np.abs(error.reshape(64, 8, 128, 3)[:, :, 8:-8]).max() <= 3


# -- stages


class Inverted(Stage):
    def frames(self, first=0):
        for frame in islice(self.source.frames(), first, None):
            yield 255 - frame


def test_stages_chain_one_frame_at_a_time():
    source = Counting()
    chain = Inverted(Trimmed(Inverted(source), 3, 4))
    assert (chain.width, chain.height, chain.fps, chain.frame_count) == (64, 48, 25, 4)
    frames = chain.frames()
    assert source.made == 0
    assert numbers([next(frames)]) == [3]
    assert source.made == 4
    assert numbers(frames) == [4, 5, 6]
    assert source.made == 7


def test_a_trim_takes_its_own_sound():
    trimmed = Trimmed(Counting(), 10, 5)
    assert trimmed.audio is not None
    assert trimmed.audio.samples.shape[1] == round(5 / 25 * RATE)
    assert trimmed.audio.samples[0, 0] > 0.5


@pytest.mark.parametrize(("width", "height"), [(63, 48), (64, 47), (63, 47), (64, 48)])
def test_even_sizes(width, height):
    source = even(Counting(width=width, height=height))
    assert (source.width, source.height) == (width // 2 * 2, height // 2 * 2)
    assert all(f.shape == (source.height, source.width, 3) for f in source.frames())


def test_batches_are_copies():
    batches = list(in_batches(Counting(count=7).frames(), 3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert numbers(np.concatenate(batches)) == list(range(7))


# -- what goes wrong while writing


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    """A limit on the size of files stands for the full disk."""
    script = (
        "import json, resource, sys\n"
        "from fractions import Fraction\n"
        "import numpy as np\n"
        "from myspinbot.errors import StorageError\n"
        "from myspinbot.video import Mp4Writer\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "noise = np.random.default_rng(0)\n"
        "try:\n"
        "    with Mp4Writer(sys.argv[1], width=256, height=256, fps=Fraction(25)) as writer:\n"
        "        for _ in range(200):\n"
        "            writer.write(noise.integers(0, 255, (256, 256, 3), np.uint8))\n"
        "except StorageError as error:\n"
        "    print(json.dumps(str(error)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "out.mp4")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "out.mp4 could not be written" in json.loads(done.stdout), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_abandoned_file_is_removed(tmp_path):
    def stop(done, _total):
        if done == 3:
            raise KeyboardInterrupt

    source = Counting()
    with pytest.raises(KeyboardInterrupt):
        write_mp4(tmp_path / "out.mp4", source, tick=stop)
    assert list(tmp_path.iterdir()) == []
    assert source.made == 3


def test_a_writer_takes_frames_from_anywhere(tmp_path):
    path = tmp_path / "out.mp4"
    with Mp4Writer(path, width=64, height=48, fps=Fraction(30)) as writer:
        for frame in Counting(count=9).frames():
            writer.write(frame)
        assert not path.exists()
    assert probe(path)["frames"] == 9
