"""Code that trains LoRAs of tiny models inside a ComfyUI process; it goes after PROLOGUE."""

POSE = r"""
import hashlib, logging, pathlib, time
import comfy.sd, comfy.utils, folder_paths
from pack.myspinbot.lora import lora_file
from pack.myspinbot.lora.dataset import LoraDataset, TrainingImage
from pack.nodes.lora_job import LoraJob

random = torch.Generator().manual_seed(5)
QUICK = dict(steps=12, learning_rate=4e-3, warmup_steps=1, averaging=0.0, patience=0,
             preview_every=0, save_every=4, validate_every=4, seed=3)


def pictures(count, side=64):
    # a light disc on a dark ground: something that can be learned
    axis = torch.linspace(-1, 1, side)
    made = []
    for number in range(count):
        x, y = axis[None] - 0.2 * number / count, axis[:, None]
        disc = ((x**2 + y**2) < 0.4).float()[..., None] * torch.tensor([0.9, 0.6, 0.3])
        made.append((disc + 0.05 * torch.rand(side, side, 3, generator=random)).clamp(0, 1))
    return made


def dataset(count=2, masks=False):
    images = [TrainingImage(p, f"ohwx disc {n}", (p.mean(-1) > 0.3).float() if masks else None)
              for n, p in enumerate(pictures(count))]
    return LoraDataset.of(images, trigger="ohwx", class_word="disc")


def digest(model):
    # of every weight, and of its name
    total = hashlib.sha256()
    for name, tensor in model.model.state_dict().items():
        total.update(name.encode())
        total.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


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
        return again.predict(x, sigma, [job._captions["ohwx disc 0"]])


class Heard(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []
    def emit(self, record):
        self.lines.append(record.getMessage())

heard = Heard()
logging.getLogger().addHandler(heard)
"""
