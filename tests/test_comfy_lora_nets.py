"""LoRAs of tiny models of each family, trained inside ComfyUI and used by its own loaders."""

import pytest

pytestmark = pytest.mark.comfy

FAMILIES = ["sd15", "v_prediction", "sdxl", "flux", "wan", "wan_bf16", "wan_fp8"]
CLOSE = {"wan_bf16": 2e-3, "wan_fp8": 3e-2}
"""ComfyUI's loaders round the sum of weight and LoRA to the weight's type."""


@pytest.fixture(scope="module")
def trials(lora_played):
    return lora_played["families"]


@pytest.fixture(params=FAMILIES)
def name(request):
    return request.param


@pytest.fixture
def facts(trials, name):
    return trials[name]


def test_it_learns(facts, name):
    losses = [loss for _, loss in facts["report"]["validation"]]
    assert losses[-1] < losses[0] * (0.97 if name == "sdxl" else 0.85)  # nine steps are few
    assert facts["moved"] > 1e-2


def test_the_loaders_of_comfyui_give_the_trained_model(facts, name):
    assert facts["stock"] < CLOSE.get(name, 1e-5)
    assert max(facts["files"].values()) < CLOSE.get(name, 1e-5)
    assert facts["report"]["unmapped"] == []
    assert facts["warned"] == []


def test_the_users_model_is_as_before(facts):
    assert facts["same"]
    assert facts["attributes"]
    assert facts["output"]
    assert facts["random"]
    assert not facts["training"]


def test_samples_and_plot_are_pictures(facts):
    assert facts["samples"] == [1, 64, 64, 3]
    assert facts["plot"] == [360, 640, 3]


def test_the_pack_brings_peft_in_when_it_trains(lora_played):
    assert lora_played["lazy"]


def test_families_and_what_they_predict(trials):
    found = {name: (f["report"]["family"], f["report"]["prediction"]) for name, f in trials.items()}
    assert found == {
        "sd15": ("sd15", "eps"),
        "v_prediction": ("sd15", "v"),
        "sdxl": ("sdxl", "eps"),
        "flux": ("flux", "flow"),
        "wan": ("wan", "flow"),
        "wan_bf16": ("wan", "flow"),
        "wan_fp8": ("wan", "flow"),
    }
