"""Things drawn over the mouth of a portrait: what a finder should notice."""

from __future__ import annotations

import cv2
import numpy as np

from myspinbot.face import Face, landmarks

COVERS = ("card", "microphone", "stripes", "skin", "medical mask")


def covered(image: np.ndarray, face: Face, kind: str) -> np.ndarray:
    """`image` with something before the lips, or before all below the eyes."""
    mask = np.zeros(image.shape[:2], np.uint8)
    if kind == "medical mask":
        jaw = face.at((*landmarks.FACE_OVAL[8:29], landmarks.NOSE_RIDGE[1]))
        cv2.fillPoly(mask, [cv2.convexHull(np.round(jaw).astype(np.int32))], 1)
    else:
        x, y = face.at(landmarks.OUTER_LIPS).mean(0).tolist()
        radii = round(0.55 * face.iod_px), round(0.38 * face.iod_px)
        cv2.ellipse(mask, (round(x), round(y)), radii, 0, 0, 360, 1, -1)
    columns, rows = np.round(face.at((50, 280))).astype(int).T  # on the cheeks
    skin = image[np.clip(rows, 0, len(image) - 1), np.clip(columns, 0, image.shape[1] - 1)].mean(0)
    stripes = np.arange(len(image))[:, None, None] // max(round(face.iod_px / 12), 1) % 2
    fill = {
        "card": np.full_like(image, 128),
        "microphone": np.full_like(image, 25),
        "stripes": np.where(stripes, 200, 60) + np.zeros_like(image),
        "skin": np.zeros_like(image) + skin.astype(np.uint8),
        "medical mask": np.full_like(image, (150, 190, 215)),
    }
    return np.where(mask[..., None] > 0, fill[kind], image).astype(np.uint8)
