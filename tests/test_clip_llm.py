"""A text encoder writes: ComfyUI's own loader, tokenizer and generation, with one tiny layer.

The layer has weights that make each token of an answer follow the one before it, so that what the
model says is known, and everything on the way is real.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from inside_comfyui import play

from myspinbot.errors import BadInputError
from myspinbot.narrative.chat import Message
from myspinbot.narrative.engines.clip_chat import FORMATS, ClipChat, Completion
from myspinbot.progress import no_tick

SAID = "I keep bees because every hive hums differently today."
LOADER = '''
import comfy.sd
from safetensors.torch import save_file
import pack.nodes.llm as llm
from pack.myspinbot.narrative.writing import direct, write

def load(config, **tensors):
    """What Load CLIP makes of a file, with another `config` than the file's model has."""
    save_file({name: torch.ones(size) for name, size in tensors.items()}, "encoder.safetensors")
    return comfy.sd.load_clip(
        ["encoder.safetensors"],
        model_options={"qwen3_06b_model_config": config, "dtype": torch.float32})

def node(clip):
    return llm.ClipLLM.execute(clip).args[0]
'''
QWEN = (
    LOADER
    + '''
QWEN = {"model.layers.0.post_attention_layernorm.weight": 1024,
        "model.layers.0.self_attn.q_norm.weight": 128}
clip = load({"num_hidden_layers": 1, "intermediate_size": 1024}, **QWEN)

def teach(answer):
    """Let it go on after a brace with `answer`, and end."""
    words = clip.tokenizer.qwen3_06b.tokenizer
    chain = [words("{")["input_ids"][0], *words(answer)["input_ids"], 151645]
    assert len(chain) == len(set(chain))
    net = clip.cond_stage_model.qwen3_06b.transformer.model
    for name, weight in net.named_parameters():
        weight.data.fill_(1.0 if "norm" in name else 0.0)
    codes = torch.eye(1024)
    net.embed_tokens.weight.data[chain] = codes[: len(chain)].to(net.embed_tokens.weight)
    mlp = net.layers[0].mlp
    mlp.gate_proj.weight.data.copy_(codes)
    mlp.up_proj.weight.data.copy_(codes)
    mlp.down_proj.weight.data.copy_(codes.roll(1, 0))
'''
)


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """One run for all: half a gigabyte of embeddings is made once."""
    code = f'''
teach('"narration": "{SAID}"}}')
with host.lend(node(clip)) as (engine, lent):
    written = write("bees", duration_s=5.5, llm=engine, seed=3)
    begun = engine.chat([], max_tokens=5, schema={{}}, tick=lambda *_: None)
    asked = engine.chat([], max_tokens=50, schema={{}}, temperature=0.0, tick=lambda *_: None)
    own = direct("My own  words.", llm=engine)

from pack.myspinbot.narrative.chat import Message
from pack.nodes.host.clip import _literal
hostile = 'bees (honey:1.4) \\\\\\\\(x) embedding:face and {{braces}}'
prompt = node(clip).ready().written([Message("system", "Be brief."), Message("user", hostile)])
rows = clip.tokenize(
    _literal(prompt), skip_template=True, llama_template="{{}}", min_length=1)["qwen3_06b"]
read = clip.decode([token for token, weight in rows[0]], skip_special_tokens=False)

import threading, time
net = clip.cond_stage_model.qwen3_06b.transformer.model
net.layers[0].mlp.down_proj.weight.data.zero_()  # it never ends now
start = time.monotonic()
engine.chat([], max_tokens=4, schema={{}}, tick=lambda *_: None)
token_s = (time.monotonic() - start) / 4
threading.Timer(1.0, lambda: mm.interrupt_current_processing()).start()
start = time.monotonic()
try:
    engine.chat([], max_tokens=30000, schema={{}}, tick=lambda *_: None)
except mm.InterruptProcessingException:
    seconds = time.monotonic() - start
say(narration=written.narration, report=written.report, freed=lent.freed, begun=vars(begun),
    asked=vars(asked), own=own.report, words=own.narration, prompt=prompt, read=read,
    weights=sorted({{weight for token, weight in rows[0]}}), seconds=seconds, token_s=token_s)
