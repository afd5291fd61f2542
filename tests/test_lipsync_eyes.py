"""Blinks on a drawn face: the lid comes down, and what lies in front of it stays."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from cartoon import SKIN, cartoon, posed

from myspinbot.face import landmarks
from myspinbot.face.geometry import Face
from myspinbot.lipsync.head import POSES
from myspinbot.lipsync.puppet import Puppet


@pytest.fixture(scope="module")
def drawn():
    image, face = cartoon()
    return image, face, Puppet(image, face)


def blinking(image, face, **changes) -> np.ndarray:
    puppet = Puppet(image, face)
    return puppet.draw(posed(puppet, "silence", blink=1.0, **changes)).astype(int)


def test_a_blink_covers_the_eyes(drawn):
    _, face, puppet = drawn
    x, y = face.left_eye.astype(int)
    opened = puppet.draw(posed(puppet, "silence"))[y - 8 : y + 6, x - 12 : x + 12].astype(int)
    frame = puppet.draw(posed(puppet, "silence", blink=1.0))
    closed = frame[y - 8 : y + 6, x - 12 : x + 12].astype(int)
    white = [(patch.min(-1) > 200).sum() for patch in (opened, closed)]
    assert white[0] > 60
    assert white[1] == 0
    assert np.abs(np.median(closed, (0, 1)) - SKIN).max() < 25


def test_lashes_turn_down_with_the_lid():
    image, face = cartoon()
    x, y = (face.left_eye - 0.5).astype(int)
    edge = face.at(landmarks.LEFT_UPPER_LID) - 0.5
    for (left, top), (right, low) in pairwise(edge):
        for t in (0, 0.5):
            root = left + t * (right - left), top + t * (low - top)
            tip = root[0] + 0.15 * (root[0] - x), root[1] - 5
            ends = (np.rint(np.array((root, tip)) * 16)).astype(np.int32)
            cv2.line(image, ends[0], ends[1], (30, 20, 20), 1, cv2.LINE_AA, 4)
    cv2.polylines(image, [np.rint(edge).astype(np.int32)], False, (30, 20, 20), 2, cv2.LINE_AA)
    image = cv2.GaussianBlur(image, (0, 0), 0.7)
    lid, below = slice(y - 16, y - 1), slice(y + 3, y + 12)
    across = slice(x - 12, x + 13)
    assert image[lid, across].min(-1).min() < 80
    closed = blinking(image, face)
    assert closed[lid, across].mean(-1).min() > 110  # none stays where it was
    assert (closed[below, across].mean(-1).min(0) < 140).all()  # a line from side to side
    puppet = Puppet(image, face)
    opened, *way = (
        puppet.draw(posed(puppet, "silence", blink=b)).astype(int)
        for b in (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
    )
    assert way[0][lid, across].mean(-1).min() < 90  # they do not vanish at once
    eye = slice(y - 16, y + 17), slice(x - 16, x + 17)
    steps = [np.abs(b[eye] - a[eye]).mean() for a, b in pairwise([opened, *way])]
    assert max(steps) < 3 * np.mean(steps)
    assert (closed[y + 9 : y + 14, across] < opened[y + 9 : y + 14, across] - 15).any()  # tips


def test_lids_without_lashes_meet_in_a_faint_line(drawn):
    _, face, puppet = drawn
    x, y = (face.left_eye - 0.5).astype(int)
    closed = puppet.draw(posed(puppet, "silence", blink=1.0)).astype(int)
    light = closed[y - 4 : y + 12, x - 10 : x + 11].mean(-1) / np.mean(SKIN)
    assert (light.min(0) < 0.95).all()
    assert light.min() > 0.35
    assert np.median(light) > 0.93


def test_glasses_close_to_an_eye_stop_both_from_blinking():
    image, face = cartoon()
    x, y = (face.left_eye - 0.5).tolist()
    points = [(x + 28 * np.cos(t), y - 3 + 16 * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 60)]
    rim = np.rint(points).astype(np.int32)
    cv2.polylines(image, [rim], True, (15, 15, 15), 5, cv2.LINE_AA)
    for way in (-1, 1):  # bridge and temple
        ends = (int(x) + 25 * way, int(y) - 3), (int(x) + 60 * way, int(y) - 3)
        cv2.line(image, *ends, (15, 15, 15), 5)
    puppet = Puppet(image, face)
    closed = puppet.draw(posed(puppet, "silence", blink=1.0)).astype(int)
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.polylines(inside, [rim[35:55]], False, 255, 3)  # the upper part
    assert (inside > 0).sum() > 80
    assert np.abs(closed - image)[inside > 0].max() < 12
    x, y = (face.right_eye - 0.5).astype(int)
    assert np.abs(closed - image)[y - 6 : y + 2, x - 8 : x + 8].max() < 12


@pytest.mark.parametrize("tint", [(25, 25, 30), (230, 140, 40)], ids=["dark", "mirrored"])
def test_eyes_behind_opaque_glasses_neither_blink_nor_wander(tint):
    image, face = cartoon()
    for eye in (face.left_eye, face.right_eye):
        cv2.circle(image, np.rint(eye).astype(int).tolist(), 30, tint, -1, cv2.LINE_AA)
    closed = blinking(image, face, gaze=(0.4, 0.0))
    assert np.abs(closed - image)[:180].max() <= 3  # above the nose


def test_a_low_brow_stays_above_a_closed_lid():
    image, face = cartoon()
    points, hair = face.points.copy(), np.zeros(image.shape[:2], np.uint8)
    for lower, upper in (
        (landmarks.LEFT_BROW_LOWER, landmarks.LEFT_BROW_UPPER),
        (landmarks.RIGHT_BROW_LOWER, landmarks.RIGHT_BROW_UPPER),
    ):
        points[[*lower, *upper], 1] += 11
        line = np.rint(points[list(lower), :2] - (0.5, 2.5)).astype(np.int32)
        cv2.polylines(hair, [line], False, 255, 7)
    image[hair > 0] = (50, 30, 20)
    image = cv2.GaussianBlur(image, (0, 0), 0.7)
    face = Face.from_points(points, 1.0)
    x, y = (face.left_eye - 0.5).astype(int)
    closed = blinking(image, face)
    assert np.percentile(np.abs(closed - image)[hair > 0], 99) < 12
    lid = closed[y - 6 : y + 6, x - 8 : x + 8]
    assert np.abs(np.median(lid, (0, 1)) - SKIN).max() < 25
    assert lid.min() > 100  # no hair came down with it


def test_glare_on_glasses_stays_while_the_lid_moves_behind_it():
    image, face = cartoon()
    x, y = (face.left_eye - 0.5).astype(int)
    cv2.circle(image, (x + 3, y - 15), 2, (255, 252, 248), -1, cv2.LINE_AA)
    closed = blinking(image, face)
    assert np.abs(closed - image)[y - 16 : y - 13, x + 2 : x + 5].max() < 12
    assert closed[y - 11 : y + 4, x - 8 : x + 12].min(-1).max() < 190  # none on the lid


def test_the_front_of_a_lid_turns_with_the_head():
    image, face = cartoon()
    head = np.zeros(len(POSES), np.float32)
    head[POSES.index("sway_x")] = 0.06
    moved = blinking(image, face, head=head)
    still = blinking(image, face)
    x, y = (face.left_eye - 0.5).astype(int)
    brow = slice(y - 40, y - 20), slice(x - 10, x + 10)
    assert np.abs(moved - still)[brow].max() < 40  # 2 px aside: no second brow is left behind
