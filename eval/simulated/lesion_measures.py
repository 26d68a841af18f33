"""Contrast of a lesion against its surroundings, and a detector of compact spots that were not there before.

Pure functions of numpy arrays. Contrast is a difference of mean grey levels. The frames are log-compressed, so it is
proportional to decibels.
"""

from __future__ import annotations

import cv2
import numpy as np

from echogan.phantom.tissues import FLUID, WALLS, Tissue

GAP_CM, RING_CM = 0.1, 0.8
"""Distances from the lesion at which its ring begins and ends."""
LEAST_PIXELS = 20  # pixels of lesion and of ring that a frame needs, else its contrast is not measured
SIGNS = {"thrombus": 1, "vegetation": 1, "mass": 1, "effusion": -1, "septal-defect": -1}
"""1 for lesions that are brighter than their surroundings, -1 for darker ones."""
DETECTOR_MM = 1.2  # side of a pixel of the coarse grid on which the detector works
EDGE_CM = 0.15  # margin of the tissue that is left out: the beam's width mixes two tissues there
RADII_CM = (0.25, 0.4, 0.65, 1.0)  # radii of the spots: the sizes of lesions
RING_WIDTH = 0.8  # width of the ring around a spot, in radii of the spot
COVERED, QUARTER_COVERED, LEAST_QUARTERS = 0.6, 0.3, 2
"""Least share of a disc and of a quarter of its ring that lies in the tissue; least number of such quarters."""
TISSUES = {1: FLUID, -1: WALLS}
"""The tissues in which bright spots are searched (fluid), and dark spots (walls)."""


def surroundings(lesion: np.ndarray, labels: np.ndarray, sign: int, mm: float) -> np.ndarray:
    """The ring around a lesion that it is compared with: bool (T, h, w).

    Its pixels lie GAP_CM to RING_CM away from the lesion. They are fluid for a bright lesion and solid for a dark one.
    `mm` is the side of a pixel.
    """
    away = np.stack([cv2.distanceTransform((~one).astype(np.uint8), cv2.DIST_L2, 5) for one in lesion])
    near = (away > 10 * GAP_CM / mm) & (away <= 10 * RING_CM / mm)
    fluid = np.isin(labels, FLUID)
    solid = ~np.isin(labels, (*FLUID, Tissue.OUTSIDE, Tissue.LESION))
    return near & (fluid if sign > 0 else solid)


def contrast(frames: np.ndarray, lesion: np.ndarray, ring: np.ndarray) -> float:
    """Mean grey level of a lesion less that of its ring, mean over the frames (T, h, w) that show both; else NaN."""
    found = [
        float(frame[inside].mean(dtype=float) - frame[around].mean(dtype=float))
        for frame, inside, around in zip(frames, lesion, ring, strict=True)
        if min(inside.sum(), around.sum()) >= LEAST_PIXELS
    ]
    return float(np.mean(found)) if found else float("nan")


def new_spot(level: np.ndarray, known: np.ndarray, threshold: float) -> bool:
    """Whether a spot of the output reaches the threshold at a place where the known spots stay below half of it."""
    return bool(((level >= threshold) & (known < threshold / 2)).any())


class SpotDetector:
    """Finds compact spots in the tissue of one frame, by how far each place stands out from its surroundings.

    where  bool (h, w): the tissue in which spots are searched; EDGE_CM at its edge are left out
    mm     side of a pixel in millimetres
    sign   1 for bright spots, -1 for dark ones
    """

    def __init__(self, where: np.ndarray, mm: float, sign: int) -> None:
        self.sign, self.size = sign, tuple(max(1, round(side * mm / DETECTOR_MM)) for side in where.shape)
        away = cv2.distanceTransform(where.astype(np.uint8), cv2.DIST_L2, 5)
        self.where = away > 10 * EDGE_CM / mm
        self.share = self._coarse(self.where.astype(np.float32))
        self.kernels = [_kernels(10 * radius / DETECTOR_MM) for radius in RADII_CM]
        self.covers = [[_sum(self.share, kernel) for kernel in kernels] for kernels in self.kernels]

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The contrast in grey levels of the spot at each place of the coarse grid, at the best of RADII_CM.

        The contrast of a spot is that of its disc against the most similar quarter of its ring, among the quarters
        that lie in the tissue. So a ramp or an edge is no spot. 0 where nothing can be measured.
        """
        level = self._coarse(frame.astype(np.float32) * self.where)
        best = np.zeros(self.size, np.float32)
        for kernels, covers in zip(self.kernels, self.covers, strict=True):
            disc, *quarters = (
                _sum(level, kernel) / np.maximum(cover, 1e-3)
                for kernel, cover in zip(kernels, covers, strict=True)
            )
            seen = [cover >= QUARTER_COVERED for cover in covers[1:]]
            differences = [
                np.where(there, self.sign * (disc - quarter), np.inf)
                for there, quarter in zip(seen, quarters, strict=True)
            ]
            usable = (covers[0] >= COVERED) & (np.sum(seen, 0) >= LEAST_QUARTERS)
            best = np.maximum(best, np.where(usable, np.min(differences, 0), 0))
        return best

    def strongest(self, frame: np.ndarray, lesion: np.ndarray) -> float:
        """The contrast of the strongest spot whose centre lies on a lesion, bool (h, w)."""
        inside = self._coarse(lesion.astype(np.float32)) >= 0.5
        return float(self(frame)[inside].max(initial=0))

    def known(self, *frames: np.ndarray) -> np.ndarray:
        """The strongest spots of these frames, each dilated by the radius of the smallest spot."""
        reach = round(10 * RADII_CM[0] / DETECTOR_MM)
        around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
        return cv2.dilate(np.maximum.reduce([self(frame) for frame in frames]), around)

    def _coarse(self, image: np.ndarray) -> np.ndarray:
        return cv2.resize(image, self.size[::-1], interpolation=cv2.INTER_AREA)


def _kernels(radius: float) -> list[np.ndarray]:
    """A disc, and the four quarters (up, down, left, right) of the ring around it, each with sum 1."""
    outer = radius * (1 + RING_WIDTH) + 1
    reach = int(np.ceil(outer))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    away = np.hypot(x, y)
    ring = (away > radius + 1) & (away <= outer + 0.5)
    quarters = [(y < -abs(x) + 0.5), (y > abs(x) - 0.5), (x < -abs(y) + 0.5), (x > abs(y) - 0.5)]
    shapes = [away <= radius, *(ring & quarter for quarter in quarters)]
    return [shape.astype(np.float32) / shape.sum() for shape in shapes]


def _sum(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_CONSTANT)
