"""From a user's pictures to a dataset: files, crops, captions, masks, copies and warnings."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from faces import drawn_face, plain_face
from PIL import Image

from myspinbot.errors import BadInputError
from myspinbot.lora import framing, judging
from myspinbot.lora.assembling import DatasetSettings, assemble
from myspinbot.lora.captioning import caption_for, caption_lines, without_trigger
from myspinbot.lora.contact_sheet import CELL_PX, contact_sheet
from myspinbot.lora.sources import Source, folder_sources, given_sources
from myspinbot.lora.variants import draw_variant

SMALL = DatasetSettings(resolution_px=128, min_images=0, class_word="woman")


def scene(width=640, height=480, seed=0):
    """A picture with structure of every size."""
    rng = np.random.default_rng(seed)
    levels = [rng.random((side, side, 3)).astype(np.float32) for side in (4, 16, 64, 256)]
    grown = [cv2.resize(level, (width, height), interpolation=cv2.INTER_CUBIC) for level in levels]
    return (np.sum(grown, axis=0) * 64).clip(0, 255).astype(np.uint8)


def source(pixels, name="one.png", **facts):
    return Source(name, lambda: pixels, **facts)


def nobody(pixels):
    return []


def somebody(pixels):
    """The plain face: 200 px about (200, 200)."""
    return [plain_face()]


def test_a_folder_is_read_in_order_with_captions_and_the_right_way_up(tmp_path):
    wide = Image.new("RGB", (100, 70), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    wide.save(tmp_path / "10.JPG", exif=exif)
    Image.new("RGBA", (70, 70), (0, 0, 255, 0)).save(tmp_path / "2.png")
    (tmp_path / "2.txt").write_text("\ufeffa blue\n square ", "utf-8")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "notes.md").write_text("no picture")
    clear, upright = folder_sources(tmp_path)
    assert (clear.name, clear.caption) == ("2.png", "a blue square")
    assert (clear.load() == 255).all()
    assert (upright.name, upright.caption) == ("10.JPG", "")
    assert upright.load().shape == (100, 70, 3)


def test_folders_without_pictures_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="holds no picture"):
        folder_sources(tmp_path)
    with pytest.raises(BadInputError, match="no folder"):
        folder_sources(tmp_path / "absent")


def test_sixteen_bits_are_scaled_and_not_cut(tmp_path):
    ramp = np.linspace(0, 65535, 99 * 99).reshape(99, 99).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "scan.png")
    (scan,) = folder_sources(tmp_path)
    assert abs(scan.load()[..., 0] - ramp / 257.0).max() < 1


def test_a_caption_that_is_no_text_is_named_with_what_to_do(tmp_path):
    Image.fromarray(scene()).save(tmp_path / "one.png")
    (tmp_path / "one.txt").write_bytes("Café".encode("latin-1"))
    with pytest.raises(BadInputError, match=r"one\.txt cannot be read.*Save it as UTF-8"):
        folder_sources(tmp_path)


def test_what_cannot_be_used_is_skipped_by_name(tmp_path):
    Image.fromarray(scene()).save(tmp_path / "good.png")
    Image.fromarray(scene(8, 8)).save(tmp_path / "tiny.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("hello")
    made = assemble(folder_sources(tmp_path), replace(SMALL, crop="whole"), nobody)
    assert len(made.dataset.images) == 1
    cut, text, tiny = made.dataset.warnings[:3]
    assert "cut.png was skipped: it cannot be read" in cut
    assert "text.jpg was skipped: it cannot be read" in text
    assert "tiny.png was skipped: it has 8 x 8 pixels" in tiny
    (tmp_path / "good.png").unlink()
    with pytest.raises(BadInputError, match=r"None of the 3 pictures.*cut\.png.*tiny\.png"):
        assemble(folder_sources(tmp_path), SMALL, nobody)


@pytest.mark.parametrize("resolution", [64, 128, 512, 768, 1024])
@pytest.mark.parametrize("aspect", [0.2, 0.5, 0.75, 1, 4 / 3, 16 / 9, 5])
def test_buckets_keep_shape_and_area(resolution, aspect):
    height, width = framing.bucket_px(round(1000 / aspect), 1000, resolution)
    assert height % framing.grid_px(resolution) == width % framing.grid_px(resolution) == 0
    assert height * width <= resolution**2
    assert height * width >= 0.7 * resolution**2
    asked = min(max(aspect, 0.5), 2)
    assert width / height == pytest.approx(asked, rel=0.15 if resolution > 128 else 0.3)


def test_windows_stay_inside_and_hold_the_head():
    face = plain_face()
    for height, width in ((480, 640), (330, 300), (1200, 310)):
        close = framing.face_window(height, width, 128, face)
        whole = framing.whole_window(height, width, 128, face)
        for window in (close, whole):
            assert 0 <= window.x0 < window.x1 <= width
            assert 0 <= window.y0 < window.y1 <= height
            x0, y0, x1, y1 = face.transformed(window.matrix).box
            assert x0 >= 0
            assert y0 >= 0
            assert x1 <= window.width_px
            assert y1 <= window.height_px
        assert close.x1 - close.x0 == close.y1 - close.y0


def test_the_matrix_of_a_window_says_where_its_pixels_went():
    picture = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(picture, (201, 172), 6, (255, 255, 255), -1)
    window = framing.face_window(480, 640, 256, plain_face())
    cut = window.cut(picture)[..., 0]
    y, x = np.argwhere(cut > 127).mean(0)
    expected = window.matrix @ [201, 172, 1]
    assert (x, y) == pytest.approx(expected, abs=0.5)


def test_both_crops_captions_and_masks_of_one_picture():
    made = assemble([source(scene())], SMALL, somebody)
    close, whole = made.dataset.images
    assert close.size == (128, 128)
    assert whole.size == (96, 128)
    assert close.caption == "a close-up photo of ohwx woman"
    assert whole.caption == "a photo of ohwx woman"
    assert made.labels == ("one.png, face", "one.png, whole")
    assert close.mask is not None
    assert whole.mask is not None
    assert close.mask.mean() > 1.5 * whole.mask.mean() > 0.2
    assert close.mask[64, 64] == 1
    assert close.mask[0, 0] == 0


@pytest.mark.parametrize(("crop", "labels"), [("face", ["face"]), ("whole", ["whole"])])
def test_one_crop_alone(crop, labels):
    made = assemble([source(scene())], replace(SMALL, crop=crop), somebody)
    assert [label.split(", ")[1] for label in made.labels] == labels


def test_a_tight_square_portrait_is_not_taken_twice():
    made = assemble([source(scene(440, 440))], SMALL, somebody)
    assert made.labels == ("one.png, whole",)


def test_no_face():
    made = assemble([source(scene())], SMALL, nobody)
    assert made.labels == ("one.png, whole",)
    assert made.dataset.images[0].mask is None
    assert "No face was found in one.png" in made.dataset.warnings[0]
    with pytest.raises(BadInputError, match=r"No face was found in one\.png.*crop 'whole'"):
        assemble([source(scene())], replace(SMALL, crop="face"), nobody)


def test_a_panorama_of_which_little_is_learned_is_named():
    made = assemble([source(scene(2000, 200))], replace(SMALL, crop="whole"), nobody)
    assert "one.png is 2000 x 200, and 20% of it is learned" in made.dataset.warnings[0]
    two_to_one = assemble([source(scene(400, 200))], replace(SMALL, crop="whole"), nobody)
    assert not any("learned: cut" in warning for warning in two_to_one.dataset.warnings)


def test_several_people_are_said_and_a_given_face_is_believed():
    other = plain_face().transformed(np.array([[0.8, 0, 300], [0, 0.8, 0]]))
    crowd = [plain_face(), other]
    made = assemble([source(scene())], SMALL, lambda pixels: crowd)
    assert "several people" in made.dataset.warnings[0]
    chosen = assemble([source(scene(), face=other)], replace(SMALL, crop="face"), lambda p: crowd)
    assert not any("several" in warning for warning in chosen.dataset.warnings)
    first = assemble([source(scene())], replace(SMALL, crop="face"), lambda p: crowd)
    assert chosen.dataset.sha256 != first.dataset.sha256


def test_a_mask_of_the_user_replaces_the_head():
    left = np.zeros((24, 32), np.float32)
    left[:, :16] = 1
    (made,) = assemble(
        [source(scene(), mask=left)], replace(SMALL, crop="whole"), nobody
    ).dataset.images
    assert made.mask is not None
    assert made.mask[:, :60].min() == 1
    assert made.mask[:, 100:].max() == 0
    empty = assemble([source(scene(), mask=left * 0)], replace(SMALL, crop="whole"), nobody)
    assert empty.dataset.images[0].mask is None
    assert "mask of one.png is empty" in empty.dataset.warnings[0]


def test_faces_and_masks_fit_the_images():
    with pytest.raises(BadInputError, match="1 faces for 2 images"):
        given_sources([scene, scene], faces=[plain_face()])
    with pytest.raises(BadInputError, match="1 masks for 2 images"):
        given_sources([scene, scene], masks=[np.ones((4, 4), np.float32)])


def test_captions():
    assert caption_lines("one\n\nthree\n", 3) == ["one", "", "three"]
    assert caption_lines(" for all ", 2) == ["for all", "for all"]
    assert caption_lines("", 2) == ["", ""]
    assert caption_lines("\nsecond", 2) == ["", "second"]  # the first is made, not the same
    assert caption_lines("one\ntwo\n", 3) == ["one", "two", ""]
    assert caption_lines("all\n", 2) == ["all", "all"]
    assert caption_lines("a\u2028b\r\nc", 2) == ["a\u2028b", "c"]
    with pytest.raises(BadInputError, match="2 captions for 3 pictures"):
        caption_lines("one\ntwo", 3)
    assert caption_for("OHWX at sea", "ohwx", "man", close_up=True) == "OHWX at sea"
    assert caption_for("at sea", "ohwx", "man", close_up=False) == "ohwx man, at sea"
    assert caption_for("at sea", "", "", close_up=False) == "at sea"
    with pytest.raises(BadInputError, match="both empty"):
        caption_for("", " ", "", close_up=False)
    assert without_trigger("a photo of OHWX man, at sea", "ohwx", "man") == "a photo of man, at sea"
    assert without_trigger("ohwx at sea", "ohwx", "man") == "man at sea"
    assert without_trigger("at sea", "", "man") == "man"


def test_few_pictures_are_filled_up_with_different_copies_of_each():
    pictures = [source(scene(seed=seed), f"{seed}.png") for seed in range(2)]
    settings = replace(SMALL, min_images=9)
    made = assemble(pictures, settings, somebody)
    images = made.dataset.images
    assert len(images) == 9
    altered = [label for label in made.labels if label.endswith("altered")]
    assert altered == ["0.png, altered"] * 3 + ["1.png, altered"] * 2
    prints = {image.pixels.numpy().tobytes() for image in images}
    assert len(prints) == 9
    assert made.dataset.sha256 == assemble(pictures, settings, somebody).dataset.sha256
    other = assemble(pictures, replace(settings, seed=1), somebody)
    assert made.dataset.sha256 != other.dataset.sha256
    assert torch.equal(images[0].pixels, other.dataset.images[0].pixels)


def test_many_pictures_are_left_alone():
    pictures = [source(scene(seed=seed)) for seed in range(4)]
    made = assemble(pictures, replace(SMALL, min_images=3, crop="whole"), nobody)
    assert len(made.dataset.images) == 4


def test_a_mirrored_copy_has_its_mask_mirrored():
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:, :200] = 255  # the viewer's left of the face
    for seed in range(40):
        made = draw_variant(
            np.random.default_rng(seed), 480, 640, 128, plain_face(), may_mirror=True
        )
        copy = made.apply(picture)
        weight = made.place(made.window.cut(picture[..., 0]).astype(np.float32))
        assert np.corrcoef(copy[..., 0].ravel(), weight.ravel())[0, 1] > 0.99
        assert made.mirrored == (copy[:, 0].mean() < copy[:, -1].mean())
    assert not any(
        draw_variant(np.random.default_rng(seed), 480, 640, 128, None, may_mirror=False).mirrored
        for seed in range(40)
    )


def test_scaled_recoded_and_brighter_copies_are_the_same_and_others_not():
    pictures = [scene(seed=seed) for seed in range(6)]
    small = cv2.resize(pictures[0], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", pictures[1], [cv2.IMWRITE_JPEG_QUALITY, 60])
    recoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    light = (pictures[2] * 0.8 + 30).astype(np.uint8)
    prints = [judging.fingerprint(image) for image in (*pictures, small, recoded, light)]
    assert judging.near_duplicates(prints) == [(0, 6), (1, 7), (2, 8)]


def test_blurred_enlarged_and_doubled_pictures_are_named():
    sharp, soft = scene(), cv2.GaussianBlur(scene(seed=1), (0, 0), 8)
    again = cv2.resize(sharp, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    small = cv2.resize(scene(seed=2), (80, 80), interpolation=cv2.INTER_AREA)
    pictures = [
        source(pixels, name)
        for name, pixels in (("a", sharp), ("b", soft), ("c", again), ("d", small))
    ]
    settings = replace(SMALL, resolution_px=256, crop="whole")
    warnings = " ".join(assemble(pictures, settings, nobody).dataset.warnings)
    assert "b is blurred" in warnings
    assert "a and c show the same" in warnings
    assert "The picture of d is enlarged 3.2 times" in warnings
    assert warnings.count("blurred") == warnings.count("show the same") == 1


@pytest.mark.parametrize("resolution", [64, 128, 512])
def test_a_sharp_picture_is_sharp_in_any_size(resolution):
    settings = replace(SMALL, resolution_px=resolution, crop="whole")
    made = assemble([source(scene(seed=seed)) for seed in range(3)], settings, nobody)
    assert made.dataset.warnings == ()


def test_the_report_tells_it_all():
    made = assemble([source(drawn_face())], replace(SMALL, min_images=3), somebody)
    assert "3 training images from 1 picture: 3 of 128 x 128 pixels." in made.report
    assert "a photo of ohwx woman" in made.report
    assert "only one picture" in made.report


def test_a_sheet_shows_every_image_and_darkens_what_is_not_learned():
    white = np.full((480, 640, 3), 255, np.uint8)
    made = assemble([source(white)], replace(SMALL, min_images=5), somebody)
    sheet = contact_sheet(made.dataset, made.labels)
    assert sheet.shape[1] == 4 * CELL_PX + 50
    assert sheet.shape[0] > 2 * CELL_PX
    close = sheet[10 : 10 + CELL_PX, 10 : 10 + CELL_PX]
    assert close[CELL_PX // 2, CELL_PX // 2].min() == 255
    assert close[0, 0].max() < 100
    book = assemble([source(white, caption="ohwx " + "very " * 5000)], SMALL, nobody)
    assert contact_sheet(book.dataset, book.labels).shape[1] == CELL_PX + 20  # it took minutes
    many = assemble([source(white)] * 70, replace(SMALL, crop="whole", resolution_px=64), nobody)
    assert contact_sheet(many.dataset, many.labels).shape[0] > 10 * CELL_PX


def test_a_cancel_ends_the_work():
    def tick(done, total):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        assemble([source(scene())], SMALL, nobody, tick)
