"""Lip-sync nets: what they hear, what they draw, and which files of weights they take."""

import numpy as np
import pytest
import tiny_lipsync as tiny
import torch
from safetensors.torch import save_file
from sounds import audio, silence, voice

from myspinbot.audio import Audio
from myspinbot.errors import BadInputError, MissingModelError
from myspinbot.lipsync.engines import ENGINES, engine_of, open_engine
from myspinbot.lipsync.engines.checkpoint import fill, read_tensors
from myspinbot.lipsync.engines.musetalk import MuseTalk, MuseTalkSound
from myspinbot.lipsync.engines.wav2lip import Wav2Lip, Wav2LipNet
from myspinbot.lipsync.engines.whisper_encoder import WhisperEncoder
from myspinbot.lipsync.mel import RATE_HZ, wav2lip_mel, whisper_mel


def no_net(tensors):
    raise AssertionError("no diffusion net is needed")


def opened(path, find=lambda names: None):
    return open_engine(path, find, no_net, no_net)


def faces(count):
    return np.random.default_rng(0).integers(0, 256, (count, 96, 96, 3), np.uint8)


def sounds(count):
    return np.random.default_rng(1).uniform(-4, 4, (count, 80, 16)).astype(np.float32)


def test_whisper_hears_what_transformers_makes_it_hear():
    from transformers import WhisperFeatureExtractor

    samples = voice(30, rate=RATE_HZ).astype(np.float32)
    theirs = WhisperFeatureExtractor()(samples, sampling_rate=RATE_HZ, return_tensors="np")
    assert np.abs(whisper_mel(samples).T - theirs["input_features"][0]).max() < 1e-3


def test_wav2lip_hears_a_tone_in_its_band():
    time_s = np.arange(RATE_HZ) / RATE_HZ
    mel = wav2lip_mel((0.5 * np.sin(2 * np.pi * 1000 * time_s)).astype(np.float32))
    assert mel.shape == (81, 80)
    # Slaney's scale is even up to 1 kHz, 66.7 Hz a mel; 80 bands share 55 to 7600 Hz
    from transformers.audio_utils import hertz_to_mel

    low, high, here = (hertz_to_mel(hz, "slaney") for hz in (55, 7600, 1000))
    assert mel[40].argmax() == pytest.approx((here - low) / (high - low) * 81 - 1, abs=1)
    assert (wav2lip_mel(np.zeros(RATE_HZ, np.float32)) == -4).all()


def test_long_sounds_are_heard_in_blocks():
    samples = voice(61, rate=RATE_HZ).astype(np.float32)
    whole, late = wav2lip_mel(samples), wav2lip_mel(samples[55 * RATE_HZ :])
    assert np.allclose(whole[55 * 80 + 4 :], late[4:], atol=1e-3)


def test_published_names_are_those_of_the_net_that_is_built():
    published = {name.removeprefix("module.") for name in tiny.wav2lip(width=2)}
    assert "face_decoder_blocks.6.2.conv_block.1.running_var" in published
    assert sum(p.numel() for p in Wav2LipNet().parameters()) == 36_298_035


def test_norms_are_folded_without_a_difference():
    tensors = {k.removeprefix("module."): v for k, v in tiny.wav2lip(width=4).items()}
    whole = Wav2LipNet(4).double()
    whole.load_state_dict(tensors)
    folded = Wav2LipNet.from_tensors(tensors)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    heard, seen = torch.rand(2, 1, 80, 16) * 8 - 4, torch.rand(2, 6, 96, 96)
    with torch.inference_mode():
        exact = whole.eval()(heard.double(), seen.double())
        assert (folded(heard, seen) - exact).abs().max() < 1e-3
        assert exact.std() > 1e-3


@pytest.mark.parametrize("name", ["old.pth", "new.pth", "plain.safetensors"])
def test_wav2lip_is_read_from_every_format(tmp_path, name):
    tensors = tiny.wav2lip()
    if name == "old.pth":
        tiny.write_wav2lip(tmp_path / name)
    elif name == "new.pth":
        torch.save(tensors, tmp_path / name)
    else:
        save_file({k.removeprefix("module."): v for k, v in tensors.items()}, tmp_path / name)
    assert engine_of(read_tensors(tmp_path / name, shapes_only=True)) == "wav2lip"
    drawn = opened(tmp_path / name).draw(faces(3), sounds(3))
    assert drawn.shape == (3, 96, 96, 3)
    assert drawn.dtype == np.uint8
    expected = Wav2Lip.from_tensors({k.removeprefix("module."): v for k, v in tensors.items()})
    assert (drawn == expected.draw(faces(3), sounds(3))).all()


def test_a_still_is_drawn_as_its_copies_are():
    engine = Wav2Lip(Wav2LipNet.from_tensors(bare(tiny.wav2lip())))
    one = engine.draw(faces(1), sounds(4))
    many = engine.draw(np.repeat(faces(1), 4, axis=0), sounds(4))
    assert np.abs(one.astype(int) - many).max() <= 1


