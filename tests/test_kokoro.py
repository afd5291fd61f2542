"""Kokoro: conversion, the net's two halves, timing and levels of what it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from myspinbot.errors import BadInputError, MissingModelError
from myspinbot.onnx_weights import read_onnx
from myspinbot.speech import Phoneme, Word
from myspinbot.voice.engines import ENGINES
from myspinbot.voice.engines.kokoro import Kokoro, symbol_parts
from myspinbot.voice.engines.kokoro_convert import convert_voices
from myspinbot.voice.engines.kokoro_layers import snake
from myspinbot.voice.engines.kokoro_net import MAX_SYMBOLS, SAMPLES_PER_FRAME, Prosody, fold
from myspinbot.voice.engines.kokoro_timing import time_words
from myspinbot.voice.engines.kokoro_vocoder import HarmonicSource, SnakeBlock, Spectrum
from myspinbot.voice.engines.word_ends import end_with_sound
from myspinbot.voice.text.phonemes import SpokenWord, to_symbols


@pytest.fixture(scope="module")
def kokoro(models_dir: Path) -> Kokoro:
    return ENGINES["kokoro"].open(models_dir)


def field(number: int, payload: bytes | int) -> bytes:
    """One protobuf field, as an ONNX file holds it."""
    if isinstance(payload, int):
        return bytes([number << 3]) + varint(payload)
    return bytes([number << 3 | 2]) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def onnx_file() -> bytes:
    values = np.arange(6, dtype="<f4")
    tensor = field(1, 2) + field(1, 3) + field(2, 1) + field(8, b"w") + field(9, values.tobytes())
    packed = field(1, varint(2)) + field(2, 7) + field(7, varint(300) + varint(-1)) + field(8, b"i")
    axis = field(1, b"axis") + field(3, -1)
    node = field(1, b"x") + field(1, b"w") + field(2, b"y") + field(3, b"/a/b") + field(4, b"Gemm")
    graph = field(1, node + field(5, axis)) + field(5, tensor) + field(5, packed)
    return field(1, 8) + field(7, graph)


def test_onnx_constants_and_nodes_are_read() -> None:
    graph = read_onnx(onnx_file())
    np.testing.assert_array_equal(
        graph.constants["w"], np.arange(6, dtype=np.float32).reshape(2, 3)
    )
    np.testing.assert_array_equal(graph.constants["i"], [300, -1])
    (node,) = graph.nodes
    assert (node.name, node.op, node.inputs, node.outputs) == ("/a/b", "Gemm", ("x", "w"), ("y",))
    assert node.attributes == {"axis": -1}


@pytest.mark.parametrize("content", [b"", b"hello there", onnx_file()[:-5]])
def test_a_broken_onnx_file_is_reported(content: bytes) -> None:
    with pytest.raises(MissingModelError):
        read_onnx(content)


def test_voices_are_collected_from_both_kinds_of_file(tmp_path: Path) -> None:
    table = np.linspace(-1, 1, 510 * 256, dtype="<f4")
    table.tofile(tmp_path / "af_one.bin")
    np.savez(tmp_path / "more.npz", jf_two=table.reshape(510, 1, 256))
    target = tmp_path / "voices.safetensors"
    convert_voices([tmp_path / "af_one.bin", tmp_path / "more.npz"], target)
    first = target.read_bytes()
    convert_voices([tmp_path / "af_one.bin", tmp_path / "more.npz"], target)
    assert target.read_bytes() == first
    (tmp_path / "bad.bin").write_bytes(b"1234")
    with pytest.raises(MissingModelError, match=r"bad\.bin"):
        convert_voices([tmp_path / "bad.bin"], target)


def test_missing_or_wrong_weights_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match=r"install\.py"):
        Kokoro.load(tmp_path)
    (tmp_path / "kokoro.safetensors").write_bytes(b"nonsense")
    with pytest.raises(MissingModelError, match=r"kokoro\.safetensors.*install\.py"):
        Kokoro.load(tmp_path)


def test_folding_the_snake_changes_nothing() -> None:
    torch.manual_seed(0)
    frequency = torch.rand(8) + 0.1
    conv, style = torch.nn.Conv1d(8, 4, 3, padding=1), torch.randn(128)
    fc = torch.nn.Linear(128, 16)
    x = torch.randn(1, 8, 20)
    gain, offset = fc(style).chunk(2)
    y = (1 + gain)[:, None] * functional.instance_norm(x) + offset[:, None]
    expected = conv(y + torch.sin(frequency[:, None] * y) ** 2 / frequency[:, None])
    state = {"norms1.0.fc." + k: v for k, v in fc.state_dict().items()}
    state |= {"b.convs1.0." + k: v for k, v in conv.state_dict().items()}
    state = {k if k.startswith("b.") else "b." + k: v for k, v in state.items()}
    folded = fold({**state, "b.snakes1.0": frequency})
    gain, offset = functional.linear(
        style, folded["b.norms1.0.fc.weight"], folded["b.norms1.0.fc.bias"]
    ).chunk(2)
    z = functional.group_norm(x, 8, gain, offset)
    found = functional.conv1d(snake(z), folded["b.convs1.0.weight"], conv.bias, padding=1)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_spectrum_agrees_with_torch_and_inverts() -> None:
    wave = torch.sin(torch.arange(600) * 0.3)[None, None] + 0.1
    spectrum = Spectrum()
    magnitude, phase = spectrum(wave).chunk(2, 1)
    window = torch.hann_window(20)
    expected = torch.stft(wave[0], 20, 5, window=window, return_complex=True)
    torch.testing.assert_close(torch.polar(magnitude, phase), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(spectrum.inverse(magnitude, phase), wave, atol=1e-5, rtol=1e-4)


def test_spectrum_of_a_negative_constant_has_phase_pi_not_minus_pi() -> None:
    phase = Spectrum()(torch.full((1, 1, 100), -0.5)).chunk(2, 1)[1]
    torch.testing.assert_close(phase[0, 0], torch.full((21,), torch.pi))


def test_source_has_the_pitch_it_is_given() -> None:
    source = HarmonicSource()
    torch.nn.init.zeros_(source.mix.weight)
    torch.nn.init.zeros_(source.mix.bias)
    source.mix.weight.data[0, 0] = 1
    wave = source(torch.full((1, 1, 80), 200.0), torch.zeros(1, 1, 24_000))[0, 0]
    rising = ((wave[:-1] < 0) & (wave[1:] >= 0)).sum()
    assert 197 <= rising <= 200
    silent = source(torch.zeros(1, 1, 80), torch.zeros(1, 1, 24_000))
    assert silent.abs().max() == 0


def test_snake_block_pulses_and_passes_gradients_to_the_style() -> None:
    block, style = SnakeBlock(8, 3), torch.zeros(128, requires_grad=True)
    pulses = []
    y = block(torch.randn(1, 8, 50), style, lambda: pulses.append(1))
    y.square().mean().backward()
    assert len(pulses) == 6
    assert style.grad is not None
    assert style.grad.abs().sum() > 0


def prosody(f0: list[float]) -> Prosody:
    curve = torch.tensor(f0).view(1, 1, -1)
    frames = curve.shape[2] // 2
    return Prosody(torch.tensor([frames]), torch.zeros(1, 512, frames), curve, curve)


def test_f0_map_moves_voiced_parts_by_at_most_an_octave() -> None:
    f0 = prosody([0.0, -3.0, 100.0, 200.0])
    shifted = f0.with_f0(1.0, float(np.log(1.5))).f0_hz.flatten().tolist()
    assert shifted == pytest.approx([0.0, -3.0, 150.0, 300.0], rel=1e-4)
    assert f0.with_f0(1.0, 5.0).f0_hz.flatten().tolist() == pytest.approx([0, -3, 200, 400])
    assert f0.with_f0(1.0, 0.0) is f0
    flat = f0.with_f0(0.0, float(np.log(150))).f0_hz.flatten().tolist()
    assert flat[2:] == pytest.approx([150, 150], rel=1e-4)


def test_words_are_timed_by_their_symbols() -> None:
    words = [
        SpokenWord("Hi,", "hˈI", after=","),
        SpokenWord("car", "kˈɑː"),
        SpokenWord("go", "ɡˌO"),
    ]
    assert to_symbols(words) == "hˈI, kˈɑː ɡˌO"
    frames = [(12, 2, 1, 3, 4, 2, 2, 1, 3, 1, 2, 2, 1, 4, 9)]
    hi, car, go = time_words(words, frames)
    assert hi.start_s == pytest.approx(0.25)
    assert hi.end_s == pytest.approx(0.4)
    assert [(p.symbol, p.stress) for p in hi.phonemes] == [("h", 0), ("aɪ", 1)]
    assert car.start_s == pytest.approx(0.55)  # comma and space are a pause
    assert [p.symbol for p in car.phonemes] == ["k", "ɑ"]
    assert car.end_s == go.start_s == pytest.approx(0.75)  # the space is shared
    assert go.phonemes[-1].stress == 2
    assert go.end_s == pytest.approx(0.95)


def test_the_last_sound_before_a_pause_ends_when_it_fades() -> None:
    samples = np.zeros(24_000, np.float32)
    samples[6000:12_000] = 0.1
    sounds = (Phoneme("h", 0.25, 0.3), Phoneme("aɪ", 0.3, 0.8, 1))
    (word,) = end_with_sound([Word("hi", 0.25, 0.8, sounds)], samples, 24_000)
    assert word.end_s == word.phonemes[-1].end_s == pytest.approx(0.51)
    assert word.phonemes[0] == sounds[0]


def test_a_line_longer_than_the_net_reads_is_cut_and_timed_as_one() -> None:
    words = [SpokenWord("a", "ə"), SpokenWord("long", "o" * 600), SpokenWord("b", "bˈi")]
    parts = symbol_parts(to_symbols(words))
    assert "".join(parts) == to_symbols(words)
    assert max(map(len, parts)) <= MAX_SYMBOLS
    frames = [(3, *([1] * len(part)), 3) for part in parts]
    timed = time_words(words, frames)
    assert [word.text for word in timed] == ["a", "long", "b"]
    assert len(timed[1].phonemes) == 600
    assert timed[2].end_s * 40 == pytest.approx(len(to_symbols(words)) + 6 * len(parts) - 3 - 2)


@dataclass
class Profile:
    style: dict[str, torch.Tensor]


@pytest.mark.weights
def test_a_sentence_lasts_exactly_its_frames(kokoro: Kokoro) -> None:
    style = kokoro.stock_style("af_heart")
    ticks: list[tuple[int, int]] = []
    chunk = kokoro.synthesize("Hello, big world.", style, tick=lambda *t: ticks.append(t))
    assert chunk.samples.shape[1] % SAMPLES_PER_FRAME == 0
    assert chunk.sentence.end_s == chunk.samples.shape[1] / 24_000
    assert 0.9 < chunk.sentence.end_s < 3
    assert [w.text for w in chunk.sentence.words] == ["Hello,", "big", "world."]
    edges = [t for p in chunk.sentence.words for t in (p.start_s, p.end_s)]
    assert edges == sorted(edges)
    assert len(ticks) == ticks[-1][1] + 1 == kokoro.net.PULSES + 2
    inside = [
        chunk.samples[0, int(w.start_s * 24_000) : int(w.end_s * 24_000)]
        for w in chunk.sentence.words
    ]
    assert all(np.square(x).mean() > 1e-4 for x in inside)


@pytest.mark.weights
def test_the_same_seed_speaks_the_same(kokoro: Kokoro) -> None:
    style = kokoro.stock_style("am_michael")
    first = kokoro.synthesize("Yes.", style, seed=1).samples
    np.testing.assert_array_equal(kokoro.synthesize("Yes.", style, seed=1).samples, first)
    assert not np.array_equal(kokoro.synthesize("Yes.", style, seed=2).samples, first)


@pytest.mark.weights
def test_speed_and_pitch_obey(kokoro: Kokoro) -> None:
    style = kokoro.stock_style("am_michael")
    normal = kokoro.synthesize("Good morning.", style).sentence.end_s
    fast = kokoro.synthesize("Good morning.", style, speed=1.5).sentence.end_s
    assert fast < normal * 0.8
    with torch.inference_mode():
        tokens = kokoro.tokens("ɡˈʊd mˈɔɹnɪŋ.")
        plain = kokoro.net.prosody(tokens, style)
        higher = plain.with_f0(1.0, 0.3)
        waves = [kokoro.net.decode(p, style).numpy() for p in (plain, higher)]
    assert pitch_hz(waves[1]) / pitch_hz(waves[0]) == pytest.approx(np.exp(0.3), rel=0.1)


def pitch_hz(wave: np.ndarray) -> float:
    """By the strongest autocorrelation between 60 and 400 Hz."""
    spectrum = np.abs(np.fft.rfft(wave, 2 * len(wave))) ** 2
    lags = np.fft.irfft(spectrum)
    shortest, longest = 24_000 // 400, 24_000 // 60
    return 24_000 / (shortest + int(np.argmax(lags[shortest:longest])))


@pytest.mark.weights
def test_gradients_reach_the_timbre(kokoro: Kokoro) -> None:
    style = kokoro.stock_style("af_heart")
    with torch.inference_mode(), torch.inference_mode(False):  # as inside a node
        leaf = style.clone().requires_grad_(True)
        with torch.no_grad():
            melody = kokoro.net.prosody(kokoro.tokens("hˈI."), leaf)
        with torch.enable_grad():
            kokoro.net.decode(melody, leaf).square().mean().backward()
    assert leaf.grad is not None
    assert leaf.grad[:128].abs().min() > 0
    assert leaf.grad[128:].abs().max() == 0


@pytest.mark.weights
def test_a_profile_can_be_spoken(kokoro: Kokoro) -> None:
    style = kokoro.stock_style("af_heart")
    profile = Profile({"style": style, "f0_map": torch.tensor([1.0, 0.2])})
    chunk = kokoro.synthesize("Yes.", profile)
    plain = kokoro.synthesize("Yes.", style)
    assert chunk.samples.shape == plain.samples.shape
    assert pitch_hz(chunk.samples[0]) > pitch_hz(plain.samples[0]) * 1.1


@pytest.mark.weights
@pytest.mark.parametrize("text", ["你好，世界。", "Привет, мир!", "The Привет, мир!"])
def test_other_alphabets_are_refused(kokoro: Kokoro, text: str) -> None:
    with pytest.raises(BadInputError, match="Latin letters"):
        kokoro.synthesize(text, kokoro.stock_style("af_heart"))


@pytest.mark.weights
def test_bad_requests_are_refused(kokoro: Kokoro) -> None:
    style = kokoro.stock_style("af_heart")
    with pytest.raises(BadInputError, match="nothing in"):
        kokoro.synthesize("😀", style)
    with pytest.raises(BadInputError, match="speed"):
        kokoro.synthesize("Hi.", style, speed=9)
    with pytest.raises(BadInputError, match="256"):
        kokoro.synthesize("Hi.", style[:100])
    with pytest.raises(BadInputError, match="af_heart"):
        kokoro.stock_style("nobody")
    with pytest.raises(BadInputError, match="en-us"):
        kokoro.synthesize("Hi.", style, language="xx")
