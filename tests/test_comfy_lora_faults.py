"""Trainings that end badly, or go wrong in silence elsewhere, on tiny nets inside ComfyUI."""

import pytest
from inside_comfyui import play
from lora_nets import POSE
from tiny_models import build

pytestmark = pytest.mark.comfy

LOAD = """
import threading
with torch.inference_mode():
    def wan():
        return comfy.sd.load_diffusion_model(paths["wan_t2v"])
    def flux():
        return comfy.sd.load_diffusion_model(paths["flux"])
    wan_vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(paths["wan_vae"]))
    flux_vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(paths["flux_vae"]))

def job_of(model, data=None, clip=None, vae=None, **changes):
    job = LoraJob(model, data or dataset(), "identity", "balanced", {**QUICK, **changes})
    job.encode(clip or Words(4096), vae or wan_vae, "")
    return job

def ended(job, watch, resume=False):
    # run until `watch` ends it; the name of what ended it
    class View:
        def __init__(self, *about): pass
        def __call__(self, training): watch(training)
    import pack.nodes.lora_job as lora_job
    kept, lora_job.host.TrainingView = lora_job.host.TrainingView, View
    try:
        job.train("1", resume=resume, start_from=None)
    except BaseException as error:
        return type(error).__name__
    finally:
        lora_job.host.TrainingView = kept

def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
"""

FAULTS = """
facts = {}
with torch.inference_mode():
    model = wan()
    job = job_of(model)
    base, before, had = answer(job, model), digest(model), attributes(model)

    def state():
        same = torch.equal(answer(job, model), base)
        return [same, digest(model) == before, attributes(model) == had, mm.in_training]

    class Broken(Exception): pass
    def breaks(training):
        if training.step == 3: raise Broken
    facts["exception"] = [ended(job, breaks), *state()]

    cancelled = job_of(model)
    asked = []
    def cancels(training):
        if training.step == 4:
            asked.append(time.monotonic())
            mm.interrupt_current_processing()
    raised = ended(cancelled, cancels)
    facts["cancel_s"] = time.monotonic() - asked[0]
    facts["interrupt"] = [raised, *state()]
    facts["kept"] = sorted(str(p) for p in pathlib.Path("loras").rglob("*.safetensors"))

    straight = job_of(model)
    straight.train("1", resume=False, start_from=None)
    again = job_of(model)
    again.train("1", resume=True, start_from=None)  # the cancelled one had the same recipe
    same = equal(dict(again.lora()), dict(straight.lora()))
    facts["resumed"] = [again.report()["resumed_from"], same]
    facts["losses"] = again.training.losses == straight.training.losses

    patched = LoraModelLoader.execute(model, straight.lora(), 0.7).result[0]
    stacked = answer(job, patched)
    def evicts(training):
        if training.step in (2, 6):
            mm.unload_all_models()
            names = [n for n, _ in model.model.diffusion_model.named_modules() if "lora" in n]
            assert not names, names
            mm.load_models_gpu([evicted._denoiser.patcher], force_full_load=True)
    evicted, whole = job_of(patched, seed=9), job_of(patched, seed=9)
    ended(whole, lambda training: None)
    facts["evicted"] = [ended(evicted, evicts), equal(dict(evicted.lora()), dict(whole.lora())),
                        torch.equal(answer(job, patched), stacked), *state()]

    short = job_of(model, dataset(4), batch=4, micro_batch=4)
    predict, freed = short._denoiser.predict, []
    def scarce(noisy, sigmas, captions):
        if len(noisy) > 2: raise torch.OutOfMemoryError("Allocation on device failed")
        return predict(noisy, sigmas, captions)
    short._denoiser.predict = scarce
    facts["short"] = [ended(short, lambda training: None), short.report()["images_a_forward"],
                      short.report()["warnings"], *state()]
    further = job_of(model)
    further.train("1", resume=False, start_from=straight.lora())
    facts["further"] = [straight.training.validation.losses, further.training.validation.losses]
say(**facts)
"""