'''
    return play(QWEN + code, tmp_path_factory.mktemp("clip"))


@pytest.mark.comfy
def test_it_writes_a_narration(facts):
    assert facts["narration"] == SAID
    assert facts["report"]["engine"] == "clip Qwen3_06B"
    assert facts["report"]["fallback"] == ""
    assert facts["report"]["attempts"] == 1
    assert facts["freed"] == {}, "the memory is ComfyUI's own"


@pytest.mark.comfy
def test_it_tells_a_whole_answer_from_one_that_ran_out_of_tokens(facts):
    begun = {"text": '{"narration":', "ending": "length", "tokens": 5}
    assert facts["begun"].items() >= begun.items()
    assert facts["begun"]["prompt_tokens"] > 0
    assert facts["asked"]["ending"] == "stop"
    assert facts["asked"]["text"] == f'{{"narration": "{SAID}"}}'


@pytest.mark.comfy
def test_own_words_stay_and_a_model_without_a_picture_is_said(facts):
    assert facts["words"] == "My own  words."
    assert facts["own"]["stage_prompt_by"] == "template"
    assert "gave no stage prompt" in facts["own"]["fallback"]


@pytest.mark.comfy
def test_the_model_reads_the_chat_as_it_is(facts):
    """Nothing in a topic is a weight, a template or the name of a file."""
    assert facts["read"] == facts["prompt"].replace("embedding:", "embedding :")
    assert facts["prompt"].startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n")
    assert facts["weights"] == [1.0]


@pytest.mark.comfy
def test_a_cancel_ends_it(facts):
    assert 0.9 < facts["seconds"] < 1 + 1 + 3 * facts["token_s"]


@pytest.mark.comfy
def test_gemmas_tokenizer_reads_the_first_turn(tmp_path):
    """Core takes a text's first token for the beginning of the text, which it is not."""
    code = """
import io, numpy, sentencepiece
from comfy.text_encoders.lumina2 import NTokenizer
from pack.myspinbot.narrative.chat import Message
from pack.myspinbot.narrative.engines.clip_chat import ClipChat
pieces = [f"<unused{n}>" for n in range(101)] + ["<start_of_turn>", "<end_of_turn>"]
model = io.BytesIO()
sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=iter(["Be brief. Tell me of bees.", "model user"] * 20), model_writer=model,
    vocab_size=160, user_defined_symbols=pieces, pad_id=0, eos_id=1, bos_id=2, unk_id=3,
    normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False,
    hard_vocab_limit=False, minloglevel=2)
tokenizer = NTokenizer(tokenizer_data={
    "spiece_model": torch.from_numpy(numpy.frombuffer(model.getvalue(), numpy.uint8).copy())})
class Gemma:
    name, vocabulary = "Gemma3_4B", {piece: 0 for piece in pieces}
chat = ClipChat(Gemma())
prompt = chat.written([Message("user", "Be brief.")])
(row,) = tokenizer.tokenize_with_weights(
    prompt, skip_template=True, llama_template="{}", min_length=1)["gemma3_4b"]
spiece = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
say(pieces=[spiece.id_to_piece(token) for token, weight in row])
"""
    pieces = play(code, tmp_path)["pieces"]
    assert pieces[:2] == ["<s>", "<start_of_turn>"]
    assert pieces.count("<start_of_turn>") == 2
    assert pieces.count("<end_of_turn>") == 1


@pytest.mark.comfy
def test_which_encoders_can_write(tmp_path):
    """The families that the message and the help page name, and those built on them."""
    code = (
        LOADER
        + """
from comfy.text_encoders.llama import BaseGenerate
small = load({}, **{"text_model.encoder.layers.0.mlp.fc1.weight": (3072, 768)})
refused = []
for wrong in (small, None):
    try:
        node(wrong)
    except Exception as error:
        refused.append([type(error).__name__, str(error)])
say(can=sorted(kind.__name__ for kind in BaseGenerate.__subclasses__()), refused=refused)
"""
    )
    told = play(code, tmp_path)
    families = (
        "Gemma2",
        "Gemma3",
        "Gemma4",
        "Ministral3",
        "Qwen3",
        "Qwen35",
        "Qwen3VL",
        "Qwen25_7B",
    )
    assert [name for name in told["can"] if not name.startswith(families)] == []
    assert all(any(name.startswith(kind) for name in told["can"]) for kind in families)
    (kind, words), (_, nothing) = told["refused"]
    assert kind == "BadInputError"
    assert "SD1ClipModel" in words
    assert "Qwen3" in words
    assert "NoneType" in nothing


class Dictated:
    """A TextModel that says what it is given, and keeps what it read."""

    name = "dictated"

    def __init__(self, vocabulary, text='"a": 1}', whole=True):
        self.vocabulary: Mapping[str, int] = dict.fromkeys(vocabulary, 0)
        self._completion = Completion(text, whole, 4)

    def complete(self, prompt, **settings):
        self.prompt, self.settings = prompt, settings
        return self._completion


CHAT = [
    Message("system", "Be brief."),
    Message("user", "Bees?"),
    Message("assistant", "{}"),
    Message("user", "Again."),
]


@pytest.mark.parametrize(
    ("marker", "written"),
    [
        (
            "<start_of_turn>",
            "\n<start_of_turn>user\nBe brief.<end_of_turn>\n<start_of_turn>user\nBees?<end_of_turn>"
            "\n<start_of_turn>model\n{}<end_of_turn>\n<start_of_turn>user\nAgain.<end_of_turn>\n"
            "<start_of_turn>model\n",
        ),
        (
            "<|turn>",
            "<|turn>system\nBe brief.<turn|>\n<|turn>user\nBees?<turn|>\n<|turn>model\n{}<turn|>\n"
            "<|turn>user\nAgain.<turn|>\n<|turn>model\n<|channel>thought\n<channel|>",
        ),
        (
            "[INST]",
            "[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Bees?[/INST]{}</s>[INST]Again.[/INST]",
        ),
    ],
)
def test_each_family_gets_the_form_it_knows(marker, written):
    model = Dictated([marker])
    answer = ClipChat(model).chat(CHAT, schema={"type": "object"}, seed=4, tick=no_tick)
    assert model.prompt == written + "{"
    assert (answer.text, answer.ending, answer.tokens) == ('{"a": 1}', "stop", 4)
    assert model.settings["end"] == FORMATS[marker].end
    ClipChat(model).chat(CHAT, tick=no_tick)
    assert model.prompt == written


def test_an_encoder_of_another_kind_is_refused():
    with pytest.raises(BadInputError, match="not made for chats"):
        ClipChat(Dictated(["a", "b"]))
