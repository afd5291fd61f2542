"""The plan of a long video, its store, and what is said before it starts."""

import shutil
import tracemalloc
from collections import namedtuple
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from myspinbot.audio import Audio
from myspinbot.errors import BadInputError, StorageError
from myspinbot.lipsync.forecast import clock
from myspinbot.lipsync.hearing import CONTEXT_S, RATE
from myspinbot.lipsync.long_video import INFINITETALK, S2V, LongVideo, Sampling
from myspinbot.lipsync.steadying import match_colours, reference
from myspinbot.lipsync.window_store import WindowStore
from myspinbot.video import probe, write_mp4

SPEECH = Audio(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 88_200)).astype(np.float32), 22_050)
OPTIONS = {"audio_scale": 1.0, "colour_match": 0.0, "zoom": 1.0, "pan_x": 0.0, "pan_y": 0.0}


def video(folder, **changes):
    given = {
        "model": INFINITETALK,
        "pixels": np.random.default_rng(1).integers(0, 255, (32, 48, 3), np.uint8),
        "size": (48, 32),
        "speeches": [SPEECH],
        "window_frames": 21,
        "motion_frames": 5,
        "sampling": Sampling(2, 1.0, "euler", "simple", 7),
        "store": WindowStore(folder, 10**9),
        "weights": {"unet_name": "a"},
        "options": OPTIONS,
    }
    return LongVideo(**{**given, **changes})


def noise(count, seed=0):
    """Blocks of colours that survive H.264."""
    blocks = np.random.default_rng(seed).integers(0, 255, (count, 4, 6, 3), np.uint8)
    return blocks.repeat(8, axis=1).repeat(8, axis=2)


def fill(job, upto=None):
    for window in job.windows[:upto]:
        job.keep_frames(window.index, noise(window.made, window.index))


def test_the_film_has_every_frame_and_the_whole_sound(tmp_path):
    job = video(tmp_path / "store")
    fill(job)
    film = job.film(len(job.windows), tmp_path)
    assert (film.frame_count, job.frames) == (100, 100)
    assert film.audio is not None
    assert film.audio.samples.shape == SPEECH.samples.shape
    made = np.concatenate([noise(w.made, w.index) for w in job.windows])[:100]
    played = np.stack([frame.copy() for frame in film.frames()])
    assert np.abs(played.astype(int) - made.astype(int)).mean() < 8
    write_mp4(tmp_path / "film.mp4", film)
    found = probe(tmp_path / "film.mp4")
    assert (found["frames"], found["audio_codec"]) == (100, "aac")


def test_a_film_outlives_the_store(tmp_path):
    job = video(tmp_path / "store")
    fill(job)
    film = job.film(2, tmp_path)
    shutil.rmtree(tmp_path / "store")
    assert len(list(film.frames())) == 37
    del film
    assert not list(tmp_path.glob("myspinbot_film_*"))


def test_a_run_continues_where_it_stopped(tmp_path):
    fill(video(tmp_path), 3)
    again = video(tmp_path)
    assert again.missing() == list(range(3, len(again.windows)))
    assert np.array_equal(again.before(3)["frames"].numpy(), noise(16, 2)[-5:])
    again.store.video(again.keys[1]).unlink()  # somebody tidied up
    assert again.missing() == [1, *range(3, len(again.windows))]


def test_known_frames_reach_back_over_short_windows(tmp_path):
    job = video(tmp_path, window_frames=13, motion_frames=9)  # four new frames a window
    fill(job, 3)
    made = np.concatenate([noise(13, 0), noise(4, 1), noise(4, 2)])
    assert np.array_equal(job.before(3)["frames"].numpy(), made[-9:])


CHANGES = {
    "weights": {"unet_name": "b"},
    "sampling": Sampling(2, 1.0, "euler", "simple", 8),
    "pixels": np.zeros((32, 48, 3), np.uint8),
    "motion_frames": 9,
    "options": {**OPTIONS, "audio_scale": 1.5},
}
MOVES = [{"zoom": 1.2}, {"pan_x": 0.5}, {"pan_y": -0.5}]


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_a_window_depends_on_changes_its_key(tmp_path, name):
    before, after = video(tmp_path).keys, video(tmp_path, **{name: CHANGES[name]}).keys
    assert not set(before) & set(after)
    assert len(set(before)) == len(before)


