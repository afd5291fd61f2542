"""What the tests of LoRA training play inside one ComfyUI process; it goes after POSE."""

KINDS = ("sd15", "sdxl", "flux", "flux_vae", "wan_t2v", "wan_vae")

FAMILIES = """
lazy = "peft" not in sys.modules  # the pack is there, and nothing was trained
families = {}
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete
with torch.inference_mode():
    load = comfy.sd.load_checkpoint_guess_config
    model, clip, vae = load(paths["sd15"])[:3]
    _, families["sd15"] = trial(model, clip, vae, prior_weight=0.5)
    v, = ModelSamplingDiscrete().patch(model, "v_prediction", False)
    _, families["v_prediction"] = trial(v, clip, vae, steps=6, targets="all", recompute=False)
    del model, v, clip
    mm.unload_all_models()
    model, _, vae = load(paths["sdxl"])[:3]
    _, families["sdxl"] = trial(model, Words(2048, 1280), vae, dataset(1), steps=9, targets="all",
                               learning_rate=2e-3, warmup_steps=0)
    del model
    mm.unload_all_models()
    vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(paths["flux_vae"]))
    model = comfy.sd.load_diffusion_model(paths["flux"])
    _, families["flux"] = trial(model, Words(64, 64), vae, steps=30, targets="all", rank=8,
                               learning_rate=1e-2)
    vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(paths["wan_vae"]))
    model = comfy.sd.load_diffusion_model(paths["wan_t2v"])
    _, families["wan"] = trial(model, Words(4096), vae, steps=30, learning_rate=1e-2)
    for kind, dtype in (("bf16", torch.bfloat16), ("fp8", torch.float8_e4m3fn)):
        model = comfy.sd.load_diffusion_model(paths["wan_t2v"], model_options={"dtype": dtype})
        _, families["wan_" + kind] = trial(model, Words(4096), vae, steps=30, learning_rate=1e-2)
"""
"""Each family is trained, and its LoRA loaded by ComfyUI's own nodes."""

LOAD = """
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
faults = {}
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
    faults["exception"] = [ended(job, breaks), *state()]

    cancelled = job_of(model)
    asked = []
    def cancels(training):
        if training.step == 4:
            asked.append(time.monotonic())
            mm.interrupt_current_processing()
    raised = ended(cancelled, cancels)
    faults["cancel_s"] = time.monotonic() - asked[0]
    faults["interrupt"] = [raised, *state()]
    faults["kept"] = sorted(str(p) for p in pathlib.Path("loras").rglob("*.safetensors"))

    again = job_of(model)
    again.train("1", resume=True, start_from=None)  # the cancelled one had the same recipe
    straight = job_of(model)
    straight.train("1", resume=False, start_from=None)
    same = equal(dict(again.lora()), dict(straight.lora()))
    faults["resumed"] = [again.report()["resumed_from"], same]
    faults["losses"] = again.training.losses == straight.training.losses

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
    faults["evicted"] = [ended(evicted, evicts), equal(dict(evicted.lora()), dict(whole.lora())),
                        torch.equal(answer(job, patched), stacked), *state()]

    short = job_of(model, dataset(4), batch=4, micro_batch=4)
    predict, freed = short._denoiser.predict, []
    def scarce(noisy, sigmas, captions):
        if len(noisy) > 2: raise torch.OutOfMemoryError("Allocation on device failed")
        return predict(noisy, sigmas, captions)
    short._denoiser.predict = scarce
    faults["short"] = [ended(short, lambda training: None), short.report()["images_a_forward"],
                      short.report()["warnings"], *state()]
    further = job_of(model)
    further.train("1", resume=False, start_from=straight.lora())
    faults["further"] = [straight.training.validation.losses, further.training.validation.losses]
"""
"""Trainings that end badly."""

RIGHT = """
right = {}
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
    right["rows"] = dict(wan=rows(in_wan), flux=rows(in_flux))
    long = LoraDataset.of(
        [TrainingImage(p, "ohwx disc 0" + " and more" * n) for n, p in enumerate(pictures(2))],
        trigger="ohwx", class_word="disc")
    right["rows"]["uneven"] = rows(job_of(f, long, clip=Words(64, 64, longer=1), vae=flux_vae))
    scaled = [w.model.process_latent_in(wan_vae.encode(i.pixels[None]))[0] for i in mixed.images]
    right["latents"] = [apart(e.latent, l) for e, l in zip(buckets._examples, scaled)]
    buckets.train("1", resume=False, start_from=None)
    right["buckets"] = buckets.report()["steps"]
    right["slopes"] = dict(wan=slopes(in_wan), flux=slopes(in_flux))
    one, same, other = (job_of(w, seed=s) for s in (1, 1, 2))
    for job in (one, same, other): job.train("1", resume=False, start_from=None)
    right["seed"] = [equal(dict(one.lora()), dict(job.lora())) for job in (same, other)]
    half = job_of(w, steps=20, validate_every=20, precision="bf16")
    half.train("1", resume=False, start_from=None)
    right["half"] = half.training.validation.losses
    refused = []
    class FourChannels:
        def encode(self, pixels):
            return torch.zeros(1, 4, 8, 8)
    for attempt in (lambda: job_of(w, vae=FourChannels()),
                    lambda: host.HostedDenoiser(ModelSamplingDiscrete().patch(w, "x0", False)[0]),
                    lambda: host.captions(None, ["a"], lambda a, b: None),
                    lambda: host.latents(None, [], None, 0, lambda a, b: None),
                    lambda: job_of(w, clip=Words(64)).train("1", resume=False, start_from=None),
                    lambda: host.lora_file("x" * 300, 1),
                    lambda: host.lora_file("x\\0", 1)):
        try:
            attempt()
        except Exception as error:
            refused.append(f"{type(error).__name__}: {error}")
    right["refused"] = refused
    class Counting(Words):
        asked = 0
        def encode_from_tokens_scheduled(self, text):
            self.asked += 1
            return super().encode_from_tokens_scheduled(text)
    clip, right["encoded"] = Counting(4096), []
    fresh = comfy.sd.VAE(sd=comfy.utils.load_torch_file(paths["wan_vae"]))
    for changes in ({}, {"rank": 4}, {"seed": 4}):
        again = job_of(w, clip=clip, vae=fresh, **changes)
        right["encoded"].append([clip.asked, again._encoded])
    plain = LoraDataset.of([TrainingImage(pictures(1)[0], "disc")], trigger="", class_word="disc")
    right["prior"] = [LoraJob(w, data, "identity", "balanced", {})._recipe.prior_weight
                      for data in (dataset(), plain)]
"""
"""What goes wrong in silence elsewhere."""

END = """
say(lazy=lazy, families=families, faults=faults, right=right)
"""
