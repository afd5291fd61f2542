"""Films as cameras, phones and browsers make them: parts, pauses, sizes, sounds, bright colours."""

import io
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from test_video_files import RATE, Counting, bars, level, numbers, ramp

from myspinbot.audio import Audio
from myspinbot.errors import BadInputError
from myspinbot.video import FileFrames, write_mp4
from myspinbot.video.hdr import _LUMA, _TO_BT709


def encode(
    path, pictures, *, codec="libx264", form="yuv420p", setup=lambda stream: None, **options
):
    """A silent film of uint8 `pictures`, 25 a second."""
    with av.open(path, "w", format=options.pop("container", None)) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = form
        setup(stream)
        for number, pixels in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=form)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("start_s", [0.1, 0.3, 0.5])
def test_a_part_begins_with_a_frame_of_the_whole(start_s, tmp_path):
    """Half a frame further pictures would come twice, and others never."""
    path = tmp_path / "film.mp4"
    write_mp4(path, Counting(), crf=5)
    part = FileFrames(path, start_s=start_s, duration_s=0.2)
    first = round(start_s * 25)
    assert numbers(part.frames()) == list(range(first, first + 5))
    whole = FileFrames(path).audio
    assert whole is not None
    assert part.audio is not None
    at = round(first / 25 * RATE)
    assert np.array_equal(part.audio.samples, whole.samples[:, at : at + RATE // 5])


@pytest.mark.parametrize("container", ["mpegts", "matroska", "avi"])
def test_every_frame_is_found_where_there_is_no_index(container, tmp_path):
    path = tmp_path / f"film.{container}"
    encode(path, list(Counting().frames()), container=container, crf="5", g="8", bf="0")
    file = FileFrames(path)
    for first in range(20):
        assert numbers(file.frames(first)) == list(range(first, 20))


def test_oblong_pixels_become_square(tmp_path):
    path = tmp_path / "dv.mp4"

    def setup(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)

    encode(path, list(Counting(count=3, width=176).frames()), setup=setup, crf="5")
    file = FileFrames(path)
    assert (file.width, file.height) == (256, 48)
    assert [frame.shape for frame in file.frames()] == [(48, 256, 3)] * 3


def test_a_film_that_changes_its_size_keeps_the_first(tmp_path):
    """As a browser records a call, or one file was appended to another."""
    path = tmp_path / "call.ts"
    with open(path, "wb") as file:
        for number, (width, height) in enumerate(((64, 48), (48, 64), (128, 96))):
            part = io.BytesIO()
            pixels = np.full((height, width, 3), level(number), np.uint8)
            encode(part, [pixels], container="mpegts", crf="5", bf="0")
            file.write(part.getvalue())
    frames = list(FileFrames(path).frames())
    assert {frame.shape for frame in frames} == {(48, 64, 3)}


def test_sound_that_pauses_stays_in_step(tmp_path):
    """Half a second was not sent: what follows is where it was."""
    path, source = tmp_path / "call.mkv", Counting(count=50)
    assert source.audio is not None
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for number, pixels in enumerate(source.frames()):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
            if not 11 <= number < 23:
                at = number * RATE // 25
                samples = source.audio.samples[:, at : at + RATE // 25]
                block = (samples * 32767).astype(np.int16)
                heard = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
                heard.sample_rate, heard.pts = RATE, at
                heard.time_base = Fraction(1, RATE)
                container.mux(track.encode(heard))
        container.mux(stream.encode(None))
    sound = FileFrames(path).audio
    assert sound is not None
    assert abs(sound.samples.shape[1] - 2 * RATE) <= RATE // 1000
    loud = np.flatnonzero(np.abs(sound.samples[0]) > 0.3)
    starts = loud[np.flatnonzero(np.diff(loud, prepend=-RATE) > RATE // 10)] / RATE
    assert starts == pytest.approx([0, 0.4, 1.2, 1.6], abs=0.002), "0.8 s was in the pause"


@pytest.mark.parametrize("channels", [6, 8])
def test_surround_sound_is_mixed_down_with_its_voice(channels, tmp_path):
    """What is said comes from the middle: the mean of all channels would be a murmur."""
    source, samples = Counting(), np.zeros((channels, RATE), np.float32)
    samples[2] = 0.5 * np.sin(np.arange(RATE) * 0.06)
    samples[3] = 0.9
    source.audio = Audio(samples, RATE)
    write_mp4(tmp_path / "film.mp4", source)
    sound = FileFrames(tmp_path / "film.mp4").audio
    assert sound is not None
    assert len(sound.samples) == 2
    middle = sound.samples[:, RATE // 4 : RATE // 2]
    assert np.abs(middle).max(1) == pytest.approx([0.354, 0.354], abs=0.02)


def test_what_cannot_be_read_tells_what_to_do(tmp_path):
    path = tmp_path / "cut.mp4"
    write_mp4(path, Counting())
    path.write_bytes(path.read_bytes()[-300:])
    with pytest.raises(BadInputError, match=r"cut\.mp4 cannot be opened.*incomplete: fetch it"):
        _ = FileFrames(path).width


# -- high dynamic range

PQ, HLG, GAMMA = 16, 18, 14


def recorded(light, transfer):
    """The signal 0..1 of display light, where 1 is white paper of 203 cd/m2, by BT.2100."""
    light = np.maximum(light @ np.linalg.inv(_TO_BT709).T, 0)
    if transfer == PQ:
        power = (light * 203 / 10_000) ** (2610 / 16384)
        return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    if transfer == GAMMA:
        return light ** (1 / 2.4)
    light = light * 0.203
    scene = light * np.maximum(light @ _LUMA[0], 1e-9)[..., None] ** (-0.2 / 1.2)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def filmed(path, light, transfer):
    """The first frame of a 10-bit film of `light` with BT.2020's primaries."""
    pixels = np.rint(np.clip(recorded(light, transfer), 0, 1) * 65535).astype(np.uint16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt = "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc = 9, 9, transfer
        context.color_range = 1
        ranges = {"src_color_range": 2, "dst_color_range": 1}
        spaces = dict.fromkeys(("src_colorspace", "dst_colorspace"), 9)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb48le")
        frame = frame.reformat(format="yuv420p10le", interpolation=0x46020, **ranges, **spaces)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return next(FileFrames(path).frames()).astype(int)


@pytest.mark.parametrize("transfer", [PQ, HLG, GAMMA])
def test_high_dynamic_range_looks_as_it_was_seen(transfer, tmp_path):
    """Up to bright grey as it is; what shines becomes white without a jump, colours stay."""
    grey = filmed(tmp_path / "grey.mkv", (ramp(64) / 255.0) ** 2.4 * np.ones(3), transfer)
    wanted = ramp(64)[..., 0].astype(int)
    assert np.ptp(grey, axis=2).max() <= 3
    assert np.abs(grey[..., 1] - wanted)[:, 32:880].max() <= 2
    assert grey[32, -4].min() > 235
    assert (np.diff(cv2.blur(grey[32, :, 1].astype(float), (1, 9))[:, 0]) >= -0.5).all()
    colours = filmed(tmp_path / "bars.mkv", (bars(64) / 255.0) ** 2.4, transfer)
    error = np.abs(colours - np.minimum(bars(64), 245)).reshape(64, 8, 128, 3)[:, :, 8:-8]
    assert error.max() <= 25
    assert error.mean() < 4