def test_another_last_sentence_keeps_the_windows_before_it(tmp_path):
    """Two seconds around a window are heard; from the first changed window on all are new."""
    samples = np.tile(SPEECH.samples, 5)
    changed = samples.copy()
    changed[:, 18 * SPEECH.rate :] *= 0.5
    jobs = [video(tmp_path, speeches=[Audio(s, SPEECH.rate)]) for s in (samples, changed)]
    same = [a == b for a, b in zip(*(job.keys for job in jobs), strict=True)]
    kept = sum(same)
    assert same == [True] * kept + [False] * (len(same) - kept)
    end_s = jobs[0].windows[kept].end / 25
    assert 15.9 < end_s < 16.7


def test_half_an_hour_is_heard_a_window_at_a_time(tmp_path):
    """Its features at once would be gigabytes."""
    speech = Audio(np.zeros((1, 30 * 60 * RATE), np.float32), RATE)
    job = video(tmp_path, speeches=[speech], window_frames=81, motion_frames=9)
    longest = 0
    tracemalloc.start()
    for window in job.windows:
        (heard,) = job.heard(window)
        longest = max(longest, heard.samples.shape[1])
    assert len(set(job.keys)) == len(job.windows) == 625
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert longest / RATE == pytest.approx(81 / 25 + 2 * CONTEXT_S, abs=0.02)
    assert peak < 8e6


def test_a_longer_speech_keeps_what_did_not_hear_its_end(tmp_path):
    longer = Audio(np.tile(SPEECH.samples, 2), SPEECH.rate)
    first, second = video(tmp_path), video(tmp_path, speeches=[longer])
    assert first.keys[0] == second.keys[0]
    assert first.keys[-1] not in second.keys


def test_two_speakers_follow_each_other(tmp_path):
    other = Audio(np.ones((1, 16_000), np.float32), 16_000)
    job = video(tmp_path, speeches=[SPEECH, other])
    assert (job.frames, job.border) == (125, 100)
    assert job.sound.samples.shape == (2, 5 * 22_050)
    alone = [voice.samples[0] for voice in job.voices]
    assert not alone[0][64_000:].any()
    assert not alone[1][:64_000].any()
    assert len(job.heard(job.windows[0])) == 2


def test_latents_are_remembered_up_to_73_frames(tmp_path):
    job = video(tmp_path, model=S2V)
    assert job.frames == 64
    assert [w.made for w in job.windows] == [20, 20, 20, 20]
    for window in job.windows:
        latents = torch.full((1, 16, 5, 4, 6), float(window.index))
        job.keep_latents(window.index, noise(20), latents)
    assert [job.remembered(w) for w in job.windows] == [0, 5, 10, 15]
    assert job.before(3)["latents"][0, 0, :, 0, 0].tolist() == [0.0] * 5 + [1.0] * 5 + [2.0] * 5


def test_a_pixel_is_no_portrait_and_broken_samples_are_silence(tmp_path):
    with pytest.raises(BadInputError, match="only 1 x 15 pixels: use a larger one"):
        video(tmp_path, pixels=np.zeros((15, 1, 3), np.uint8))
    broken = SPEECH.samples.copy()
    broken[:, 1000:2000] = np.nan
    job = video(tmp_path, speeches=[Audio(broken, SPEECH.rate)])
    assert np.isfinite(job.sound.samples).all()
    assert all(np.isfinite(heard.samples).all() for heard in job.heard(job.windows[0]))


def test_a_model_that_makes_other_lengths_is_an_error(tmp_path):
    with pytest.raises(BadInputError, match="20 new frames in window 1, not 21"):
        video(tmp_path).keep_frames(0, noise(20))


