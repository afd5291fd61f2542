"""Voice profiles as files."""

import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from myspinbot.errors import BadInputError
from myspinbot.voice.profile import VoiceProfile


@pytest.fixture
def profile() -> VoiceProfile:
    return VoiceProfile(
        engine="kokoro",
        style={"style": torch.linspace(-1, 1, 256), "f0_map": torch.tensor([0.9, 0.4])},
        f0_median_hz=111.5,
        f0_log_std=0.17,
        words_per_minute=150.0,
        transcript="Grüße, “world”",
        consent="I am the speaker.",
        source_sha256="00" * 32,
        similarity={"blend": 0.7},
        method="blend",
    )


def test_a_saved_voice_comes_back(profile, tmp_path):
    path = tmp_path / "me.safetensors"
    profile.save(path)
    loaded = VoiceProfile.load(path, "kokoro")
    assert path.stat().st_size < 4_000
    assert list(tmp_path.iterdir()) == [path]
    for field in dataclasses.fields(VoiceProfile):
        if field.name != "style":
            assert getattr(loaded, field.name) == getattr(profile, field.name)
    assert loaded.style.keys() == profile.style.keys()
    assert all(torch.equal(loaded.style[name], profile.style[name]) for name in profile.style)


def test_the_same_voice_gives_the_same_bytes(profile, tmp_path):
    profile.save(tmp_path / "a")
    profile.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_another_engine_is_refused(profile, tmp_path):
    profile.save(tmp_path / "me.safetensors")
    with pytest.raises(BadInputError, match="made for the kokoro engine, not for f5"):
        VoiceProfile.load(tmp_path / "me.safetensors", "f5")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "no voice profile"),
        ({"format": "pt"}, "no voice profile"),
        ({"myspinbot-voice": '{"format_version": 99}'}, "version 99"),
        ({"myspinbot-voice": "{}"}, "version None"),
        ({"myspinbot-voice": '{"format_version": 1}'}, "damaged"),
        ({"myspinbot-voice": '{"format_version": 1, "engine": "x", "odd": 2}'}, "damaged"),
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
