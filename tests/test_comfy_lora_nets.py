"""LoRAs of tiny models of each family, trained inside ComfyUI and used by its own loaders."""

import pytest
from inside_comfyui import play
from lora_nets import POSE
from tiny_models import build

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lora")


@pytest.fixture(scope="module")
def sd15(folder):
    path = build(folder / "models", "sd15")["sd15"]
    code = f"""
with torch.inference_mode():
    model, clip, vae = comfy.sd.load_checkpoint_guess_config({str(path)!r})[:3]
    before, state = digest(model), torch.get_rng_state()
    job = LoraJob(model, dataset(), "identity", "balanced", {{**QUICK, "prior_every": 4}})
    job.encode(clip, vae, "")
    base = answer(job, model)
    trained = {{}}
    learn = job._sampler
    def look():
        learn()
        x, sigma = noisy(job)
        with torch.no_grad():
            trained["answer"] = job._denoiser.predict(x, sigma, [job._captions["ohwx disc 0"]])
    look.samples, look.quick_look = learn.samples, learn.quick_look
    job._sampler = look
    job.train("1", resume=False, start_from=None)
    lora, report = job.lora(), job.report()
    after = answer(job, model)
    same = digest(model) == before
    from comfy_extras.nodes_train import LoraModelLoader
    stock = answer(job, LoraModelLoader.execute(model, lora, 1.0).result[0])
    os.makedirs("loras")
    folder_paths.add_model_folder_path("loras", os.path.abspath("loras"))
    files = {{}}
    from nodes import LoraLoaderModelOnly
    for naming in lora_file.NAMINGS:
        lora_file.save_lora(pathlib.Path(f"loras/{{naming}}.safetensors"), lora, naming=naming,
                            dtype="fp32", notes=lora.notes)
        load = LoraLoaderModelOnly().load_lora_model_only
        (loaded,) = load(model, f"{{naming}}.safetensors", 1.0)
        files[naming] = (answer(job, loaded) - trained["answer"]).abs().max().item()
    samples = host.pictures(vae, job.samples)
say(report=report, same=same, output_same=torch.equal(base, after),
    random_same=torch.equal(state, torch.get_rng_state()), lora=sorted(lora),
    moved=(base - trained["answer"]).abs().max().item(), files=files,
    stock=(stock - trained["answer"]).abs().max().item(),
    samples=list(samples.shape), plot=list(job.plot().shape),
    warned=[line for line in heard.lines if "not loaded" in line])
"""
    return play(POSE + code, folder)


def test_it_learns(sd15):
    losses = [loss for _, loss in sd15["report"]["validation"]]
    assert losses[-1] < 0.85 * losses[0]
    assert sd15["moved"] > 1e-2


def test_the_loaders_of_comfyui_give_the_trained_model(sd15):
    assert sd15["stock"] < 1e-5
    assert max(sd15["files"].values()) < 1e-5
    assert sd15["report"]["unmapped"] == []
    assert sd15["warned"] == []


def test_the_users_model_is_as_before(sd15):
    assert sd15["same"]
    assert sd15["output_same"]
    assert sd15["random_same"]


def test_samples_and_plot_are_pictures(sd15):
    assert sd15["samples"] == [1, 64, 64, 3]
    assert sd15["plot"] == [360, 640, 3]
