"""Pocket TTS with random weights: files, languages, seeds, threads, cancelling, and no traces."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

pytest.importorskip("pocket_tts", reason="needs the engine's packages")

import tiny_pocket

from myspinbot.errors import BadInputError, MissingDependencyError, MissingModelError
from myspinbot.voice.engines import ENGINES
from myspinbot.voice.engines.pocket import NAMES, Pocket
from myspinbot.voice.engines.pocket_load import library
from myspinbot.voice.enroll import enroll
from myspinbot.voice.profile import VoiceProfile
from myspinbot.voice.speak import Delivery, speak
from myspinbot.voice.text.pronunciation import Pronunciations

SENTENCE = "He opened the window and looked at the rain."
FILES = ("model.safetensors", "tokenizer.json")
LANGUAGES = Path("pocket") / "languages"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models")
    tiny_pocket.write(path)
    return path


@pytest.fixture
def english(folder: Path, tmp_path: Path) -> Path:
    """The folder of the English model in a folder of models that may be spoilt, `tmp_path`."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return tmp_path / LANGUAGES / "english"


@pytest.fixture(scope="module")
def engine(folder: Path) -> Pocket:
    return ENGINES["pocket"].open(folder)


@pytest.fixture(scope="module")
def voice(engine: Pocket, reference, listener) -> VoiceProfile:
    return enroll(engine, listener, reference)


class Cancelled(BaseException):
    """As ComfyUI's own is: no Exception."""


def cancel_after(calls: int):
    def tick(done: int, total: int) -> None:
        nonlocal calls
        calls -= 1
        if calls < 0:
            raise Cancelled

    return tick


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_asked_for_by_name(english, tmp_path, name):
    (english / name).unlink()
    with pytest.raises(MissingModelError) as caught:
        ENGINES["pocket"].open(tmp_path)
    pages = ("huggingface.co/kyutai/pocket-tts (", "kyutai/pocket-tts-without-voice-cloning")
    for part in (f"pocket/languages/english/{name}", str(tmp_path), *pages, "CC-BY-4.0"):
        assert part in str(caught.value)


@pytest.mark.parametrize("name", [*FILES, "config.yaml"])
@pytest.mark.parametrize("content", [b"", b"<html>Log in</html>", b"version https://git-lfs"])
def test_a_damaged_file_is_told(english, tmp_path, name, content):
    (english / name).write_bytes(content)
    with pytest.raises(MissingModelError, match=r"(?s)languages.english .*fetch"):
        ENGINES["pocket"].open(tmp_path)


