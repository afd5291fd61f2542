"""Code that trains LoRAs of tiny models inside a ComfyUI process; it goes after PROLOGUE."""

POSE = r"""
import hashlib, logging, pathlib, time
import comfy.sd, comfy.utils, folder_paths
from pack.myspinbot.lora import lora_file
from pack.myspinbot.lora.dataset import LoraDataset, TrainingImage
from pack.nodes.lora_job import LoraJob
from comfy_extras.nodes_train import LoraModelLoader
from nodes import LoraLoaderModelOnly

os.makedirs("loras", exist_ok=True)
folder_paths.set_output_directory(os.getcwd())
folder_paths.add_model_folder_path("loras", os.path.abspath("loras"))
random = torch.Generator().manual_seed(5)
QUICK = dict(steps=12, learning_rate=4e-3, warmup_steps=1, averaging=0.0, patience=0, alpha=8.0,
             rank=8, preview_every=0, save_every=4, validate_every=4, seed=3, prior_weight=0.0,
             caption_dropout=0.0, batch=2, micro_batch=2)
WORDS = "ohwx disc 0"


def pictures(count, side=64):
    # a light disc on a dark ground: something that can be learned
    axis = torch.linspace(-1, 1, side)
    made = []
    for number in range(count):
        x, y = axis[None] - 0.2 * number / count, axis[:, None]
        disc = ((x**2 + y**2) < 0.4).float()[..., None] * torch.tensor([0.9, 0.6, 0.3])
        made.append((disc + 0.05 * torch.rand(side, side, 3, generator=random)).clamp(0, 1))
    return made


def dataset(count=2, sides=(64,)):
    images = [TrainingImage(pictures(1, sides[n % len(sides)])[0], f"ohwx disc {n}", None)
              for n in range(count)]
    return LoraDataset.of(images, trigger="ohwx", class_word="disc")


class Words:
    # a CLIP of whatever size a net reads; longer texts give longer conditioning
    def __init__(self, width, pooled=0, longer=0):
        self.width, self.pooled, self.longer = width, pooled, longer
    def tokenize(self, text):
        return text
    def encode_from_tokens_scheduled(self, text):
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
        own = torch.Generator().manual_seed(seed)
        length = 16 + self.longer * len(text)
        extra = {"pooled_output": torch.randn(1, self.pooled, generator=own)} if self.pooled else {}
        return [[torch.randn(1, length, self.width, generator=own), extra]]


def digest(model):
    # of every weight, and of its name
    total = hashlib.sha256()
    for name, tensor in model.model.state_dict().items():
        total.update(name.encode())
        total.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def attributes(model):
    net = model.model.diffusion_model
    return {name: sorted(vars(module)) for name, module in net.named_modules()}


def noisy(job):
    latent = job._examples[0].latent[None]
    noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(8))
    sigma = job._denoiser.sigmas[len(job._denoiser.sigmas) // 2][None]
    return latent + sigma * noise, sigma


def answer(job, model):
    # what a MODEL makes of a fixed input, as the samplers would run it
    again = host.HostedDenoiser(model)
    x, sigma = noisy(job)
    with again.held(lambda: None, lambda: None), torch.no_grad():
        return again.predict(x, sigma, [job._captions[WORDS]])


def watched(job, steps=2):
    # look at what the net answers when the job makes its last sample
    found, sampler = {}, job._sampler
    sampler._steps = steps
    real = type(sampler).__call__
    class Watching(type(sampler)):
        def __call__(self):
            real(self)
            x, sigma = noisy(job)
            with torch.no_grad():
                found["answer"] = job._denoiser.predict(x, sigma, [job._captions[WORDS]])
    sampler.__class__ = Watching
    return found


def apart(one, other):
    return (one - other).abs().max().item()


def trial(model, clip, vae, data=None, **changes):
    # train, and compare with what ComfyUI's own nodes make of the result
    started = time.process_time()
    mm.unload_all_models()  # a LoRA of the trial before may be in the weights
    before, state = digest(model), torch.get_rng_state()
    job = LoraJob(model, data or dataset(), "identity", "balanced", {**QUICK, **changes})
    job.encode(clip, vae, "")
    base, found, had = answer(job, model), watched(job), attributes(model)
    job.train("1", resume=False, start_from=None)
    lora, report = job.lora(), job.report()
    after = answer(job, model)
    facts = dict(
        report=report, same=digest(model) == before, attributes=attributes(model) == had,
        output=torch.equal(base, after), random=torch.equal(state, torch.get_rng_state()),
        moved=apart(base, found["answer"]), training=mm.in_training)
    stock = answer(job, LoraModelLoader.execute(model, lora, 1.0).result[0])
    facts["stock"] = apart(stock, found["answer"])
    facts["files"] = {}
    for naming in lora_file.NAMINGS:
        path = pathlib.Path(f"loras/{naming}.safetensors")
        lora_file.save_lora(path, lora, naming=naming, dtype="fp32", notes=lora.notes)
        (loaded,) = LoraLoaderModelOnly().load_lora_model_only(model, path.name, 1.0)
        facts["files"][naming] = apart(answer(job, loaded), found["answer"])
        path.unlink()
    facts["samples"] = list(host.pictures(vae, job.samples).shape)
    facts["plot"] = list(job.plot().shape)
    facts["warned"] = [line for line in heard.lines if "not loaded" in line]
    facts["cpu_s"] = round(time.process_time() - started, 1)
    return job, facts


class Heard(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []
    def emit(self, record):
        self.lines.append(record.getMessage())

heard = Heard()
logging.getLogger().addHandler(heard)
"""
