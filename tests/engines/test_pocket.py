"""Pocket TTS with random weights: files, languages, speed, threads, and devices."""

from __future__ import annotations

import copy
import json
import shutil
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save

pytest.importorskip("pocket_tts", reason="needs the engine's packages")

import tiny_pocket
from trouble import spoilt

from myspinbot.errors import BadInputError, MissingDependencyError, MissingModelError
from myspinbot.voice.engines import ENGINES
from myspinbot.voice.engines.pocket import NAMES, Pocket
from myspinbot.voice.engines.pocket_load import library
from myspinbot.voice.enroll import enroll
from myspinbot.voice.profile import VoiceProfile

SENTENCE = "He opened the window and looked at the rain."


@pytest.fixture(scope="module")
def english(folder: Path) -> Path:
    """The folder of the English model."""
    return folder / "pocket" / "languages" / "english"


def test_weights_for_another_tokenizer_are_refused(english, folder):
    tokenizer = json.loads((english / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["zz"] = len(tokenizer["model"]["vocab"])
    other = spoilt(english / "tokenizer.json", json.dumps(tokenizer).encode())
    with other, pytest.raises(MissingModelError, match="bins"):
        ENGINES["pocket"].open(folder)


def test_weights_for_another_configuration_are_refused(english, folder):
    config = yaml.safe_load((english / "config.yaml").read_text())
    config["flow_lm"]["transformer"]["num_layers"] = 3
    other = spoilt(english / "config.yaml", yaml.safe_dump(config).encode())
    with other, pytest.raises(MissingModelError, match=r"transformer\.layers\.2"):
        ENGINES["pocket"].open(folder)


def test_the_weights_without_cloning_are_recognised(english, folder):
    """Their encoder is all zeros: every clip would give the same voice."""
    weights = load_file(english / "model.safetensors")
    for name, tensor in weights.items():
        if name.startswith(("mimi.encoder.", "mimi.encoder_transformer.")):
            tensor.zero_()
    other = spoilt(english / "model.safetensors", save(weights))
    with other, pytest.raises(MissingModelError, match=r"cannot learn voices.*Accept the terms"):
        ENGINES["pocket"].open(folder)


def test_nothing_is_fetched_that_the_configuration_names(english, folder):
    """The library's own files name pages; the fixture `offline` would fail the test."""
    config = yaml.safe_load((english / "config.yaml").read_text())
    assert config["weights_path"].startswith("hf://kyutai/pocket-tts/languages/english/")
    assert config["flow_lm"]["lookup_table"]["tokenizer_path"].startswith("hf://")
    config["mimi"]["weights_path"] = "hf://kyutai/pocket-tts/codec.safetensors"
    with spoilt(english / "config.yaml", yaml.safe_dump(config).encode()):
        assert ENGINES["pocket"].open(folder).models.keys() == {"english"}


def test_the_library_knows_the_configuration_of_every_language(english, folder, engine):
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
    without = spoilt(english / "config.yaml", None)
    with without, pytest.raises(MissingModelError, match="4000"):  # pieces of the published one
        ENGINES["pocket"].open(folder)


def test_a_broken_library_is_told(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pocket_tts", None)
    with pytest.raises(MissingDependencyError, match="pocket-tts cannot be imported"):
        Pocket.load(folder)


def test_a_voice_is_what_the_library_exports(engine, voice, reference, tmp_path):
    model = engine.models["english"]
    samples = torch.from_numpy(reference.audio.resampled(24_000).samples)
    library().export_model_state(model.get_state_for_audio_prompt(samples), tmp_path / "me")
    exported = load_file(tmp_path / "me")
    assert exported.keys() == voice.style.keys() - {"weights"}
    for name, tensor in exported.items():
        torch.testing.assert_close(voice.style[name], tensor)


def test_the_voice_is_heard(engine, voice):
    first = engine.synthesize(SENTENCE, voice).samples
    style = {
        name: -tensor if name.endswith("/cache") else tensor for name, tensor in voice.style.items()
    }
    changed = engine.synthesize(SENTENCE, VoiceProfile(**{**vars(voice), "style": style}))
    assert not np.array_equal(changed.samples, first)


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
    with pytest.raises(BadInputError, match="Latin letters"):
        engine.synthesize("Привет, мир", voice)


def test_a_voice_of_other_weights_is_refused(engine, voice, voice_of):
    changed = {**voice.style, "weights": voice.style["weights"] + 1}
    with pytest.raises(BadInputError, match=r"kokoro.*make it again with pocket"):
        engine.synthesize(SENTENCE, voice_of(changed))


def test_each_frame_ticks(engine, voice, monkeypatch):
    monkeypatch.setattr("myspinbot.voice.engines.guest._TICK_S", 0.0)
    ticks: list[tuple[int, int]] = []
    chunk = engine.synthesize(SENTENCE, voice, tick=lambda *t: ticks.append(t))
    assert len(ticks) > chunk.sentence.end_s * 12.5  # a frame is 80 ms


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
