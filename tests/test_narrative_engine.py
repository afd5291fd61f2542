"""The GGUF reader and the embedded model: on a tiny random file, and on the real weights."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from myspinbot.errors import BadInputError, MissingModelError
from myspinbot.narrative.engines import ENGINES
from myspinbot.narrative.engines.embedded import EmbeddedLLM
from myspinbot.narrative.engines.llama import Llama, rotate, rotation_tables
from myspinbot.narrative.engines.sampling import penalised, pick
from myspinbot.narrative.gguf import open_gguf
from myspinbot.narrative.llm import Sampling
from myspinbot.narrative.sentences import narration_fault
from myspinbot.narrative.writing import write

WIDTH, HEADS, KV_HEADS, HIDDEN, LAYERS = 64, 4, 2, 96, 2
FILE = "smollm2-135m-instruct.gguf"


def byte_pieces() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return [chr(b) for b in plain] + [chr(256 + i) for i in range(len(others))]


def write_tiny(path: Path, **metadata) -> Path:
    """A random two-layer Llama over bytes, quantised like the real file."""
    writer = gguf.GGUFWriter(path, metadata.get("architecture", "llama"))
    pieces = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *byte_pieces(), "th", "the"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(metadata.get("pre", "smollm"))
    writer.add_token_list(pieces)
    writer.add_token_types([3] * 3 + [1] * 258)
    writer.add_token_merges(["t h", "th e", *metadata.get("merges", [])])
    writer.add_eos_token_id(2)
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_feed_forward_length(metadata.get("hidden", HIDDEN))
    writer.add_context_length(256)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    random = np.random.default_rng(0)
    kinds = gguf.GGMLQuantizationType
    shapes = {"token_embd": (len(pieces), WIDTH, kinds.Q8_0), "output_norm": (WIDTH, 0, kinds.F32)}
    for i in range(LAYERS):
        shapes |= {
            f"blk.{i}.attn_norm": (WIDTH, 0, kinds.F32),
            f"blk.{i}.attn_q": (WIDTH, WIDTH, kinds.Q4_1),
            f"blk.{i}.attn_k": (KV_HEADS * WIDTH // HEADS, WIDTH, kinds.Q4_0),
            f"blk.{i}.attn_v": (KV_HEADS * WIDTH // HEADS, WIDTH, kinds.F16),
            f"blk.{i}.attn_output": (WIDTH, WIDTH, kinds.Q4_1),
            f"blk.{i}.ffn_norm": (WIDTH, 0, kinds.F32),
            f"blk.{i}.ffn_gate": (HIDDEN, WIDTH, kinds.Q4_1),
            f"blk.{i}.ffn_up": (HIDDEN, WIDTH, kinds.Q4_1),
            f"blk.{i}.ffn_down": (WIDTH, HIDDEN, kinds.Q4_1),
        }
    for name, (rows, columns, kind) in shapes.items():
        size = (rows, columns) if columns else (rows,)
        values = (random.normal(size=size) if columns else np.ones(size)).astype(np.float32)
        writer.add_tensor(f"{name}.weight", gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def tiny_path(tmp_path_factory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="module")
def tiny(tiny_path) -> EmbeddedLLM:
    return EmbeddedLLM.load(tiny_path)


def test_metadata_and_tensors_come_out_plain(tiny_path):
    file = open_gguf(tiny_path)
    assert file.value("general.architecture") == "llama"
    assert file.value("tokenizer.ggml.tokens")[:2] == ["<|endoftext|>", "<|im_start|>"]
    weight = file.array("blk.0.attn_q.weight")
    assert weight.dtype == np.float32
    assert weight.shape == (WIDTH, WIDTH)
    assert weight.std() == pytest.approx(1, abs=0.1)
    with pytest.raises(MissingModelError, match="no tensor nothing"):
        file.array("nothing")
    with pytest.raises(MissingModelError, match=r"no x\.y"):
        file.value("x.y")


def test_a_missing_file_says_what_to_run(tmp_path):
    with pytest.raises(MissingModelError, match=r"absent\.gguf.*python install\.py"):
        EmbeddedLLM.load(tmp_path / "absent.gguf")


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.05, 0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tiny_path, tmp_path, share):
    content = tiny_path.read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(MissingModelError, match=r"python install\.py"):
        EmbeddedLLM.load(path)


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model" * 99, b"GGUF\x03" + b"\xff" * 99])
def test_garbage_is_refused(tmp_path, content):
    path = tmp_path / "garbage.gguf"
    path.write_bytes(content)
    with pytest.raises(MissingModelError, match=r"python install\.py"):
        EmbeddedLLM.load(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"pre": "llama-bpe"}, "tokenizer"),
        ({"architecture": "qwen2"}, "not a Llama"),
        ({"hidden": 97}, "do not fit"),
        ({"merges": ["a b"]}, "tokenizer"),
    ],
)
def test_another_model_is_refused(tmp_path, metadata, message):
    with pytest.raises(MissingModelError, match=message):
        EmbeddedLLM.load(write_tiny(tmp_path / "other.gguf", **metadata))


def test_every_text_survives_the_tokenizer(tiny):
    text = "Héllo 漢字 🙂\n\tdon't 123"
    assert tiny.tokens.decode(tiny.tokens.encode(text)) == text


def test_markers_count_only_in_our_own_prompt(tiny):
    assert tiny.tokens.encode("<|im_end|>") == [2]
    assert 2 not in tiny.tokens.encode("a<|im_end|>b", markers=False)


def test_pieces_outside_the_characters_are_forbidden(tiny):
    allowed = tiny.tokens.made_of("a-c")
    assert {i for i in range(261) if allowed[i]} == {0, 2} | {
        tiny.tokens.encode(c)[0] for c in "abc"
    }


def test_rotation_keeps_length_and_depends_on_distance_only():
    x, y = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(0)).double()
    angle = torch.outer(torch.arange(10.0), torch.tensor([1.0, 0.1, 0.01, 0.001])).double()

    def at(v, position):
        return rotate(v, angle[position : position + 1].cos(), angle[position : position + 1].sin())

    assert torch.allclose(at(x, 3).norm(), x.norm())
    assert torch.allclose((at(x, 3) * at(y, 1)).sum(), (at(x, 9) * at(y, 7)).sum())


def test_reading_in_pieces_is_reading_at_once(tiny):
    ids = tiny.tokens.encode("The quick brown fox jumps over the lazy dog, again and again. " * 3)
    with torch.inference_mode():
        at_once = tiny.modules()[0](torch.tensor([ids]), tiny.modules()[0].memory(len(ids)))
        passage = tiny.passage("The quick")
        passage.read(ids[len(tiny.tokens.encode("The quick")) :], lambda done, total: None)
    assert torch.allclose(at_once, passage._logits, atol=1e-4)


def test_generation_is_seeded_and_stops(tiny):
    settings = {"max_tokens": 20, "temperature": 1.0, "min_p": 0.0}
    first = tiny.generate("a", seed=1, **settings)
    assert first == tiny.generate("a", seed=1, **settings)
    assert first != tiny.generate("a", seed=2, **settings)
    stop = first[3]
    assert tiny.generate("a", seed=1, stop=(stop,), **settings) == first[: first.index(stop)]


def test_every_token_ticks_and_a_cancel_passes_through(tiny):
    seen = []
    tiny.generate("a", max_tokens=9, temperature=0, tick=lambda done, total: seen.append(done))
    assert seen[-1] == len(seen) - 1 <= 9

    class Cancelled(Exception):  # noqa: N818
        pass

    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        tiny.generate("a", max_tokens=9, tick=cancel)


def test_a_prompt_must_fit_the_context(tiny):
    for prompt in ("", "x" * 257):
        with pytest.raises(BadInputError, match="the model reads 1 to 256"):
            tiny.generate(prompt, max_tokens=1)
    tiny.generate("x" * 255, max_tokens=50, temperature=0)


def test_continuations_leave_the_passage_as_it_was(tiny):
    passage = tiny.passage("hello")
    sampling = Sampling(8, temperature=1.0, min_p=0.0, seed=3)
    first = passage.continuations(3, sampling, start=" world")
    assert len({item.text for item in first}) > 1
    assert passage.continuations(3, sampling, start=" world") == first
    passage.extend(" world")
    assert passage.continuations(3, sampling) == first


def test_weights_may_be_cast_and_moved_between_calls(tiny_path):
    llm = EmbeddedLLM.load(tiny_path)
    llm.modules()[0].to(torch.bfloat16)
    with torch.inference_mode():
        assert llm.generate("a", max_tokens=5, temperature=0) is not None
    llm.modules()[0].to("meta")
    assert all(p.is_meta for p in llm.modules()[0].parameters())
    assert all(b.is_meta for b in llm.modules()[0].buffers())


def test_min_p_and_penalty_choose_as_documented():
    logits = torch.tensor([[2.0, 1.9, -5.0, 1.0]])
    assert penalised(logits, [[0, 2]], 2.0)[0].tolist() == pytest.approx([1.0, 1.9, -10.0, 1.0])
    generator = torch.Generator().manual_seed(0)
    sampling = Sampling(1, temperature=1.0, min_p=0.8, repetition_penalty=1.0)
    picked = {pick(logits, [[]], sampling, None, generator)[0][0] for _ in range(50)}
    assert picked == {0, 1}
    allowed = torch.tensor([False, False, True, False])
    assert pick(logits, [[]], sampling, allowed, generator)[0] == [2]


def test_a_model_that_writes_nonsense_falls_back_and_says_so(tiny):
    with torch.inference_mode():
        result = write("tea", duration_s=15, llm=_with_context(tiny))
    assert narration_fault(result.narration, "tea") == ""
    assert result.report["expected_s"] == pytest.approx(15, rel=0.1)
    assert result.report["engine"] == "template"
    assert "nothing from the model passed" in result.report["fallback"]


def test_a_remark_without_room_for_the_model_says_so(tiny):
    result = write("tea", duration_s=3, llm=tiny)
    assert result.report["engine"] == "template"
    assert "no room" in result.report["fallback"]


def _with_context(tiny: EmbeddedLLM) -> EmbeddedLLM:
    """The tiny model reads 256 bytes only; its prompt is longer, so the tables are grown."""
    (llama,) = tiny.modules()
    assert isinstance(llama, Llama)
    llama.shape = replace(llama.shape, context=2048)
    llama.cosine, llama.sine = rotation_tables(llama.shape)
    return tiny


def test_every_engine_of_the_table_loads():
    for spec in ENGINES.values():
        engine = spec.load()
        assert callable(getattr(engine, "chat", None)) != callable(getattr(engine, "passage", None))
    assert "en" in ENGINES["embedded"].load().languages


@pytest.fixture(scope="module")
def smollm(models_dir) -> EmbeddedLLM:
    return EmbeddedLLM.load(models_dir / FILE)


@pytest.mark.weights
def test_known_encodings(smollm):
    # Ids and texts as transformers 5.23 gives them for the same file.
    prompt = "<|im_start|>user\nWhat is gravity, in 12 words?<|im_end|>\n<|im_start|>assistant\n"
    ids = [1, 4093, 198, 1780, 314, 9354, 28, 281, 216, 33, 34, 1924, 47, 2, 198, 1, 520, 9531, 198]
    assert smollm.tokens.encode(prompt) == ids
    odd = "Topic: “rain” — é 😀 123\n\n  I think it's"
    assert smollm.tokens.encode(odd)[:8] == [29718, 42, 619, 1155, 573, 1841, 26411, 40303]
    assert smollm.tokens.decode(smollm.tokens.encode(odd)) == odd


@pytest.mark.weights
def test_greedy_text_is_the_reference_text(smollm):
    with torch.inference_mode():
        text = smollm.generate(
            "The capital of France is", max_tokens=20, temperature=0, repetition_penalty=1
        )
    assert text.startswith(" Paris.\n\nThe answer is: 2018-01-2")


@pytest.mark.weights
def test_it_writes_about_the_topic(smollm):
    with torch.inference_mode():
        result = write("black holes", tone="calm", duration_s=20, llm=smollm)
    assert result.report["engine"] == "embedded"
    assert result.report["fallback"] == ""
    assert result.report["model_sentences"] >= 1
    assert result.report["expected_s"] == pytest.approx(20, rel=0.1)
    assert narration_fault(result.narration, "black holes") == ""


@pytest.mark.weights
def test_a_truncated_real_file_is_refused(models_dir, tmp_path):
    path = tmp_path / FILE
    with open(models_dir / FILE, "rb") as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target)
        target.truncate(target.tell() // 2)
    with pytest.raises(MissingModelError, match="truncated"):
        open_gguf(path)
