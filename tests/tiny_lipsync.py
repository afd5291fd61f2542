"""Lip-sync nets with few, random weights, in files named and laid out as the published ones are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from myspinbot.lipsync.engines.wav2lip import Wav2LipNet

WHISPER_WIDTH, WHISPER_LAYERS = 64, 2
UNET_WIDTHS = (32, 32, 64, 64)
CODEC_WIDTHS = (32, 64, 128, 128)


def wav2lip(width: int = 2, seed: int = 0) -> dict[str, Tensor]:
    """A generator as its authors saved it, under "state_dict" and after DataParallel."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        net = Wav2LipNet(width)
        for module in net.modules():  # as lively as trained ones: other sounds, other pictures
            if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                torch.nn.init.kaiming_normal_(module.weight)
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean = torch.randn(module.num_features) / 10
                module.running_var = torch.rand(module.num_features) + 0.5
    return {f"module.{name}": tensor for name, tensor in net.state_dict().items()}


def write_wav2lip(path: Path, **options) -> Path:
    """The whole file of training, in the format of PyTorch 1.1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "state_dict": wav2lip(**options),
        "optimizer": {"state": {0: {"step": 1}}, "param_groups": [{"lr": 1e-4, "params": [0]}]},
        "global_step": 10,
        "global_epoch": 1,
    }
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


def write_musetalk(folder: Path) -> Path:
    """musetalkV15/unet.pth, sd-vae/ and whisper/ in `folder`; returns the first."""
    for name in ("musetalkV15", "sd-vae", "whisper"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    torch.save(dict(unet()), folder / "musetalkV15" / "unet.pth")
    save_file(codec(), folder / "sd-vae" / "diffusion_pytorch_model.safetensors")
    save_file(whisper(), folder / "whisper" / "model.safetensors")
    return folder / "musetalkV15" / "unet.pth"


class Tensors(dict[str, Tensor]):
    """Random tensors by name; a layer's outputs are about as large as its inputs."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = torch.Generator().manual_seed(seed)

    def layer(self, name: str, *shape: int, bias: bool = True) -> None:
        noise = torch.randn(shape, generator=self._random)
        self[f"{name}.weight"] = noise / noise[0].numel() ** 0.5
        if bias:
            self[f"{name}.bias"] = torch.zeros(shape[0])

    def norm(self, name: str, width: int) -> None:
        self[f"{name}.weight"], self[f"{name}.bias"] = torch.ones(width), torch.zeros(width)

    def resnet(self, name: str, into: int, out: int, time: int = 0) -> None:
        self.norm(f"{name}.norm1", into)
        self.layer(f"{name}.conv1", out, into, 3, 3)
        if time:
            self.layer(f"{name}.time_emb_proj", out, time)
        self.norm(f"{name}.norm2", out)
        self.layer(f"{name}.conv2", out, out, 3, 3)
        if into != out:
            self.layer(f"{name}.conv_shortcut", out, into, 1, 1)

    def transformer(self, name: str, width: int, context: int) -> None:
        self.norm(f"{name}.norm", width)
        self.layer(f"{name}.proj_in", width, width, 1, 1)
        self.layer(f"{name}.proj_out", width, width, 1, 1)
        block = f"{name}.transformer_blocks.0"
        for number, heard in ((1, width), (2, context)):
            for what, source in (("q", width), ("k", heard), ("v", heard)):
                self.layer(f"{block}.attn{number}.to_{what}", width, source, bias=False)
            self.layer(f"{block}.attn{number}.to_out.0", width, width)
        for number in (1, 2, 3):
            self.norm(f"{block}.norm{number}", width)
        self.layer(f"{block}.ff.net.0.proj", 8 * width, width)
        self.layer(f"{block}.ff.net.2", width, 4 * width)


