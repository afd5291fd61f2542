"""Judges a portrait: how soft it is, and what a user should change about it, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from math import degrees, radians

import cv2
import numpy as np

from .geometry import Face
from .masks import region_mask

MIN_FACE_PX = 200
MIN_IMAGE_PX = 256
MAX_YAW_RAD = radians(25)
MAX_PITCH_RAD = radians(22)
MAX_ROLL_RAD = radians(30)
OPEN_MOUTH_GAP = 0.05
"""Inter-ocular distances; lips that rest measure below 0.02, a smile with teeth 0.08 or more."""
RIVAL_SIZE = 0.4
"""A second face this large, relative to the first, is a second person and not the background."""
MAX_SOFTNESS = 0.035
"""Blur (standard deviation) in inter-ocular distances beyond which eyelashes are gone."""
COVERED_DOUBT = 1.47
"""Of `FaceFinder.lip_doubt`. Some 60 faces with a seen mouth reached 1.44, in dim red light 2.3."""
MIN_JUDGED_PX = 96
"""Lips of a smaller face are always in doubt."""
DARK, BRIGHT = 45, 225
"""Limits of the face's mean luma, 0..255."""

_PROBE_SIGMA_PX = 1.0
_EDGE_SHARE = 0.03
_SLOPE_VARIANCE = 0.69
"""Blur that the gradient operator itself adds: what a hard step measures."""


def softness_px(image: np.ndarray, face: Face) -> float:
    """How blurred the face in `image` (uint8 [H, W, 3] RGB) is: sigma of a Gaussian, pixels.

    Compares the strongest edges with themselves after a known blur, as Zhuo and Sim do ("Defocus
    map estimation from a single image", 2011). A sharp digital picture has less than 0.8.
    """
    x0, y0, x1, y1 = (round(value) for value in face.box)
    part = image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    if min(part.shape[:2]) < 16:
        return 0.0
    luma = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY).astype(np.float32)
    before = _slope(luma)
    after = _slope(cv2.GaussianBlur(luma, (0, 0), _PROBE_SIGMA_PX))
    edges = before >= max(np.quantile(before, 1 - _EDGE_SHARE), 1.0)
    if not edges.any():
        return 0.0
    ratio = float(np.median(before[edges] / np.maximum(after[edges], 1e-6)))
    # An edge of blur s has slope ~ 1/s, and 1/sqrt(s^2 + probe^2) after the probe.
    variance = _PROBE_SIGMA_PX**2 / max(ratio * ratio - 1, 1e-4)
    return float(np.sqrt(max(variance - _SLOPE_VARIANCE, 0.0)))


def advice(image: np.ndarray, faces: Sequence[Face], *, lip_doubt: float = 0.0) -> list[str]:
    """What is wrong with `image` (uint8 [H, W, 3] RGB) as a portrait to animate; empty if nothing.

    `faces` is what `FaceFinder.find` saw, the one to animate first; ask it for 2 or more.
    `lip_doubt` is what `FaceFinder.lip_doubt` says of that one.
    """
    height, width = image.shape[:2]
    if not faces:
        return [
            "No face was found. Use a picture in which one face is upright, seen from the front, "
            "and takes up at least a tenth of the picture."
        ]
    face = faces[0]
    lines = [
        *_about_size(face, width, height),
        *_about_pose(face),
        *_about_mouth(face, lip_doubt),
        *_about_light(image, face),
    ]
    rivals = sum(other.size_px >= RIVAL_SIZE * face.size_px for other in faces[1:])
    if rivals:
        lines.append(
            f"There are {rivals + 1} people in the picture and only one of them will speak. Crop "
            "the picture to that person."
        )
    return lines


def _about_size(face: Face, width: int, height: int) -> list[str]:
    lines = []
    if min(width, height) < MIN_IMAGE_PX:
        lines.append(
            f"The picture is only {width} x {height} pixels. Use one of at least 512 x 512."
        )
    elif face.size_px < MIN_FACE_PX:
        lines.append(
            f"The face is only {face.size_px:.0f} pixels high. Crop closer to it or use a larger "
            f"picture: {MIN_FACE_PX} pixels or more look clean."
        )
    x0, y0, x1, y1 = face.box
    outside = max(-x0, -y0, x1 - (width - 1), y1 - (height - 1))
    if outside > 0.03 * face.size_px:
        lines.append("The face is cut off at the border. Use a picture that shows all of the head.")
    return lines


def _about_pose(face: Face) -> list[str]:
    lines = []
    if abs(face.yaw_rad) > MAX_YAW_RAD:
        side = "right" if face.yaw_rad > 0 else "left"
        lines.append(
            f"The face is turned {abs(degrees(face.yaw_rad)):.0f} degrees to the {side} of the "
            "picture. One that looks at the camera moves more naturally."
        )
    if abs(face.pitch_rad) > MAX_PITCH_RAD:
        way = "down" if face.pitch_rad > 0 else "up"
        lines.append(f"The face looks {way}. One that looks at the camera moves more naturally.")
    if abs(face.roll_rad) > MAX_ROLL_RAD:
        lines.append(
            f"The head is tilted by {abs(degrees(face.roll_rad)):.0f} degrees. Turn the picture "
            "upright if you can."
        )
    return lines


def _about_mouth(face: Face, lip_doubt: float) -> list[str]:
    judged = abs(face.yaw_rad) <= MAX_YAW_RAD and face.size_px >= MIN_JUDGED_PX
    if judged and lip_doubt > COVERED_DOUBT:
        return [
            "The mouth seems to be covered, by a hand, a microphone or a mask. Use a picture that "
            "shows both lips."
        ]
    if face.mouth_gap > OPEN_MOUTH_GAP:
        return [
            "The mouth is open or shows teeth. A portrait with closed, relaxed lips gives the most "
            "natural speech."
        ]
    return []


def _about_light(image: np.ndarray, face: Face) -> list[str]:
    lines = []
    softness = softness_px(image, face)
    if face.size_px >= MIN_FACE_PX and softness > MAX_SOFTNESS * face.iod_px:
        lines.append("The face is blurred or was enlarged. Use a sharper picture.")
    inside = (region_mask(face, "face", *image.shape[:2]) > 0.5).astype(np.uint8)
    if inside.any():
        luma = cv2.mean(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY), inside)[0]
        if luma < DARK:
            lines.append("The face is very dark. Use a picture with more light on it.")
        elif luma > BRIGHT:
            lines.append("The face is overexposed. Use a picture with softer light.")
    return lines


def _slope(luma: np.ndarray) -> np.ndarray:
    """Gradient length, per pixel."""
    dx, dy = cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1)
    return cv2.magnitude(dx, dy)