RIGHT = """
facts = {}

def rows(job):
    # one forward of the whole batch, and one for each image
    d = job._denoiser
    calls = []
    net = d.net
    with d.held(lambda: None, lambda: None), torch.no_grad():
        hook = net.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
        own = torch.Generator().manual_seed(4)
        latents = torch.stack([e.latent for e in job._examples])
        noise = torch.randn(latents.shape, generator=own)
        sigmas = d.sigmas[[len(d.sigmas) // 4 * (n + 1) - 1 for n in range(len(latents))]]
        x = latents + sigmas.reshape(-1, *[1] * (latents.ndim - 1)) * noise
        captions = [e.caption for e in job._examples]
        together = d.predict(x, sigmas, captions)
        whole = list(calls)
        parts = [slice(n, n + 1) for n in range(len(x))]
        single = torch.cat([d.predict(x[p], sigmas[p], captions[p]) for p in parts])
        swapped = d.predict(x, sigmas, captions[::-1])
        hook.remove()
    return [whole, apart(together, single), apart(together, swapped)]


def slopes(job):
    # gradients of some parameters, against finite differences along random directions
    from pack.myspinbot.lora.adapters import Adapters
    from pack.myspinbot.lora.frozen import Freezing
    d, off = job._denoiser, []
    adapters = Adapters(d.net, d.family.targets(d.net, "all"), rank=4, alpha=4.0)
    adapters.initialise(1)
    for recompute in (True, False):
        freezing = Freezing(d.net, d.family, recompute=recompute, weight_of=d.weight_of)
        def insert():
            freezing.insert(); adapters.insert()
        def remove():
            adapters.remove(); freezing.remove()
        with d.held(insert, remove):
            own = torch.Generator().manual_seed(6)
            parameters = adapters.parameters()
            with torch.no_grad():
                for p in parameters:
                    p.copy_(0.1 * torch.randn(p.shape, generator=own))
            x, sigma = noisy(job)
            caption = [job._captions[WORDS]]
            wanted = torch.randn(x.shape, generator=own)
            def loss():
                return ((d.predict(x, sigma, caption) - x) / sigma * wanted).double().mean()
            grads = torch.autograd.grad(loss(), parameters)
            for p, g in list(zip(parameters, grads))[:: max(1, len(parameters) // 16)]:
                direction = g / g.norm()  # the steepest, where rounding matters least
                step = 0.03
                with torch.no_grad():
                    kept = p.clone()
                    p.copy_(kept + step * direction); above = loss()
                    p.copy_(kept - step * direction); below = loss()
                    p.copy_(kept)
                slope = (above - below).item() / (2 * step)
                off.append(abs(slope - g.norm().item()) / g.norm().item())
    off.sort()
    return [off[len(off) // 2], off[-1], len(off)]


with torch.inference_mode():
    four = dataset(4)
    w, f = wan(), flux()
    in_wan = job_of(w, four)
    in_flux = job_of(f, four, clip=Words(64, 64), vae=flux_vae)
    mixed = dataset(4, sides=(64, 96))
    buckets = job_of(w, mixed)
    facts["rows"] = dict(wan=rows(in_wan), flux=rows(in_flux))
    long = LoraDataset.of(
        [TrainingImage(p, "ohwx disc 0" + " and more" * n) for n, p in enumerate(pictures(2))],
        trigger="ohwx", class_word="disc")
    facts["rows"]["uneven"] = rows(job_of(f, long, clip=Words(64, 64, longer=1), vae=flux_vae))
    scaled = [w.model.process_latent_in(wan_vae.encode(i.pixels[None]))[0] for i in mixed.images]
    facts["latents"] = [apart(e.latent, l) for e, l in zip(buckets._examples, scaled)]
    buckets.train("1", resume=False, start_from=None)
    facts["buckets"] = buckets.report()["steps"]
    facts["slopes"] = dict(wan=slopes(in_wan), flux=slopes(in_flux))
    one, same, other = (job_of(w, seed=s) for s in (1, 1, 2))
    for job in (one, same, other): job.train("1", resume=False, start_from=None)
    facts["seed"] = [equal(dict(one.lora()), dict(job.lora())) for job in (same, other)]
    refused = []
    class FourChannels:
        def encode(self, pixels):
            return torch.zeros(1, 4, 8, 8)
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete
    for attempt in (lambda: job_of(w, vae=FourChannels()),
                    lambda: host.HostedDenoiser(ModelSamplingDiscrete().patch(w, "x0", False)[0]),
                    lambda: host.captions(None, ["a"], lambda a, b: None)):
        try:
            attempt()
        except Exception as error:
            refused.append(f"{type(error).__name__}: {error}")
    facts["refused"] = refused
say(**facts)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lora_faults")


@pytest.fixture(scope="module")
def paths(folder):
    kinds = ("flux", "flux_vae", "wan_t2v", "wan_vae")
    found = {kind: str(path) for kind, path in build(folder / "models", *kinds).items()}
    return f"paths = {found!r}\n"


@pytest.fixture(scope="module")
def faults(folder, paths):
    return play(POSE + paths + LOAD + FAULTS, folder)


@pytest.fixture(scope="module")
def right(folder, paths):
    return play(POSE + paths + LOAD + RIGHT, folder)


UNTOUCHED = [True, True, True, False]
"""Output, weights and attributes are as before, and ComfyUI does not think that it is training."""


def test_an_exception_leaves_the_model_as_it_was(faults):
    assert faults["exception"] == ["Broken", *UNTOUCHED]


def test_a_cancel_is_heard_at_once_and_keeps_what_was_learned(faults):
    assert faults["interrupt"] == ["InterruptProcessingException", *UNTOUCHED]
    assert faults["cancel_s"] < 2
    assert "loras/unfinished/ohwx_4_steps_00001.safetensors" in faults["kept"]


def test_the_next_run_goes_on_where_the_cancelled_one_stopped(faults):
    assert faults["resumed"] == [4, True]
    assert faults["losses"]


def test_a_model_that_is_evicted_meanwhile_comes_back_with_its_lora(faults):
    ended, same_lora, same_output, *state = faults["evicted"]
    assert ended is None
    assert same_lora
    assert same_output
    assert state == UNTOUCHED


def test_short_of_memory_it_halves_the_batch(faults):
    ended, rows, warnings, *state = faults["short"]
    assert (ended, rows) == (None, 2)
    assert "Memory was short at step 1" in warnings[0]
    assert state == UNTOUCHED


def test_a_lora_can_be_trained_further(faults):
    first, second = faults["further"]
    assert second[0][1] == pytest.approx(first[-1][1], rel=1e-4)


@pytest.mark.parametrize("net", ["wan", "flux"])
def test_a_forward_has_a_row_for_each_image_with_its_own_caption(right, net):
    calls, off, swapped = right["rows"][net]
    assert calls == [4]
    assert off < 1e-5
    assert swapped > 1e-3  # captions matter


def test_captions_of_other_lengths_go_through_one_after_the_other(right):
    calls, off, _ = right["rows"]["uneven"]
    assert calls == [1, 1]
    assert off < 1e-5


def test_latents_of_all_sizes_are_scaled_as_the_sampler_does(right):
    assert right["latents"] == [0, 0, 0, 0]
    assert right["buckets"] == 12


@pytest.mark.parametrize("net", ["wan", "flux"])
def test_gradients_agree_with_finite_differences(right, net):
    median, worst, count = right["slopes"][net]
    assert count >= 32
    assert median < 1e-3
    assert worst < 5e-2


def test_the_seed_decides_all(right):
    assert right["seed"] == [True, False]


def test_what_cannot_be_trained_is_refused_in_plain_words(right):
    vae, sampling, clip = right["refused"]
    assert "latents of 4 channels and the model reads 16" in vae
    assert "predict as X0 cannot be trained" in sampling
    assert "connect the text encoder" in clip
