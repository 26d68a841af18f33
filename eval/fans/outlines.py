"""Outlines of the imaged fan of real clips, drawn by eye, as the truth for the sector finder.

Outlines are points (x, y) in pixels. They were read from enlarged frames with a pixel grid; the frames were the maximum
over time, which shows dark edges too.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

Outline = Sequence[tuple[float, float]]

CINE = [(158, 23), (160, 20), (180, 20), (185, 24), (199, 41), (216, 60), (231, 77), (245, 93), (262, 109)]
CINE += [(280, 128), (290, 139), (296, 148), (294, 152), (287, 160), (270, 173), (250, 184), (230, 192)]
CINE += [
    (200, 198),
    (165, 201),
    (140, 200),
    (120, 196),
    (100, 189),
    (75, 177),
    (55, 164),
    (45, 155),
    (40, 149),
]
CINE += [(50, 130), (62, 120), (72, 111), (102, 80), (119, 62), (140, 40)]
GOOD = [(159.5, 11.5), (264.5, 173), (255, 178.5), (240, 187), (220, 196), (200, 201.5), (180, 204)]
GOOD += [(160, 204.5), (140, 203.5), (120, 200.5), (100, 195.5), (80, 187.5), (65, 180), (54, 173)]
POOR = [(230, 24), (369, 222), (340, 240), (310, 253), (280, 261), (250, 266), (228, 267), (205, 266)]
POOR += [(180, 261.5), (150, 252.5), (120, 240.5), (90, 222)]
PLOT = [
    (210, 55),
    (231, 55),
    (251, 90),
    (281, 140),
    (312, 193),
    (300, 203),
    (285, 213),
    (280, 220),
    (260, 228),
]
PLOT += [(250, 232), (240, 234.5), (220, 236.5), (200, 235), (180, 229.5), (170, 224), (160, 217), (150, 211)]
PLOT += [(140, 202), (130, 193), (154.5, 150), (190, 90)]

# Name of the clip -> its file in the folder of real clips, and its outline.
OUTLINES: dict[str, tuple[str, Outline]] = {
    "good_a4c": ("clips/good_a4c.gif", GOOD),
    "poor_stress": ("clips/poor_stress.gif", POOR),
    "plot_of_a_clip": ("clips/plot_of_a_clip.mp4", PLOT),
}


def polygon(points: Outline, shape: tuple[int, int]) -> np.ndarray:
    """The pixels inside an outline: bool (H, W)."""
    mask = np.zeros(shape, np.uint8)
    return cv2.fillPoly(mask, [np.round(np.array(points) * 16).astype(np.int32)], 1, shift=4) > 0
