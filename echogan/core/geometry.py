"""The imaged sector: a fan (or a rectangle) in the frame, its radius and angle, and its bounding box."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from echogan.core.errors import SectorError

UP = ",up"  # ends the text of a fan that opens upwards

SectorKind = Literal["fan", "rectangle", "whole"]


@dataclass(frozen=True)
class Fan:
    """A circular sector. Lengths in pixels; angles in degrees from straight down, positive to the right.

    `apex` is (x, y) and may lie outside the frame (a curved probe). `aspect` is the width of a pixel over its
    height: 1 for a scanner's own frames, another where somebody squeezed them. Radii are in pixel heights. A fan that
    `opens_up` has its apex below, as displays in paediatrics do; its angles count from straight up.
    """

    apex: tuple[float, float]
    left_deg: float
    right_deg: float
    r_min: float
    r_max: float
    aspect: float = 1.0
    opens_up: bool = field(default=False, kw_only=True)

    def polar(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Radius in pixel heights and angle in degrees of every pixel centre: two float32 (H, W)."""
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        dx, dy = (x - self.apex[0]) * np.float32(self.aspect), y - self.apex[1]
        dy = -dy if self.opens_up else dy
        return np.hypot(dx, dy), np.degrees(np.arctan2(dx, dy))

    def mask(self, height: int, width: int) -> np.ndarray:
        """The pixels of the fan: bool (H, W)."""
        r, theta = self.polar(height, width)
        return (r >= self.r_min) & (r <= self.r_max) & (theta >= self.left_deg) & (theta <= self.right_deg)

    def upside_down(self, height: int) -> Fan:
        """The same fan in a frame of `height` pixels that is turned upside down; left and right stay."""
        x, y = self.apex
        return replace(self, apex=(x, height - 1 - y), opens_up=not self.opens_up)

    @classmethod
    def parse(cls, text: str) -> Fan:
        """Read `apex_x,apex_y,left_deg,right_deg,r_min,r_max[,aspect][,up]`. Raises SectorError.

        With `up` the fan opens upwards.
        """
        example = (
            "Write six numbers: apex_x,apex_y,left_deg,right_deg,r_min,r_max, as in 160,10,-38,38,5,220."
        )
        numbers = text.strip().removesuffix(UP)
        try:
            x, y, left, right, r_min, r_max, *aspect = (float(part) for part in numbers.split(","))
            if len(aspect) > 1:
                raise ValueError
            fan = cls((x, y), left, right, r_min, r_max, *aspect, opens_up=numbers != text.strip())
        except (ValueError, TypeError):
            raise SectorError(f"'{text}' is not a sector. {example}") from None
        fan.check()
        return fan

    def check(self) -> None:
        """Raise SectorError unless the numbers describe a fan."""
        values = (*self.apex, self.left_deg, self.right_deg, self.r_min, self.r_max, self.aspect)
        if not np.isfinite(values).all():
            raise SectorError("The sector has a number that is not finite. Give six plain numbers.")
        if not -90 < self.left_deg < self.right_deg < 90:
            raise SectorError(
                "The sector's left angle must be less than its right one, both within -90 to 90 degrees."
            )
        if not 0 <= self.r_min < self.r_max:
            raise SectorError("The sector's r_min must be at least 0 and less than its r_max.")
        if not 0.2 <= self.aspect <= 5:
            raise SectorError(
                "The sector's aspect must be between 0.2 and 5. Leave it out where pixels are square."
            )

    def __str__(self) -> str:
        numbers = (*self.apex, self.left_deg, self.right_deg, self.r_min, self.r_max)
        text = ",".join(f"{n:.1f}" for n in numbers)
        text = text if self.aspect == 1 else f"{text},{self.aspect:.3f}"
        return text + UP if self.opens_up else text


@dataclass(frozen=True)
class Sector:
    """Where a frame shows tissue, and what is drawn over it.

    tissue_mask   bool (H, W): imaged tissue, the only pixels that may change
    overlay_mask  bool (H, W): text, ticks and traces inside the sector; disjoint from tissue_mask
    confidence    0 to 1: overlap (IoU) with the true sector that four of five such simulated fans exceed
    fan           the fan's numbers where kind is "fan", else None
    notes         sentences for the reader
    text_sure     False for a still or a frozen clip, where text over tissue can be missed
    levels        percentiles 0, 1, ..., 100 of the tissue's grey levels (0 to 255) over the sampled frames; empty
                  where no frames were looked at or no tissue was found
    """

    kind: SectorKind
    tissue_mask: np.ndarray
    overlay_mask: np.ndarray
    confidence: float
    fan: Fan | None = None
    notes: tuple[str, ...] = field(default=())
    text_sure: bool = True
    levels: tuple[float, ...] = ()

    @property
    def mask(self) -> np.ndarray:
        """The whole sector, overlay included: bool (H, W)."""
        return self.tissue_mask | self.overlay_mask

    @property
    def coverage(self) -> float:
        """The share of the frame that is tissue, 0 to 1."""
        return float(self.tissue_mask.mean())

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The bounding box (top, left, bottom, right) of the sector, ends exclusive."""
        rows, columns = np.nonzero(self.mask.any(1))[0], np.nonzero(self.mask.any(0))[0]
        return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
