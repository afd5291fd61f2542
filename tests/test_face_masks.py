"""Masks, what is drawn on the node, and advice: everything made of a picture and a known face."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from faces import plain_face
from hypothesis import given, settings
from hypothesis import strategies as st

from myspinbot.errors import BadInputError
from myspinbot.face import (
    REGIONS,
    advice,
    chosen_face,
    draw_overlay,
    hair_safe_mask,
    landmarks,
    region_mask,
)
from myspinbot.face.masks import Region
from myspinbot.face.overlay import LONG_SIDE_PX

SIZES = st.integers(1, 241)
SKIN, HAIR = (205, 160, 135), (70, 45, 30)


def portrait(*, lit=0.0):
    """A head of skin and hair around `plain_face`, darker by `lit` towards the right; and it."""
    face = plain_face()
    image = np.full((400, 400, 3), (90, 110, 140), np.float32)
    cv2.ellipse(image, (200, 190), (100, 115), 0, 0, 360, HAIR, -1, cv2.LINE_AA)
    cv2.ellipse(image, (200, 200), (80, 100), 0, 0, 360, SKIN, -1, cv2.LINE_AA)
    colours: dict[Region, tuple[int, int, int]] = {"lips": (170, 75, 80), "eyes": (240, 240, 240)}
    for region, colour in colours.items():
        mask = region_mask(face, region, 400, 400)[..., None]
        image = image * (1 - mask) + np.array(colour, np.float32) * mask
    image *= np.linspace(1 + lit / 2, 1 - lit / 2, 400)[None, :, None]
    noise = np.random.default_rng(3).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), face


def test_masks_cover_their_region():
    face = plain_face(gap_px=12)
    masks = {name: region_mask(face, name, 400, 400) for name in REGIONS}
    assert all(m.dtype == np.float32 and m.shape == (400, 400) for m in masks.values())
    assert masks["face"].sum() == pytest.approx(math.pi * 80 * 100, rel=0.02)
    assert masks["lips"].sum() == pytest.approx(math.pi * 30 * 14, rel=0.08)
    assert masks["mouth"].sum() < masks["lips"].sum()
    assert masks["eyes"][180, 160] == masks["eyes"][180, 240] == 1
    assert masks["eyes"][180, 200] == 0


@settings(max_examples=30)
@given(st.floats(1, 40), st.floats(-300, 300), st.floats(-300, 300))
def test_feathered_masks_stay_masks_wherever_the_face_is(feather, x, y):
    face = plain_face().transformed(np.array([[1, 0, x], [0, 1, y]]))
    mask = region_mask(face, "face", 300, 300, feather_px=feather)
    assert 0 <= mask.min() <= mask.max() <= 1
    assert np.abs(np.diff(mask, axis=0)).max(initial=0) < 1.2 / feather + 0.15


def test_feather_is_centred_on_the_outline_and_grow_moves_it():
    face = plain_face()
    row = region_mask(face, "face", 400, 400, feather_px=16)[200]
    assert row[120] == pytest.approx(0.5, abs=0.1)  # the outline's left end
    assert (row[120 - 12], row[120 + 12]) == pytest.approx((0, 1), abs=0.03)
    grown = region_mask(face, "face", 400, 400, grow_px=10)
    assert grown.sum() == pytest.approx(math.pi * 90 * 110, rel=0.02)


@settings(max_examples=40)
@given(SIZES, SIZES, st.floats(2, 600), st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))
def test_any_face_in_any_picture_gives_masks_and_a_drawing(width, height, size, u, v):
    image = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    scale = size / 200
    shift = np.array([u * width, v * height]) - 200 * scale
    face = plain_face().transformed(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]))
    for mask in (
        *(region_mask(face, region, height, width, feather_px=3) for region in REGIONS),
        hair_safe_mask(image, face, feather_px=3),
    ):
        assert mask.shape == (height, width)
        assert mask.dtype == np.float32
        assert 0 <= mask.min() <= mask.max() <= 1
    drawn = draw_overlay(image, [face], lines=advice(image, [face]))
    assert drawn.dtype == np.uint8
    assert 1 <= drawn.shape[1] <= LONG_SIDE_PX


@pytest.mark.parametrize("lit", [0.0, 1.9])
def test_hair_over_the_forehead_leaves_the_mask_and_skin_stays(lit):
    image, face = portrait(lit=lit)
    before = hair_safe_mask(image, face)
    outline = region_mask(face, "face", 400, 400)
    assert (outline - before).sum() < 0.03 * outline.sum()
    light = np.linspace(1 + lit / 2, 1 - lit / 2, 400)[None, :, None]
    fringe = np.zeros((400, 400), np.uint8)
    cv2.fillPoly(fringe, [np.array([[215, 60], [330, 60], [290, 230], [272, 230], [225, 120]])], 1)
    strands = np.where(fringe[..., None] > 0, np.array(HAIR) * light, image).astype(np.uint8)
    after = hair_safe_mask(strands, face)
    covered = (fringe > 0) & (outline > 0.5)
    assert after[covered].mean() < 0.1
    free = cv2.dilate(fringe, np.ones((9, 9), np.uint8)) == 0
    assert np.abs(after - before)[free].mean() < 0.01


def test_eyes_lips_and_beard_are_never_hair():
    image, face = portrait()
    cv2.ellipse(image, (200, 260), (60, 38), 0, 0, 180, HAIR, -1, cv2.LINE_AA)  # a beard
    mask = hair_safe_mask(image, face)
    seen = region_mask(face, "eyes", 400, 400) + region_mask(face, "lips", 400, 400) > 0.5
    assert mask[seen].min() > 0.99
    assert mask[255:290, 170:230].min() > 0.99


def test_what_is_drawn_lies_on_the_face_and_leaves_the_rest_alone():
    image = np.full((900, 1200, 3), 40, np.uint8)
    face = plain_face().transformed(np.array([[2.0, 0, 100], [0, 2, 0]]))
    drawn = draw_overlay(image, [face])
    assert max(drawn.shape) == LONG_SIDE_PX
    changed = np.abs(drawn.astype(int) - 40).max(2) > 8
    rows, columns = np.nonzero(changed)
    height, width = rows.max() - rows.min(), columns.max() - columns.min()
    assert height / width == pytest.approx(200 / 160, rel=0.03)  # the box of the face
    captioned = draw_overlay(image, [face], lines=["Something to say about it."])
    assert np.array_equal(captioned[: len(drawn)], drawn)
    assert len(captioned) > len(drawn)


def test_only_the_chosen_face_has_its_lips_drawn():
    image = np.full((400, 800, 3), 40, np.uint8)
    pair = [plain_face(), plain_face().transformed(np.array([[1.0, 0, 400], [0, 1, 0]]))]
    for chosen in (0, 1):
        drawn = draw_overlay(image, pair, chosen=chosen).astype(int)
        middle = drawn.shape[1] // 2
        red = (drawn[..., 0] > 200) & (drawn[..., 1] < 130)
        counts = [int(part.sum()) for part in (red[:, :middle], red[:, middle:])]
        assert counts[1 - chosen] == 0
        assert counts[chosen] > 100


def test_long_advice_is_broken_and_not_cut():
    image = np.zeros((300, 90, 3), np.uint8)
    line = "One word after the other until there is no room left in so narrow a picture."
    one, three = (draw_overlay(image, [], lines=[line] * count) for count in (1, 3))
    assert len(one) > LONG_SIDE_PX + 2 * 22
    assert len(three) - len(one) >= 2 * (len(one) - LONG_SIDE_PX - 16)


def test_advice_about_what_the_points_tell():
    image, face = portrait()
    assert "covered" in " ".join(advice(image, [face], lip_doubt=2.0))
    assert "covered" not in " ".join(advice(image, [face], lip_doubt=1.2))
    teeth = plain_face(gap_px=10)
    assert "teeth" in " ".join(advice(image, [teeth]))
    assert "teeth" not in " ".join(advice(image, [teeth], lip_doubt=2.0))  # not both
    small = face.transformed(np.array([[0.3, 0, 0], [0, 0.3, 0]]))
    assert "covered" not in " ".join(advice(image, [small], lip_doubt=2.0))
    assert "only 60 pixels" in " ".join(advice(image, [small]))
    for lines in (advice(image, [face, small]), advice(image, [face])):
        assert "people" not in " ".join(lines)
    assert "2 people" in " ".join(advice(image, [face, face]))
    assert "overexposed" in " ".join(advice(np.full_like(image, 250), [face]))


def test_a_face_is_chosen_by_its_number():
    image, face = portrait()
    other = plain_face(9)
    assert chosen_face(image, [face, other], 1) is other
    with pytest.raises(BadInputError, match=r"Only 2 faces were .*no face 2.*from 0.*to 1"):
        chosen_face(image, [face, other], 2)
    with pytest.raises(BadInputError, match=r"Only 1 face was found in the 400 x 400"):
        chosen_face(image, [face], 5)
    with pytest.raises(BadInputError, match="No face was found in the 400 x 400 picture"):
        chosen_face(image, [], 0)


def test_regions_are_bounded_by_named_loops():
    face = plain_face(gap_px=12)
    loops: dict[Region, tuple[int, ...]] = {
        "lips": landmarks.OUTER_LIPS,
        "mouth": landmarks.INNER_LIPS,
    }
    for region, loop in loops.items():
        low, high = face.at(loop).min(0), face.at(loop).max(0)
        rows, columns = np.nonzero(region_mask(face, region, 400, 400) > 0.5)
        assert [columns.min(), rows.min()] == pytest.approx(low.tolist(), abs=1.5)
        assert [columns.max(), rows.max()] == pytest.approx(high.tolist(), abs=1.5)