def test_a_window_is_whole_or_not_there(tmp_path):
    job = video(tmp_path)

    def cancel(done, total):
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.keep_frames(0, noise(21), cancel)
    assert not list(tmp_path.iterdir())
    assert job.missing()[0] == 0


def test_the_store_forgets_the_oldest_of_others(tmp_path):
    old, new = video(tmp_path), video(tmp_path, weights="other")
    fill(old, 2)
    fill(new, 2)
    store = replace(new.store, cap_bytes=1)
    (tmp_path / f".1234abcd.{old.keys[3]}.mp4").write_bytes(b"killed on the way")
    store.shrink(set(new.keys))
    assert (len(old.missing()), new.missing()) == (
        len(old.windows),
        list(range(2, len(new.windows))),
    )
    assert len(list(tmp_path.iterdir())) == 4


def test_an_emptied_store_does_not_stop_a_run(tmp_path):
    """What comes next starts from memory; what is gone is missing, and made again."""
    job = video(tmp_path)
    fill(job, 3)
    state = job.before(3)["frames"].clone()
    shutil.rmtree(tmp_path)
    assert torch.equal(job.before(3)["frames"], state)
    job.keep_frames(3, noise(16, 3))
    assert job.missing() == [0, 1, 2, 4, 5]
    with pytest.raises(StorageError, match=r"gone or damaged .*Run again"):
        video(tmp_path).before(2)


@pytest.mark.parametrize("left", [b"", b"half of a header"])
def test_a_damaged_window_is_made_again(tmp_path, left):
    """A power cut may leave a file with a name and no content."""
    fill(video(tmp_path), 3)
    again = video(tmp_path)
    (tmp_path / f"{again.keys[1]}.safetensors").write_bytes(left)
    if left:
        with pytest.raises(StorageError, match="gone or damaged"):
            again.before(2)
    assert again.missing() == [1, 3, 4, 5]


