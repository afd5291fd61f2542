"""XTTS-v2 with random weights: files, the library's steps, languages, long texts, and devices."""

from __future__ import annotations

import copy
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("TTS", reason="needs the engine's packages")

from trouble import spoilt

from myspinbot.errors import BadInputError, MissingDependencyError, MissingModelError
from myspinbot.voice.engines import ENGINES
from myspinbot.voice.engines.xtts import Xtts
from myspinbot.voice.engines.xtts_net import latents, waveform
from myspinbot.voice.profile import VoiceProfile

SENTENCE = "He opened the window, and then..."


def pickled(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def test_weights_for_another_configuration_are_refused(folder):
    path = folder / "xtts_v2" / "config.json"
    config = json.loads(path.read_text())
    config["model_args"]["gpt_layers"] = 3
    other = spoilt(path, json.dumps(config).encode())
    with other, pytest.raises(MissingModelError, match=r"gpt\.gpt\.h\.2"):
        ENGINES["xtts"].open(folder)


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_code_in_the_weights_is_not_run(folder, tmp_path):
    content = pickled({"config": _Bomb(tmp_path / "ran"), "model": {}})
    other = spoilt(folder / "xtts_v2" / "model.pth", content)
    with other, pytest.raises(MissingModelError, match="damaged"):
        ENGINES["xtts"].open(folder)
    assert not (tmp_path / "ran").exists()


def test_the_weights_of_a_training_are_read(engine, voice, folder):
    """Without a configuration in them, second names, or a prefix."""
    content = pickled({"model": copy.copy(engine.model.state_dict())})
    with spoilt(folder / "xtts_v2" / "model.pth", content):
        twin = ENGINES["xtts"].open(folder)
    np.testing.assert_array_equal(
        twin.synthesize(SENTENCE, voice).samples, engine.synthesize(SENTENCE, voice).samples
    )


def test_the_users_file_stays_as_it_is(folder):
    path = folder / "xtts_v2" / "model.pth"
    before = path.stat()
    ENGINES["xtts"].open(folder)
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_broken_library_is_told(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "TTS.tts.models.xtts", None)
    with pytest.raises(MissingDependencyError, match="coqui-tts cannot be imported"):
        ENGINES["xtts"].open(folder)


def test_a_voice_is_a_condition_and_a_timbre(voice):
    assert voice.style["condition"].shape == (1, 32, 64)
    assert voice.style["timbre"].shape == (1, 512, 1)
    assert float(voice.style["timbre"].norm()) == pytest.approx(1, abs=1e-5)


def test_the_voice_is_heard(engine, voice):
    first = engine.synthesize(SENTENCE, voice).samples
    for name in ("condition", "timbre"):
        style = {**voice.style, name: -voice.style[name]}
        changed = engine.synthesize(SENTENCE, VoiceProfile(**{**vars(voice), "style": style}))
        assert not np.array_equal(changed.samples, first)


def test_speed_changes_the_length(engine, voice):
    normal = engine.synthesize(SENTENCE, voice).sentence.end_s
    for speed in (0.5, 2.0):
        chunk = engine.synthesize(SENTENCE, voice, speed=speed)
        assert chunk.sentence.end_s == pytest.approx(normal / speed, rel=0.08)


def test_the_steps_are_those_of_the_library(engine, voice):
    """Its own pass over text and finished codes sees what our loop saw step by step."""
    model, gpt = engine.model, engine.model.gpt
    heard = []
    hook = gpt.mel_embedding.register_forward_pre_hook(lambda _, codes: heard.append(codes[0]))
    tokens = engine.tokens(SENTENCE, "en")
    condition = voice.style["condition"]
    steps = latents(model, tokens, condition, torch.Generator().manual_seed(3))
    hook.remove()
    codes = torch.cat(heard[1:], dim=1)  # the first one is the start mark
    with torch.inference_mode():
        text = torch.tensor([tokens])
        expected = gpt(
            text,
            torch.tensor([text.shape[1]]),
            codes,
            torch.tensor([codes.shape[1] * gpt.code_stride_len]),
            cond_latents=condition,
            return_latent=True,
        )
    assert codes.shape[1] >= 5
    torch.testing.assert_close(steps[:, : codes.shape[1]], expected, atol=1e-5, rtol=1e-4)


def test_it_says_what_the_library_would(engine, voice):
    """With the same random numbers; its loop runs with some versions of transformers only."""
    model, config = engine.model, engine.model.config

    def rename(module, arguments, named):
        named["past_key_values"] = named.pop("cache", named.get("past_key_values"))
        return arguments, named

    model.gpt.init_gpt_for_inference()
    model.gpt.gpt_inference.register_forward_pre_hook(rename, with_kwargs=True)
    try:
        for seed in range(3):
            with torch.random.fork_rng([]):
                torch.manual_seed(seed)
                stream = model.inference_stream(
                    SENTENCE,
                    "en",
                    voice.style["condition"],
                    voice.style["timbre"],
                    stream_chunk_size=0,
                    temperature=config.temperature,
                    repetition_penalty=config.repetition_penalty,
                    top_k=config.top_k,
                    top_p=config.top_p,
                    speed=1.25,
                )
                expected = torch.cat(list(stream)).numpy()
            said = engine.synthesize(SENTENCE, voice, seed=seed, speed=1.25)
            np.testing.assert_allclose(said.samples[0], expected, atol=1e-6)
    except (AttributeError, TypeError) as error:
        pytest.skip(f"the library does not know this transformers: {error}")
    finally:
        del model.gpt.gpt_inference


def test_a_step_lasts_as_the_decoder_says(engine, voice):
    sound = waveform(engine.model, torch.zeros(1, 10, 64), voice.style["timbre"], 1.0)
    assert len(sound) / engine.sample_rate == pytest.approx(10 * 1024 / 22050, abs=0.03)


def test_languages_have_the_names_of_the_vocabulary(engine, voice, monkeypatch):
    asked = []
    encode = engine.model.tokenizer.encode

    def listen(text, lang):
        asked.append(lang)
        return encode(text, lang)

    monkeypatch.setattr(engine.model.tokenizer, "encode", listen)
    for language, code in (("en-us", "en"), ("en-gb", "en"), ("de", "de")):
        engine.synthesize("ja", voice, language=language)
        assert asked.pop() == code
        tag = engine.model.tokenizer.tokenizer.token_to_id(f"[{code}]")
        assert engine.tokens("ja", code)[0] == tag
    with pytest.raises(BadInputError, match=r"'es'.*trained"):  # these weights lack its tag
        engine.synthesize(SENTENCE, voice, language="es")


def test_the_library_reads_all_languages_but_chinese_and_japanese_at_once(engine):
    for language in set(engine.languages) - {"zh", "ja"}:
        tokenizer = engine.model.tokenizer
        assert tokenizer.char_limits[language.partition("-")[0]] > 50
        assert tokenizer.preprocess_text("a %", language.partition("-")[0])[-1].isalpha()


@pytest.mark.parametrize(("language", "package"), [("ja", "cutlet"), ("zh", "pypinyin")])
def test_the_package_that_a_language_needs_is_named(engine, voice, monkeypatch, language, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"coqui-tts\[{language}\]"):
        engine.synthesize("12", voice, language=language)


def test_numbers_are_written_out(engine):
    assert engine.tokens("12", "en") == engine.tokens("twelve", "en")


WORDS = st.lists(st.text("abcdefg,.;!?'- ", min_size=1, max_size=30), min_size=1, max_size=40)


@given(WORDS.map(" ".join).filter(lambda text: any(c.isalnum() for c in text)))
@settings(max_examples=60)
def test_parts_are_short_enough_and_lose_nothing(engine, text):
    written = " ".join(text.split())
    parts = engine.parts(written, "en")
    assert "".join("".join(parts).split()) == "".join(written.split())
    assert all(0 < len(engine.tokens(part, "en")) < 64 for part in parts)


def test_a_text_is_cut_where_a_sentence_pauses(engine):
    text = "One two three four, five six seven eight; nine ten eleven twelve, " * 2
    parts = engine.parts(text.strip(), "en")
    assert len(parts) >= 4
    assert all(part[-1] in ",;" for part in parts)


def test_a_long_text_is_said_in_parts(engine, voice):
    short = engine.synthesize(SENTENCE, voice)
    whole = engine.synthesize(SENTENCE * 8, voice)
    assert whole.sentence.end_s > 3 * short.sentence.end_s
    assert whole.sentence.text == SENTENCE * 8


def test_what_cannot_be_said_is_refused(engine, voice):
    with pytest.raises(BadInputError, match="characters of 'ⴰⴱⴳⴷ'"):
        engine.synthesize("ⴰⴱⴳⴷ", voice)
    with pytest.raises(BadInputError, match="as words"):
        engine.synthesize("12", voice, language="hi")  # num2words knows no Hindi


def test_a_voice_of_other_weights_is_refused(engine, voice, voice_of):
    other = {**voice.style, "condition": torch.zeros(1, 32, 9)}
    with pytest.raises(BadInputError, match="other weights"):
        engine.synthesize(SENTENCE, voice_of(other))


def test_each_layer_ticks(engine, voice, monkeypatch):
    monkeypatch.setattr("myspinbot.voice.engines.guest._TICK_S", 0.0)
    ticks: list[tuple[int, int]] = []
    engine.synthesize(SENTENCE, voice, tick=lambda *t: ticks.append(t))
    assert len(ticks) > 80  # two blocks of the gpt a step, and some 80 layers of the vocoder


def test_the_modules_hold_each_weight_once_and_all_that_is_on_a_device(engine, reference):
    """On "meta" every tensor outside the modules would clash with those inside."""
    size = sum(p.numel() for p in engine.model.parameters())
    assert sum(p.numel() for net in engine.modules() for p in net.parameters()) == size
    twin = Xtts(copy.deepcopy(engine.model))
    for module in twin.modules():
        module.to("meta")
    assert twin.device.type == "meta"
    gpt, decoder = twin.model.gpt, twin.model.hifigan_decoder
    with torch.inference_mode():
        samples = torch.from_numpy(reference.audio.samples)
        condition = twin.model.get_gpt_cond_latents(samples, 16_000)
        timbre = twin.model.get_speaker_embedding(samples, 16_000)
        step = gpt.gpt(inputs_embeds=condition, use_cache=True).last_hidden_state
        sound = decoder(gpt.final_norm(step), g=timbre)
    assert {t.device.type for t in (condition, timbre, step, sound)} == {"meta"}
