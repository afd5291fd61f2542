"""From a clip to a voice: the speaker encoder, the blend, the pitch map and the fit itself."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.audio import Audio, read_audio
from myspinbot.errors import MissingModelError
from myspinbot.voice import clip
from myspinbot.voice.engines import kokoro_fit as fit
from myspinbot.voice.engines.kokoro import Kokoro
from myspinbot.voice.enroll import enroll
from myspinbot.voice.pitch import Pitch
from myspinbot.voice.speaker import SpeakerEncoder


def test_the_table_knows_every_stock_voice():
    table = fit.read_table()
    assert len(table) == 54
    assert all(row.shape == (256,) for row in table.values())
    norms = torch.stack([row.norm() for row in table.values()])
    assert torch.allclose(norms, torch.ones(54), atol=2e-3)


@pytest.mark.parametrize("name", ["af_heart", "jm_kumo"])
def test_a_stock_voice_is_a_blend_of_itself(name):
    table = fit.read_table()
    shares = fit.blend_shares(torch.stack(list(table.values())), table[name])
    assert float(shares.sum()) == pytest.approx(1)
    assert float(shares.min()) >= 0
    assert float(shares[list(table).index(name)]) > 0.95


def test_one_voice_is_all_of_the_blend():
    row = next(iter(fit.read_table().values()))
    assert fit.blend_shares(row[None], torch.ones(256) / 16).tolist() == [1.0]


def test_a_broken_table_is_told(tmp_path):
    with pytest.raises(MissingModelError, match="install MySpinBot again"):
        fit.read_table(tmp_path / "none.safetensors")


@pytest.mark.parametrize("hz", [100, 1_000, 6_000])
def test_resampling_keeps_a_tone(hz):
    wave = torch.sin(2 * math.pi * hz * torch.arange(24_000) / 24_000)
    wanted = torch.sin(2 * math.pi * hz * torch.arange(16_000) / 16_000)
    resampled = fit.to_16_khz(wave)
    assert len(resampled) == 16_000
    assert float((resampled - wanted)[100:-100].abs().max()) < 2e-2


def test_resampling_does_not_alias():
    wave = torch.sin(2 * math.pi * 9_500 * torch.arange(24_000) / 24_000)
    assert float(fit.to_16_khz(wave)[100:-100].abs().max()) < 2e-2


def test_the_melody_moves_to_the_clip():
    log_f0 = torch.randn(2_000, generator=torch.Generator().manual_seed(0)) * 0.1 + math.log(200)
    predicted = torch.cat([log_f0.exp(), torch.zeros(500)])
    scale, shift = fit.f0_mapping(predicted, Pitch(100.0, 0.1, 0.5))
    assert math.exp(scale * math.log(200) + shift) == pytest.approx(100, rel=0.01)
    assert scale > 1  # the outer 10 % do not count in either
    assert fit.f0_mapping(predicted, Pitch(0.0, 0.0, 0.0)) == (1.0, 0.0)
    assert fit.f0_mapping(torch.zeros(9), Pitch(100.0, 0.1, 0.5)) == (1.0, 0.0)


def test_the_encoder_is_differentiable_and_bounded():
    torch.manual_seed(0)
    encoder = SpeakerEncoder()
    torch.nn.init.uniform_(encoder.mel, 0, 1)
    for seconds in (0.2, 1.7, 5.0):
        samples = torch.randn(round(16_000 * seconds), requires_grad=True)
        embedding = encoder.embed(samples)
        assert float(embedding.detach().norm()) == pytest.approx(1, abs=1e-4)
        embedding[embedding.argmax()].backward()
        assert samples.grad is not None
        assert torch.isfinite(samples.grad).all()


@pytest.mark.parametrize("content", [None, b"", b"rubbish" * 9])
def test_a_damaged_encoder_is_told(content, tmp_path):
    path = tmp_path / "ge2e.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MissingModelError, match=r"ge2e\.safetensors.*install\.py"):
        SpeakerEncoder.load(path)


@pytest.fixture
def voice_clips(samples_dir) -> tuple[Path, Path]:
    """A woman and a man."""
    return samples_dir / "voice.wav", samples_dir / "voice_man.wav"


@pytest.fixture
def short_guard(monkeypatch):
    """Spend less time on hearing candidates."""
    monkeypatch.setattr(fit, "_GUARD_FRAMES", 24)


@pytest.fixture(scope="module")
def encoder(models_dir) -> SpeakerEncoder:
    with torch.inference_mode():  # as ComfyUI's nodes do
        return SpeakerEncoder.load(models_dir / "ge2e.safetensors")


@pytest.fixture(scope="module")
def engine(models_dir) -> Kokoro:
    with torch.inference_mode():
        return Kokoro.load(models_dir)


@pytest.fixture(scope="module")
def own_clip(engine) -> clip.ReferenceClip:
    """A stock voice an eighth higher than it is: a target that is known to be reachable."""
    style = engine.stock_style("am_michael", 61)
    prosody = engine.net.prosody(engine.tokens(fit.FIT_PHRASES[3]), style)
    wave = engine.net.decode(prosody.with_f0(1.0, math.log(1.125)), style)
    return clip.prepare(Audio(wave.numpy()[None], 24_000), "four hours of steady work faced us")


@pytest.mark.weights
def test_a_fit_under_inference_mode(engine, encoder, own_clip, short_guard, tmp_path):
    with torch.inference_mode():
        profile = enroll(engine, encoder, own_clip, fit_steps=1, consent=" mine ")
    assert profile.similarity.keys() == {"nearest", "blend", "fitted"}
    assert max(profile.similarity.values()) == profile.similarity[profile.method]
    assert profile.style["style"].shape == (256,)
    assert profile.transcript == own_clip.transcript
    assert profile.consent == "mine"
    assert float(profile.embedding.norm()) == pytest.approx(1, abs=1e-4)
    profile.save(tmp_path / "voice.safetensors")  # not an inference tensor
    assert profile.f0_median_hz == pytest.approx(own_clip.pitch.median_hz)
    assert not any(p.requires_grad for p in engine.net.parameters())


@pytest.mark.weights
def test_the_encoder_can_be_fitted_against_on_any_device(encoder):
    """cuDNN refuses a backward pass through an LSTM in evaluation mode."""
    wave = torch.randn(16_000)
    with torch.inference_mode(False), torch.enable_grad():
        encoder.embed(wave)
        assert encoder.lstm.training
    with torch.no_grad():
        quiet = encoder.embed(wave)
    assert not encoder.lstm.training
    assert float(quiet.norm()) == pytest.approx(1, abs=1e-4)


@pytest.mark.weights
def test_five_voices_are_enough(engine, encoder, own_clip, short_guard):
    voices = {name: rows for name, rows in engine.voices.items() if name.startswith("j")}
    few = Kokoro(engine.net, voices)
    profile = enroll(few, encoder, own_clip, fit_steps=1)
    assert np.isfinite(profile.style["style"].numpy()).all()


@pytest.mark.weights
def test_a_fit_can_be_cancelled(engine, encoder, own_clip, short_guard):
    calls = 0

    def tick(done, total):
        nonlocal calls
        calls += 1
        if done == 2 and calls > 120:  # inside a gradient step
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        enroll(engine, encoder, own_clip, fit_steps=9, tick=tick)


@pytest.mark.weights
def test_speakers_are_told_apart(encoder, voice_clips):
    woman, man = (
        torch.from_numpy(read_audio(path).mono().resampled(16_000).samples[0])
        for path in voice_clips
    )
    halves = [encoder.embed(half.clone()) for half in woman.chunk(2)]
    assert float(halves[0] @ halves[1]) > 0.75
    assert float(encoder.embed(woman) @ encoder.embed(man)) < 0.7


@given(st.floats(0.01, 100), st.integers(0, 50))
def test_the_long_term_spectrum_knows_neither_level_nor_pauses(gain, pause):
    power = torch.rand(60, 40, generator=torch.Generator().manual_seed(1)) + 0.1
    longer = torch.cat([gain * power, torch.full((pause, 40), 1e-7)])
    expected = fit.long_term_spectrum(power)
    assert expected.shape == (80,)
    torch.testing.assert_close(fit.long_term_spectrum(longer), expected, atol=2e-3, rtol=1e-3)