def test_the_store_is_tried_before_anything_is_made(tmp_path):
    store = WindowStore(tmp_path / "store", 10**9)
    store.check()
    assert list(store.folder.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot be kept in .*may write to"):
        WindowStore(tmp_path / "file" / "store", 10**9).check()


def test_two_may_tidy_up_at_once(tmp_path):
    """What another one deleted in between is there no more."""
    fill(video(tmp_path), 1)
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nothing")
    WindowStore(tmp_path, 1).shrink(set())
    assert [path.name for path in tmp_path.iterdir()] == ["gone.mp4"]


def test_masks_are_cut_like_the_portrait(tmp_path):
    """Of a wide portrait the middle shows; a mask of any size marks what it marked there."""
    job = video(tmp_path, size=(128, 128), pixels=np.zeros((64, 128, 3), np.uint8))
    for rows, columns in ((64, 128), (200, 50)):
        mask = np.zeros((rows, columns), np.float32)
        mask[:, : columns * 3 // 8] = 1
        seen = job.seen_mask(mask, job.windows[0], "mask_1")
        assert seen.shape == (8, 8)
        assert np.array_equal(seen[4], [1, 1, 0, 0, 0, 0, 0, 0])
    mask[:, columns // 5 :] = 0
    with pytest.raises(BadInputError, match="mask_1 marks nothing"):
        job.seen_mask(mask, job.windows[0], "mask_1")


def test_the_forecast_counts(tmp_path):
    job = video(tmp_path)
    fill(job, 2)
    forecast = job.forecast()
    assert (forecast.windows, forecast.missing, forecast.frames) == (6, 4, 100)
    assert forecast.remaining_s(10, 1) == 30
    text = forecast.text(10**9)
    assert "4.0 s: 6 windows, 2 of them already there" in text
    assert "1.0 GB at any length" in text


def test_a_disk_that_is_too_small_is_refused(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    forecast = video(tmp_path).forecast()
    both = {tmp_path / "not" / "yet": forecast.store_bytes, tmp_path: forecast.film_bytes}
    need = forecast.store_bytes + forecast.film_bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(need))
    forecast.check_disk(both)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(need - 1))
    with pytest.raises(StorageError, match=r"6 windows of 48x32 need about .* GB free"):
        forecast.check_disk(both)


def test_times_are_readable():
    assert [clock(s) for s in (40, 89, 90, 720, 11_100)] == [
        "40 s",
        "89 s",
        "2 min",
        "12 min",
        "3 h 05 min",
    ]


def test_drifting_colours_are_led_back_without_a_jump():
    portrait = noise(1)[0] // 2 + 60
    drifted = np.clip(portrait + np.array([12, -8, 6]), 0, 255).astype(np.uint8)
    frames = np.stack([drifted] * 20)
    matched = match_colours(frames, portrait, 1.0)
    distance = np.abs(matched.astype(int) - portrait).mean((1, 2, 3))
    assert np.array_equal(matched[0], frames[0]) or np.abs(matched[0] - frames[0]).max() <= 1
    assert distance[-1] < 0.25 * distance[0]
    assert (np.diff(distance) <= 0.5).all()
    assert match_colours(frames, portrait, 0.0) is frames


def test_the_next_window_starts_from_the_colours_that_were_led_back(tmp_path):
    job = video(tmp_path, options={**OPTIONS, "colour_match": 1.0})
    made = noise(21) // 2 + 100
    shown = job.keep_frames(0, made)
    led = match_colours(made, job.portrait(job.windows[0]), 1.0)
    assert np.array_equal(shown, led)
    assert np.array_equal(job.before(1)["frames"].numpy(), led[-5:])
    assert np.abs(led[-1].astype(int) - made[-1]).mean() > 5


def test_the_portrait_fills_the_frame_and_comes_closer():
    columns = np.tile(np.arange(200, dtype=np.uint8)[None, :, None], (100, 1, 3))
    whole = reference(columns, 64, 32)
    assert whole.shape == (32, 64, 3)
    assert whole[:, 0].mean() == pytest.approx(1, abs=2)
    assert whole[:, -1].mean() == pytest.approx(198, abs=2)
    square = reference(columns, 32, 32)
    assert square[:, 0].mean() == pytest.approx(51, abs=3), "the middle is cut out"
    closer = reference(columns, 64, 32, 2.0)
    assert closer[:, 0].mean() == pytest.approx(50, abs=2)
    assert closer[:, -1].mean() == pytest.approx(149, abs=2)
    assert np.array_equal(reference(columns, 200, 100), columns)


@pytest.mark.parametrize("move", MOVES, ids=str)
def test_the_view_moves_from_window_to_window(tmp_path, move):
    still, moved = video(tmp_path), video(tmp_path, options={**OPTIONS, **move})
    ((name, wanted),) = move.items()
    slot, rest = ("zoom", "pan_x", "pan_y").index(name), OPTIONS[name]
    way = [job_view[slot] for job_view in map(moved.view, moved.windows)]
    assert way[0] == rest
    steps = [(after - before) / (wanted - rest) for before, after in pairwise(way)]
    assert steps == pytest.approx([16 / 100] * len(steps))
    assert moved.keys[0] == still.keys[0], "the first window shows the same"
    assert not set(moved.keys[1:]) & set(still.keys)


def test_a_pan_goes_to_the_borders_and_no_further():
    """Of a picture whose every pixel says where it is."""
    rows, columns = np.mgrid[:150, :200].astype(np.uint8)
    pixels = np.stack([columns, rows, columns], axis=2)
    for across, down in ((-1, -1), (1, 1), (1, -1), (0.5, 0)):
        seen = reference(pixels, 100, 75, 2.0, (across, down)).astype(int)
        left, top = 50 * (1 + across), 37.5 * (1 + down)
        assert np.abs(seen[:, 0, 0] - left).max() <= 1
        assert np.abs(seen[:, -1, 0] - (left + 99)).max() <= 1
        assert np.abs(seen[0, :, 1] - top).max() <= 1
        assert np.abs(seen[-1, :, 1] - (top + 74)).max() <= 1
    assert np.array_equal(reference(pixels, 100, 75, 1.0, (1, 1)), reference(pixels, 100, 75)), (
        "no room, no pan"
    )
