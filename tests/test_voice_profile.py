"""Voice profiles as files."""

import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from myspinbot.errors import BadInputError
from myspinbot.voice.profile import VoiceProfile


@pytest.fixture
def profile(voice_of) -> VoiceProfile:
    style = {"style": torch.linspace(-1, 1, 256), "f0_map": torch.tensor([0.9, 0.4])}
    return voice_of(style, similarity={"blend": 0.7}, method="blend")


def test_a_saved_voice_comes_back(profile, tmp_path):
    path = tmp_path / "me.safetensors"
    profile.save(path)
    loaded = VoiceProfile.load(path)
    assert path.stat().st_size < 4_500
    assert list(tmp_path.iterdir()) == [path]
    for field in dataclasses.fields(VoiceProfile):
        if field.name not in ("style", "embedding"):
            assert getattr(loaded, field.name) == getattr(profile, field.name)
    assert torch.equal(loaded.embedding, profile.embedding)
    assert loaded.style.keys() == profile.style.keys()
    assert all(torch.equal(loaded.style[name], profile.style[name]) for name in profile.style)


def test_the_same_voice_gives_the_same_bytes(profile, tmp_path):
    profile.save(tmp_path / "a")
    profile.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_voices_of_any_shape_come_back(voice_of, tmp_path):
    style = {
        "offset": torch.tensor(3),
        "mask": torch.tensor([True, False]),
        "half": torch.ones(2, 3, dtype=torch.bfloat16),
    }
    for number, tensors in enumerate((style, {})):
        profile = voice_of(tensors)
        profile.save(tmp_path / str(number))
        loaded = VoiceProfile.load(tmp_path / str(number))
        assert loaded.style.keys() == tensors.keys()
        assert all(torch.equal(loaded.style[k], v) for k, v in tensors.items())
        assert loaded.fingerprint() == profile.fingerprint()


def test_the_fingerprint_is_what_can_be_heard(profile):
    same = dataclasses.replace(profile, consent="Nobody", transcript="")
    assert same.fingerprint() == profile.fingerprint()
    other = {**profile.style, "f0_map": torch.tensor([0.9, 0.5])}
    for change in ({"engine": "f5"}, {"engine_version": "2"}, {"style": other}):
        assert dataclasses.replace(profile, **change).fingerprint() != profile.fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"words_per_minute": 0.0},
        {"words_per_minute": float("nan")},
        {"f0_median_hz": float("inf")},
        {"f0_log_std": "wide"},
        {"transcript": 7},
        {"language": None},
        {"similarity": {"a": "b"}},
        {"embedding": torch.ones(3)},
        {"embedding": torch.full((256,), float("nan"))},
        {"style": {"style": torch.full((256,), float("inf"))}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_impossible_values_are_refused(change, profile, tmp_path):
    dataclasses.replace(profile, **change).save(tmp_path / "me.safetensors")
    with pytest.raises(BadInputError, match="damaged voice profile"):
        VoiceProfile.load(tmp_path / "me.safetensors")


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.safetensors"
    with open(path, "wb") as file:
        file.truncate(300 << 20)
    with pytest.raises(BadInputError, match="too large"):
        VoiceProfile.load(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "no voice profile"),
        ({"format": "pt"}, "no voice profile"),
        ({"myspinbot-voice": '{"format_version": 99}'}, "version 99"),
        ({"myspinbot-voice": "{}"}, "version None"),
        ({"myspinbot-voice": '{"format_version": 2}'}, "damaged"),
        ({"myspinbot-voice": '{"format_version": 2, "engine": "x", "odd": 2}'}, "damaged"),
        ({"myspinbot-voice": "{"}, "damaged"),
        ({"myspinbot-voice": "7"}, "damaged"),
    ],
)
def test_foreign_files_are_refused(metadata, message, tmp_path):
    path = tmp_path / "x.safetensors"
    save_file({"style": torch.zeros(256)}, path, metadata)
    with pytest.raises(BadInputError, match=message):
        VoiceProfile.load(path)


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", bytes(100), b"\xff" * 64])
def test_garbage_is_refused(content, tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"x\.safetensors cannot be read"):
        VoiceProfile.load(path)


def test_a_missing_or_cut_file_is_refused(profile, tmp_path):
    with pytest.raises(BadInputError, match="cannot be read"):
        VoiceProfile.load(tmp_path / "none.safetensors")
    profile.save(tmp_path / "me.safetensors")
    content = (tmp_path / "me.safetensors").read_bytes()
    (tmp_path / "me.safetensors").write_bytes(content[:-10])
    with pytest.raises(BadInputError, match="cannot be read"):
        VoiceProfile.load(tmp_path / "me.safetensors")