def test_the_lower_half_is_hidden_from_what_is_to_be_drawn():
    seen = []

    class Watched(Wav2LipNet):
        def forward(self, sound, faces):
            seen.append(faces)
            return super().forward(sound, faces)

    net = fill(Watched(2), bare(tiny.wav2lip()), "a test")
    given = faces(1)
    Wav2Lip(net).draw(given, sounds(1))  # pyright: ignore[reportArgumentType]
    masked, whole = seen[0][0, :3], seen[0][0, 3:]
    assert (masked[:, 48:] == 0).all()
    assert (masked[:, :48] == whole[:, :48]).all()
    blue_first = torch.from_numpy(given[0, ..., ::-1].copy()).permute(2, 0, 1) / 255
    assert torch.equal(whole, blue_first)


def bare(tensors):
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}


def test_wav2lip_hears_a_click_around_its_frame():
    click = np.zeros(2 * RATE_HZ, np.float32)
    click[RATE_HZ] = 1
    sound = Wav2Lip.from_tensors(bare(tiny.wav2lip())).listen(audio(click))
    heard = [n for n in range(50) if not np.array_equal(sound.at(n / 25), sound.silence)]
    # 0.2 s from one frame of 25 a second before it, and the spectrum's window of 0.05 s
    assert heard == list(range(21, 27))
    assert sound.at(99.0).shape == sound.silence.shape


def test_another_wav2lip_is_refused(tmp_path):
    tensors = bare(tiny.wav2lip())
    tensors["face_encoder_blocks.0.0.conv_block.0.weight"] = torch.zeros(32, 6, 3, 3)
    save_file(tensors, tmp_path / "x.safetensors")
    with pytest.raises(BadInputError, match="96 x 96"):
        opened(tmp_path / "x.safetensors")
    tensors = bare(tiny.wav2lip())
    del tensors["output_block.1.bias"]
    save_file(tensors, tmp_path / "y.safetensors")
    with pytest.raises(BadInputError, match=r"output_block\.1\.bias"):
        opened(tmp_path / "y.safetensors")


def test_files_that_are_no_weights_are_named(tmp_path):
    (tmp_path / "text.pth").write_text("not weights at all")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    torch.save({"code": ValueError("it runs")}, tmp_path / "code.pth")
    torch.save({"step": 3}, tmp_path / "empty.pth")
    save_file({"lora.up": torch.zeros(2)}, tmp_path / "lora.safetensors")
    for name in ("text.pth", "cut.safetensors", "code.pth", "empty.pth", "absent.pth"):
        with pytest.raises(MissingModelError, match=name):
            opened(tmp_path / name)
    with pytest.raises(BadInputError, match=r"lora\.up.*wav2lip.*musetalk"):
        opened(tmp_path / "lora.safetensors")


def test_whisper_states_are_those_of_transformers():
    tensors = tiny.whisper()
    mel = torch.randn(1, 80, 3000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = tiny.whisper_model().encoder(mel, output_hidden_states=True).hidden_states
        ours = WhisperEncoder.from_tensors(tensors)(mel)
        also = WhisperEncoder.from_tensors(tiny.openai_names(tensors))(mel)
    assert ours.shape == (1, 1500, tiny.WHISPER_LAYERS + 1, tiny.WHISPER_WIDTH)
    assert (ours - torch.stack(theirs, 2)).abs().max() < 1e-4
    assert torch.equal(ours, also)


def test_musetalk_hears_half_minutes_without_a_seam():
    ear = WhisperEncoder.from_tensors(tiny.whisper())
    ear.embed_positions.weight.data.zero_()  # what is left says what sounds, not when
    sound = MuseTalkSound(voice(65, rate=RATE_HZ).astype(np.float32), ear)
    assert sound.at(0.0).shape == (10 * (tiny.WHISPER_LAYERS + 1), tiny.WHISPER_WIDTH)
    before, after = (sound.at(t).reshape(10, -1) for t in (27.96, 28.0))  # two moments apart
    shifts = [np.abs(before[n : n + 6] - after[:6]).mean() for n in range(5)]
    assert np.argmin(shifts) == 2
    assert shifts[2] < 0.2 * max(shifts)
    assert sound.at(80.0).shape == sound.silence.shape == sound.at(0.0).shape


def test_musetalk_says_what_does_not_fit(tmp_path):
    unet = tiny.unet(channels=4)
    with pytest.raises(BadInputError, match="4 channels"):
        MuseTalk.from_tensors(unet, {}, {}, no_net, no_net)
    with pytest.raises(BadInputError, match="no Whisper"):
        MuseTalk.from_tensors(tiny.unet(), {}, {"a": torch.zeros(1)}, no_net, no_net)
    with pytest.raises(BadInputError, match=r"64 values.*384"):
        MuseTalk.from_tensors(tiny.unet(context=384), {}, tiny.whisper(), no_net, no_net)
    torch.save(dict(tiny.unet()), tmp_path / "unet.pth")
    with pytest.raises(MissingModelError, match=r"sd-vae/.*whisper/model\.safetensors"):
        opened(tmp_path / "unet.pth")


def test_every_engine_says_where_its_weights_are():
    for row in ENGINES.values():
        assert row.source.startswith("https://")
        assert row.licence
    assert Audio(silence(0.1)[None].astype(np.float32), RATE_HZ).finite()