def unet(channels: int = 8, context: int = WHISPER_WIDTH) -> Tensors:
    """What diffusers' UNet2DConditionModel of musetalk.json saves, but narrower."""
    made, widths = Tensors(1), UNET_WIDTHS
    time, last = 4 * widths[0], len(widths) - 1
    made.layer("conv_in", widths[0], channels, 3, 3)
    made.layer("time_embedding.linear_1", time, widths[0])
    made.layer("time_embedding.linear_2", time, time)
    skips, into = [widths[0]], widths[0]
    for level, width in enumerate(widths):
        for number in (0, 1):
            made.resnet(f"down_blocks.{level}.resnets.{number}", into, width, time)
            if level < last:
                made.transformer(f"down_blocks.{level}.attentions.{number}", width, context)
            into = width
            skips.append(into)
        if level < last:
            made.layer(f"down_blocks.{level}.downsamplers.0.conv", width, width, 3, 3)
            skips.append(into)
    for number in (0, 1):
        made.resnet(f"mid_block.resnets.{number}", into, into, time)
    made.transformer("mid_block.attentions.0", into, context)
    for level, width in enumerate(reversed(widths)):
        for number in (0, 1, 2):
            skip = skips.pop()
            made.resnet(f"up_blocks.{level}.resnets.{number}", into + skip, width, time)
            if level:
                made.transformer(f"up_blocks.{level}.attentions.{number}", width, context)
            into = width
        if level < last:
            made.layer(f"up_blocks.{level}.upsamplers.0.conv", width, width, 3, 3)
    made.norm("conv_norm_out", widths[0])
    made.layer("conv_out", 4, widths[0], 3, 3)
    return made


def codec() -> Tensors:
    """What diffusers' AutoencoderKL of sd-vae-ft-mse saves, but narrower."""
    made, widths = Tensors(2), CODEC_WIDTHS
    middle, last = widths[-1], len(widths) - 1
    made.layer("encoder.conv_in", widths[0], 3, 3, 3)
    into = widths[0]
    for level, width in enumerate(widths):
        for number in (0, 1):
            made.resnet(f"encoder.down_blocks.{level}.resnets.{number}", into, width)
            into = width
        if level < last:
            made.layer(f"encoder.down_blocks.{level}.downsamplers.0.conv", width, width, 3, 3)
    for half in ("encoder", "decoder"):
        for number in (0, 1):
            made.resnet(f"{half}.mid_block.resnets.{number}", middle, middle)
        attention = f"{half}.mid_block.attentions.0"
        made.norm(f"{attention}.group_norm", middle)
        for name in ("query", "key", "value", "proj_attn"):
            made.layer(f"{attention}.{name}", middle, middle)
    made.norm("encoder.conv_norm_out", middle)
    made.layer("encoder.conv_out", 8, middle, 3, 3)
    made.layer("quant_conv", 8, 8, 1, 1)
    made.layer("post_quant_conv", 4, 4, 1, 1)
    made.layer("decoder.conv_in", middle, 4, 3, 3)
    for level, width in enumerate(reversed(widths)):
        for number in (0, 1, 2):
            made.resnet(f"decoder.up_blocks.{level}.resnets.{number}", into, width)
            into = width
        if level < last:
            made.layer(f"decoder.up_blocks.{level}.upsamplers.0.conv", width, width, 3, 3)
    made.norm("decoder.conv_norm_out", widths[0])
    made.layer("decoder.conv_out", 3, widths[0], 3, 3)
    return made


def whisper() -> dict[str, Tensor]:
    """What transformers' WhisperForConditionalGeneration saves of a tiny Whisper."""
    net = whisper_model()
    return {f"model.{name}": tensor.contiguous() for name, tensor in net.state_dict().items()}


def whisper_model():
    """transformers' own model with the weights of `whisper`."""
    from transformers import WhisperConfig, WhisperModel

    config = WhisperConfig(
        d_model=WHISPER_WIDTH,
        encoder_layers=WHISPER_LAYERS,
        decoder_layers=1,
        encoder_attention_heads=1,
        decoder_attention_heads=1,
        encoder_ffn_dim=4 * WHISPER_WIDTH,
        decoder_ffn_dim=4 * WHISPER_WIDTH,
        vocab_size=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    with torch.random.fork_rng([]):
        torch.manual_seed(3)
        return WhisperModel(config).eval()


def openai_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder of `whisper()` as OpenAI's tiny.pt names it."""
    renames = (
        ("model.encoder.", "encoder."),
        (".layers.", ".blocks."),
        (".self_attn_layer_norm.", ".attn_ln."),
        (".final_layer_norm.", ".mlp_ln."),
        (".self_attn.q_proj.", ".attn.query."),
        (".self_attn.k_proj.", ".attn.key."),
        (".self_attn.v_proj.", ".attn.value."),
        (".self_attn.out_proj.", ".attn.out."),
        (".fc1.", ".mlp.0."),
        (".fc2.", ".mlp.2."),
        ("encoder.layer_norm.", "encoder.ln_post."),
        ("encoder.embed_positions.weight", "encoder.positional_embedding"),
    )
    named = {}
    for name, tensor in tensors.items():
        if ".encoder." in name:
            for ours, theirs in renames:
                name = name.replace(ours, theirs)
            named[name] = tensor
    return named
