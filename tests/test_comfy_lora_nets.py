"""LoRAs of tiny models of each family, trained inside ComfyUI and used by its own loaders."""

import pytest
from inside_comfyui import play
from lora_nets import POSE
from tiny_models import build

pytestmark = pytest.mark.comfy

FAMILIES = ["sd15", "v_prediction", "sdxl", "flux", "wan"]


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lora")
    kinds = ("sd15", "sdxl", "flux", "flux_vae", "wan_t2v", "wan_vae")
    paths = {kind: str(path) for kind, path in build(folder / "models", *kinds).items()}
    code = f"""
paths, facts = {paths!r}, {{}}
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete
with torch.inference_mode():
    load = comfy.sd.load_checkpoint_guess_config
    model, clip, vae = load(paths["sd15"])[:3]
    job, facts["sd15"] = trial(model, clip, vae, prior_weight=0.5)
    v, = ModelSamplingDiscrete().patch(model, "v_prediction", False)
    job, facts["v_prediction"] = trial(v, clip, vae, steps=6, targets="all", recompute=False)
    del model, v, clip
    mm.unload_all_models()
    model, _, vae = load(paths["sdxl"])[:3]
    job, facts["sdxl"] = trial(model, Words(2048, 1280), vae, dataset(1), steps=9, targets="all",
                               learning_rate=2e-3, warmup_steps=0)
    del model
    mm.unload_all_models()
    vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(paths["flux_vae"]))
    model = comfy.sd.load_diffusion_model(paths["flux"])
    job, facts["flux"] = trial(model, Words(64, 64), vae, steps=30, targets="all", rank=8,
                               learning_rate=1e-2)
    vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(paths["wan_vae"]))
    model = comfy.sd.load_diffusion_model(paths["wan_t2v"])
    job, facts["wan"] = trial(model, Words(4096), vae, steps=30, learning_rate=1e-2)
say(**facts)
"""
    return play(POSE + code, folder)


@pytest.fixture(params=FAMILIES)
def facts(trials, request):
    return trials[request.param]


@pytest.mark.parametrize("name", FAMILIES)
def test_it_learns(trials, name):
    losses = [loss for _, loss in trials[name]["report"]["validation"]]
    assert losses[-1] < losses[0] * (0.97 if name == "sdxl" else 0.85)  # nine steps are few
    assert trials[name]["moved"] > 1e-2


def test_the_loaders_of_comfyui_give_the_trained_model(facts):
    assert facts["stock"] < 1e-5
    assert max(facts["files"].values()) < 1e-5
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


def test_families_and_what_they_predict(trials):
    found = {name: (f["report"]["family"], f["report"]["prediction"]) for name, f in trials.items()}
    assert found == {
        "sd15": ("sd15", "eps"),
        "v_prediction": ("sd15", "v"),
        "sdxl": ("sdxl", "eps"),
        "flux": ("flux", "flow"),
        "wan": ("wan", "flow"),
    }
