"""Clips whose pixels are known not to be square: their sector is found on frames stretched to square pixels."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from echogan.clips.sector.clip_sample import ClipSample
from echogan.core.geometry import Fan, Sector


def squared(sample: ClipSample) -> ClipSample:
    """The sample with square pixels: frames (n, H', W') of which one side is longer, so that nothing is lost."""
    across, down = _stretch(sample)
    size = (round(sample.frames.shape[2] * across), round(sample.frames.shape[1] * down))
    frames = [cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR) for frame in sample.frames]
    return replace(
        sample, frames=np.stack(frames), bounds=sample.bounds.stretched(across, down), pixel_aspect=1.0
    )


def of_oblong(found: Sector, sample: ClipSample) -> Sector:
    """The sector found on `squared(sample)`, in pixels of the sample's own frames."""
    across, down = _stretch(sample)
    height, width = sample.frames.shape[1:3]

    def shrink(mask: np.ndarray) -> np.ndarray:
        return cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT) > 0

    return replace(
        found,
        tissue_mask=shrink(found.tissue_mask),
        overlay_mask=shrink(found.overlay_mask),
        fan=found.fan and _fan(found.fan, across, down),
    )


def _stretch(sample: ClipSample) -> tuple[float, float]:
    """How much wider and how much higher the frames become."""
    return max(1.0, sample.pixel_aspect), max(1.0, 1 / sample.pixel_aspect)


def _fan(fan: Fan, across: float, down: float) -> Fan:
    """A fan of the stretched frame in the clip's own frame; pixel centres are at half pixels from the edge."""
    x, y = fan.apex
    apex = (x + 0.5) / across - 0.5, (y + 0.5) / down - 0.5
    return replace(
        fan, apex=apex, r_min=fan.r_min / down, r_max=fan.r_max / down, aspect=fan.aspect * across / down
    )