def test_weights_for_another_tokenizer_are_refused(english, tmp_path):
    tokenizer = json.loads((english / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["zz"] = len(tokenizer["model"]["vocab"])
    (english / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(MissingModelError, match="bins"):
        ENGINES["pocket"].open(tmp_path)


def test_weights_for_another_configuration_are_refused(english, tmp_path):
    config = yaml.safe_load((english / "config.yaml").read_text())
    config["flow_lm"]["transformer"]["num_layers"] = 3
    (english / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(MissingModelError, match=r"transformer\.layers\.2"):
        ENGINES["pocket"].open(tmp_path)


def test_the_weights_without_cloning_are_recognised(english, tmp_path):
    """Their encoder is all zeros: every clip would give the same voice."""
    weights = load_file(english / "model.safetensors")
    for name, tensor in weights.items():
        if name.startswith(("mimi.encoder.", "mimi.encoder_transformer.")):
            tensor.zero_()
    save_file(weights, english / "model.safetensors")
    with pytest.raises(MissingModelError, match=r"cannot learn voices.*Accept the terms"):
        ENGINES["pocket"].open(tmp_path)


def test_nothing_is_fetched_that_the_configuration_names(english, tmp_path):
    """The library's own files name pages; the fixture `offline` would fail the test."""
    config = yaml.safe_load((english / "config.yaml").read_text())
    assert config["weights_path"].startswith("hf://kyutai/pocket-tts/languages/english/")
    assert config["flow_lm"]["lookup_table"]["tokenizer_path"].startswith("hf://")
    config["mimi"]["weights_path"] = "hf://kyutai/pocket-tts/codec.safetensors"
    (english / "config.yaml").write_text(yaml.safe_dump(config))
    assert ENGINES["pocket"].open(tmp_path).models.keys() == {"english"}


def test_the_library_knows_the_configuration_of_every_language(english, tmp_path, engine):
    """Of the published files there is none with a config.yaml of its own."""
    configs = Path(library().__file__).parent / "config"
    for name in {*NAMES.values()}:
        for variant in (name, f"{name}_24l"):
            path = configs / f"{variant}.yaml"
            if not path.is_file():
                assert variant == "english_24l"
                continue
            settings = yaml.safe_load(path.read_text(encoding="utf-8"))
            tokenizer = settings["flow_lm"]["lookup_table"]["tokenizer_path"]
            assert f"languages/{variant}/tokenizer.json" in tokenizer
            assert f"languages/{variant}/model.safetensors" in settings["weights_path"]
            assert settings["mimi"]["sample_rate"] == engine.sample_rate
    (english / "config.yaml").unlink()
    with pytest.raises(MissingModelError, match="4000"):  # pieces of the published tokenizer
        ENGINES["pocket"].open(tmp_path)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pocket_tts", None)
    with pytest.raises(MissingDependencyError, match=r"pip install pocket-tts"):
        ENGINES["pocket"].load()


def test_a_broken_library_is_told(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pocket_tts", None)
    with pytest.raises(MissingDependencyError, match="pocket-tts cannot be imported"):
        Pocket.load(folder)


def test_a_voice_survives_its_file_and_speaks(engine, voice, tmp_path):
    voice.save(tmp_path / "me.safetensors")
    loaded = VoiceProfile.load(tmp_path / "me.safetensors")
    chunk = engine.synthesize(SENTENCE, loaded)
    assert chunk.samples.shape[0] == 1
    assert chunk.samples.dtype == np.float32
    assert np.isfinite(chunk.samples).all()
    assert np.abs(chunk.samples).max() > 0
    assert chunk.sentence.end_s == chunk.samples.shape[1] / chunk.rate > 0.4
    assert (chunk.sentence.text, chunk.sentence.words) == (SENTENCE, ())
    np.testing.assert_array_equal(engine.synthesize(SENTENCE, voice).samples, chunk.samples)


def test_a_voice_is_what_the_library_exports(engine, voice, reference, tmp_path):
    model = engine.models["english"]
    samples = torch.from_numpy(reference.audio.resampled(24_000).samples)
    library().export_model_state(model.get_state_for_audio_prompt(samples), tmp_path / "me")
    exported = load_file(tmp_path / "me")
    assert exported.keys() == voice.style.keys() - {"weights"}
    for name, tensor in exported.items():
        torch.testing.assert_close(voice.style[name], tensor)


def test_the_seed_decides_and_nothing_else(engine, voice):
    torch.manual_seed(1)
    first = engine.synthesize(SENTENCE, voice, seed=7).samples
    torch.manual_seed(2)
    for _ in range(3):  # its two threads race
        np.testing.assert_array_equal(engine.synthesize(SENTENCE, voice, seed=7).samples, first)
    other = engine.synthesize(SENTENCE, voice, seed=2**63 - 1).samples
    assert not np.array_equal(other, first)


def test_the_voice_and_the_text_are_heard(engine, voice):
    first = engine.synthesize(SENTENCE, voice).samples
    style = {
        name: -tensor if name.endswith("/cache") else tensor for name, tensor in voice.style.items()
    }
    changed = engine.synthesize(SENTENCE, VoiceProfile(**{**vars(voice), "style": style}))
    assert not np.array_equal(changed.samples, first)
    other = engine.synthesize(SENTENCE.replace("rain", "lawn"), voice)
    assert not np.array_equal(other.samples, first)


def test_speed_changes_the_length(engine, voice):
    normal = engine.synthesize(SENTENCE, voice).samples.shape[1]
    for speed in (0.5, 1.25, 2.0):
        chunk = engine.synthesize(SENTENCE, voice, speed=speed)
        assert chunk.samples.shape[1] == round(normal / speed)
        assert chunk.sentence.end_s == chunk.samples.shape[1] / chunk.rate


def test_a_long_text_is_said_in_parts(engine, voice):
    short = engine.synthesize(SENTENCE, voice).sentence.end_s
    whole = engine.synthesize(f"{SENTENCE} " * 8, voice)
    assert whole.sentence.end_s > 5 * short  # random weights end each part after the same time


def test_each_language_has_a_model_of_its_own(folder, tmp_path, reference, listener):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    tiny_pocket.write(tmp_path, "german", seed=2)
    tiny_pocket.write(tmp_path, "french", seed=3)
    tiny_pocket.write(tmp_path, "french_24l", seed=4)
    engine = ENGINES["pocket"].open(tmp_path)
    assert len(engine.modules()) == 3
    assert engine.models["french"].config.weights_path.endswith(
        str(Path("french_24l") / "model.safetensors")
    )
    german = enroll(engine, listener, reference, language="de")
    assert engine.synthesize("Grüße aus Köln!", german, language="de").samples.any()
    with pytest.raises(BadInputError, match=r"pocket.*'de'.*make it again.*'en-us'"):
        engine.synthesize(SENTENCE, german, language="en-us")


def test_british_and_american_share_a_model(engine, voice):
    np.testing.assert_array_equal(
        engine.synthesize(SENTENCE, voice, language="en-gb").samples,
        engine.synthesize(SENTENCE, voice).samples,
    )


def test_the_files_of_another_language_are_named(engine, voice, reference, listener):
    for ask in (
        lambda: engine.synthesize("Hallo.", voice, language="de"),
        lambda: enroll(engine, listener, reference, language="de"),
    ):
        with pytest.raises(MissingModelError, match=r"languages/german/model.safetensors"):
            ask()


def test_unasked_it_is_chosen_for_the_language_of_its_row_only(engine):
    assert ENGINES["pocket"].load().languages == ("en-us", "en-gb")
    assert set(engine.languages) > {"en-us", "de", "fr"}


def test_what_cannot_be_said_is_refused(engine, voice):
    with pytest.raises(BadInputError, match="at least one word"):
        engine.synthesize("... !?", voice)
    with pytest.raises(BadInputError, match="Latin letters"):
        engine.synthesize("Привет, мир", voice)
    with pytest.raises(BadInputError, match="'ja'"):
        engine.synthesize(SENTENCE, voice, language="ja")
    with pytest.raises(BadInputError, match=r"0\.5"):
        engine.synthesize(SENTENCE, voice, speed=0.4)


def test_a_voice_of_another_engine_or_other_weights_is_refused(engine, voice, voice_of):
    changed = {**voice.style, "weights": voice.style["weights"] + 1}
    for style in ({"style": torch.zeros(256)}, {}, changed):
        with pytest.raises(BadInputError, match=r"kokoro.*make it again with pocket"):
            engine.synthesize(SENTENCE, voice_of(style))


def test_pronunciations_are_respelled(engine, voice):
    words = Pronunciations.parse("rain = rayn")
    said = engine.synthesize("Look at the rain.", voice, pronunciations=words)
    np.testing.assert_array_equal(
        said.samples, engine.synthesize("Look at the rayn.", voice).samples
    )
    assert said.sentence.text == "Look at the rain."
    with pytest.raises(BadInputError, match="IPA"):
        engine.synthesize("[Rain](/ɹeɪn/) again.", voice)


def test_ticks_and_cancel(engine, voice, reference, listener, no_trace, monkeypatch):
    monkeypatch.setattr("myspinbot.voice.engines.guest._TICK_S", 0.0)
    ticks: list[tuple[int, int]] = []
    text = f"{SENTENCE} " * 4
    chunk = engine.synthesize(text, voice, tick=lambda *t: ticks.append(t))
    assert ticks[0][0] == 0
    assert ticks[-1][0] == ticks[-1][1]
    assert len(ticks) > chunk.sentence.end_s * 12.5  # a frame is 80 ms
    assert all(done <= total for done, total in ticks)
    running = threading.active_count()
    for calls in (0, 1, 5, 30):
        with no_trace(), pytest.raises(Cancelled):
            engine.synthesize(text, voice, tick=cancel_after(calls))
        assert threading.active_count() == running
    with no_trace(), pytest.raises(Cancelled):
        engine.learn(reference, listener, tick=cancel_after(4))
    assert not any(m._forward_pre_hooks for net in engine.modules() for m in net.modules())
    np.testing.assert_array_equal(engine.synthesize(text, voice).samples, chunk.samples)


def test_an_error_of_the_library_comes_through(engine, voice, no_trace, monkeypatch):
    def fail(*arguments, **named):
        raise RuntimeError("no memory")

    running = threading.active_count()
    monkeypatch.setattr(engine.models["english"].mimi, "decode_from_latent", fail)
    with no_trace(), pytest.raises(RuntimeError, match="no memory"):
        engine.synthesize(SENTENCE, voice)
    patience_s = time.monotonic() + 10
    while threading.active_count() > running and time.monotonic() < patience_s:
        time.sleep(0.01)
    assert threading.active_count() == running


def test_under_inference_mode_and_after_moves(engine, voice, reference, listener):
    expected = engine.synthesize(SENTENCE, voice).samples
    with torch.inference_mode():
        made = enroll(engine, listener, reference)
        np.testing.assert_array_equal(engine.synthesize(SENTENCE, made).samples, expected)
    assert not any(tensor.is_inference() for tensor in made.style.values())
    np.testing.assert_array_equal(engine.synthesize(SENTENCE, made).samples, expected)
    for module in engine.modules():
        module.eval().to("cpu").device = torch.device("cpu")  # as ComfyUI's ModelPatcher does
    np.testing.assert_array_equal(engine.synthesize(SENTENCE, voice).samples, expected)
    twin = Pocket(copy.deepcopy(engine.models))
    np.testing.assert_array_equal(twin.synthesize(SENTENCE, voice).samples, expected)


def test_the_modules_hold_all_that_is_on_a_device(engine, reference, listener):
    """On "meta" every tensor outside the modules would clash with those inside."""
    twin = Pocket(copy.deepcopy(engine.models))
    for module in twin.modules():
        module.to("meta")
    model = twin.models["english"]
    with torch.no_grad():
        heard = model._encode_audio(torch.zeros(1, 1, 24_000, device="meta"))
        seen = model.flow_lm.transformer(
            model.flow_lm.input_linear(model.flow_lm.bos_emb)[None, None], None
        )
        sound = model.mimi.decoder.model[0].conv(torch.zeros(1, 32, 8, device="meta"))
    assert {t.device.type for t in (heard, seen, sound)} == {model.device.type} == {"meta"}


def test_nothing_stays_with_the_library(engine, voice, reference, listener):
    engine.learn(reference, listener)
    engine.synthesize(SENTENCE, voice)
    assert not import_module("pocket_tts.modules.attention")._CAUSAL_MASK_CACHE


def test_it_leaves_no_trace(folder, reference, listener, no_trace):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with no_trace():
            engine = ENGINES["pocket"].open(folder)
            voice = enroll(engine, listener, reference)
            engine.synthesize(SENTENCE, voice)
    finally:
        torch.set_num_threads(threads)


def test_the_first_import_leaves_no_trace(folder):
    """In a process of its own: importing the library sets torch to one thread."""
    script = """
import os, sys, warnings, logging, torch
from pathlib import Path
from myspinbot.voice.engines import ENGINES
def traces():
    root = logging.getLogger()
    return (dict(os.environ), list(warnings.filters), torch.get_num_threads(), sys.path[:],
            root.handlers[:], root.level, torch.get_rng_state().tolist())
torch.set_num_threads(3)
before = traces()
ENGINES["pocket"].load()
assert "pocket_tts" not in sys.modules, "heavy before it is used"
ENGINES["pocket"].open(Path(sys.argv[1]))
assert traces() == before
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_it_speaks_through_the_pack(engine, voice):
    pieces = list(speak(engine, "Hello there. Nobody came.", voice, Delivery(seed=3)))
    assert [piece.chunk.sentence.text for piece in pieces if piece.chunk]
