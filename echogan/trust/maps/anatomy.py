"""Whether the left ventricle is still the same after enhancement: Dice, area and ejection fraction of its masks."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

LEAST_LV = 0.01  # of the tissue: what is smaller is no left ventricle
LEAST_SHARE = 0.8  # of the frames must show one, in the input and in the result
LEAST_FRAMES = 8  # that an ejection fraction needs
LEAST_ELONGATION = 1.3  # length over width: a cross-section (PSAX) is rounder
MOST_TILT = 45.0  # degrees of the long axis from the vertical: PLAX lies across
NEEDS = "an ejection fraction needs an apical view."


@dataclass(frozen=True)
class AnatomyShift:
    """What became of the left ventricle. A number is None where it cannot be given; `why` says so.

    dice                   overlap of its masks before and after, over all frames, in [0, 1]
    area_change            mean of (after - before) / before, as a share
    ef_before, ef_after    ejection fraction of one plane, in [0, 1]
    why_no_area, why_no_ef   a sentence each where the numbers are missing, else ""
    frames                 how many frames were looked at
    """

    dice: float | None
    area_change: float | None
    ef_before: float | None
    ef_after: float | None
    why_no_area: str
    why_no_ef: str
    frames: int

    @property
    def ef_change(self) -> float | None:
        """ef_after - ef_before."""
        if self.ef_before is None or self.ef_after is None:
            return None
        return self.ef_after - self.ef_before


@dataclass
class AnatomySums:
    """Takes masks as they come; of each frame a few numbers are kept.

    tissue   bool (h, w), of square pixels
    """

    tissue: np.ndarray
    _shapes: list[tuple[Shape, Shape]] = field(default_factory=list)
    _common: int = 0

    def add(self, before: np.ndarray, after: np.ndarray) -> None:
        """Masks of the left ventricle in the input and in the result: bool (n, h, w)."""
        for masks in zip(before, after, strict=True):
            one, other = (largest_part(mask & self.tissue) for mask in masks)
            self._shapes.append((shape_of(one), shape_of(other)))
            self._common += int(np.count_nonzero(one & other))

    def result(self) -> AnatomyShift:
        """The shift over all frames so far."""
        frames = len(self._shapes)
        least = LEAST_LV * self.tissue.sum()
        found = [pair for pair in self._shapes if min(pair[0].area, pair[1].area) >= least]
        if not found or len(found) < LEAST_SHARE * frames:
            why = f"The segmenter found a left ventricle in {len(found)} of {frames} frames."
            return AnatomyShift(None, None, None, None, why, why, frames)
        areas = np.array([(one.area, other.area) for one, other in found], float)
        dice = 2 * self._common / sum(one.area + other.area for one, other in self._shapes)
        change = float((areas[:, 1] / areas[:, 0] - 1).mean())
        why = _why_no_ef(found)
        if why:
            return AnatomyShift(dice, change, None, None, "", why, frames)
        before, after = (ejection_fraction([pair[side].volume for pair in found]) for side in (0, 1))
        return AnatomyShift(dice, change, before, after, "", "", frames)


@dataclass(frozen=True)
class Shape:
    """Of one mask: area and length of the long axis in pixels, and its tilt from the vertical in degrees.

    All are 0 for an empty mask.
    """

    area: float
    length: float
    tilt: float

    @property
    def elongation(self) -> float:
        """Length over width of the ellipse of this area and length."""
        return np.pi * self.length**2 / (4 * self.area) if self.area else 0.0

    @property
    def volume(self) -> float:
        """The single-plane area-length volume, 8 A^2 / (3 pi L), in cubed pixels: exact for an ellipsoid of revolution.

        Lang et al. 2015 (J Am Soc Echocardiogr 28), "Recommendations for cardiac chamber quantification by
        echocardiography in adults".
        """
        return 8 * self.area**2 / (3 * np.pi * self.length) if self.length else 0.0


def shape_of(mask: np.ndarray) -> Shape:
    """The shape of a mask bool (h, w): the long axis is its principal axis (of inertia), from end to end."""
    rows, columns = np.nonzero(mask)
    if len(rows) < 3:
        return Shape(0.0, 0.0, 0.0)
    points = np.stack([columns, rows], 1) - (columns.mean(), rows.mean())
    axis = np.linalg.eigh(points.T @ points)[1][:, -1]
    along = points @ axis
    tilt = float(np.degrees(np.arctan2(abs(axis[0]), abs(axis[1]))))
    return Shape(float(len(rows)), float(np.ptp(along)) + 1, tilt)


def ejection_fraction(volumes: list[float]) -> float:
    """(largest - smallest) / largest of the volumes, less the one most extreme of each: one bad mask does not count."""
    ordered = np.sort(volumes)
    return float((ordered[-2] - ordered[1]) / ordered[-2])


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest connected part of a mask bool (h, w)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if len(stats) < 2:
        return mask
    return labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()


def _why_no_ef(found: list[tuple[Shape, Shape]]) -> str:
    if len(found) < LEAST_FRAMES:
        return f"An ejection fraction needs at least {LEAST_FRAMES} frames."
    if np.median([one.elongation for one, _ in found]) < LEAST_ELONGATION:
        return f"The left ventricle looks round, as in a short-axis view; {NEEDS}"
    if np.median([one.tilt for one, _ in found]) > MOST_TILT:
        return f"The left ventricle lies across the beam, as in a parasternal view; {NEEDS}"
    return ""
