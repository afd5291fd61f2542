"""Which of the 478 points is what. Left and right are the viewer's, on an upright face.

The numbering is that of MediaPipe's face mesh (468 surface points and two irises of 5).
Loops run clockwise as seen by the viewer; chains run from left to right.
"""

from __future__ import annotations

from typing import Final

POINT_COUNT: Final = 478

OUTER_LIPS: Final = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)  # fmt: skip
"""Loop of the vermilion border; starts at the left corner."""

INNER_LIPS: Final = (
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)  # fmt: skip
"""Loop of the mouth opening; starts at the left inner corner."""

UPPER_LIP_OUTER: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
LOWER_LIP_OUTER: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
UPPER_LIP_INNER: Final = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_LIP_INNER: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
"""The four lip edges as chains of 11; equal positions lie above one another, ends are corners."""

MOUTH_CORNERS: Final = (61, 291)
MOUTH_GAP_PAIRS: Final = ((81, 178), (82, 87), (13, 14), (312, 317), (311, 402))
"""The 5 central (upper, lower) inner-lip pairs that the mouth gap averages."""

LEFT_EYE: Final = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
RIGHT_EYE: Final = (
    362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382,
)  # fmt: skip
"""Loops of the lid edges; each starts at the eye's left corner."""

LEFT_EYE_CORNERS: Final = (33, 133)
RIGHT_EYE_CORNERS: Final = (362, 263)
"""(left, right) corner."""

LEFT_UPPER_LID: Final = (33, 246, 161, 160, 159, 158, 157, 173, 133)
LEFT_LOWER_LID: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133)
RIGHT_UPPER_LID: Final = (362, 398, 384, 385, 386, 387, 388, 466, 263)
RIGHT_LOWER_LID: Final = (362, 382, 381, 380, 374, 373, 390, 249, 263)
"""Lid edges as chains of 9; equal positions lie above one another, ends are corners."""

LEFT_IRIS: Final = (468, 469, 470, 471, 472)
RIGHT_IRIS: Final = (473, 474, 475, 476, 477)
"""Centre, then 4 points on the rim."""

LEFT_BROW_UPPER: Final = (70, 63, 105, 66, 107)
LEFT_BROW_LOWER: Final = (46, 53, 52, 65, 55)
RIGHT_BROW_UPPER: Final = (336, 296, 334, 293, 300)
RIGHT_BROW_LOWER: Final = (285, 295, 282, 283, 276)

NOSE_RIDGE: Final = (168, 6, 197, 195, 5, 4, 1, 2)
"""Chain from between the eyes down to the base."""
NOSE_TIP: Final = 4
NOSE_BASE: Final = 2
"""Where the nose meets the upper lip."""

FACE_OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""Loop of the outline; starts at the top of the forehead."""

FOREHEAD_TOP: Final = 10
CHIN: Final = 152
CHEEKS: Final = (234, 454)
"""Widest points of the outline, beside the ears."""
