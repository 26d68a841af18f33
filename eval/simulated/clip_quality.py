"""Image quality of one simulated clip after each method, against its clear truth."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from echogan.enhance.enhancer import Enhancer
from echogan.phantom.clip import PhantomClip
from echogan.phantom.tissues import Tissue
from eval.measures.baselines import Method
from eval.measures.kid import FrozenExtractor
from eval.measures.metrics import gcnr, mean_change, psnr, speckle_snr, ssim, tone_matched_psnr
from eval.simulated.phantom_clips import array, enhance, phantom_sector

SHARED_METRICS: tuple[str, ...] = (
    "psnr_db",
    "tone_matched_psnr_db",
    "ssim",
    "supported_ssim",
    "supported_tone_matched_psnr_db",
)
"""Metrics for which the share of the oracle's gain is given."""
METRICS: tuple[str, ...] = (*SHARED_METRICS, "gcnr", "speckle_snr")
CAVITIES = (Tissue.LV, Tissue.LA, Tissue.RV, Tissue.RA)
WALLS = (Tissue.MYOCARDIUM, Tissue.RV_WALL)
EDGE_PX = 2  # border of a cavity that is left out: the beam's width mixes cavity and wall there
LEAST_SUPPORT = 0.5  # share of the signal that survives, from which an enhancement can be expected
LEAST_SUPPORTED_PX = 500  # supported pixels that a frame needs for metrics of its supported part


def measure(
    clip: PhantomClip,
    methods: dict[str, Method],
    enhancer: Enhancer,
    extractor: FrozenExtractor | None = None,
) -> dict[str, Any]:
    """The metrics of one clip for each method, and how much the network changes poor and clear frames.

    With an `extractor` also the features of each method's frames and of the clear ones.
    """
    poor, clear, mask = array(clip.degraded), array(clip.clean), clip.sector_mask.numpy()
    regions = [cavity_and_wall(labels) for labels in array(clip.labels)]
    supported = mask & (array(clip.support) >= 255 * LEAST_SUPPORT)
    row: dict[str, Any] = {}
    outputs: dict[str, np.ndarray] = {}
    for name, method in methods.items():
        outputs[name] = method(poor, phantom_sector(clip))
        frames = zip(outputs[name], clear, regions, supported, strict=True)
        found = [measure_frame(*each, mask) for each in frames]
        row[name] = {metric: float(np.mean([one[metric] for one in found])) for metric in METRICS}
    row["change"] = {
        "poor": mean_change(outputs["enhanced"], poor, mask),
        "clear": mean_change(enhance(enhancer, clear, clip), clear, mask),
    }
    row["supported"] = float(supported.sum() / (len(supported) * mask.sum()))
    if extractor:
        row["features"] = {name: extractor(frames) for name, frames in (outputs | {"clear": clear}).items()}
    return row


def measure_frame(
    image: np.ndarray,
    truth: np.ndarray,
    regions: tuple[np.ndarray, np.ndarray],
    supported: np.ndarray,
    mask: np.ndarray,
) -> dict[str, float]:
    """All metrics of one frame, uint8 (h, w). Those of the supported part are NaN where too few pixels are supported.

    regions    cavity and wall, bool (h, w) each
    supported  bool (h, w): pixels where at least LEAST_SUPPORT of the signal survives
    mask       bool (h, w): the sector
    """
    cavity, wall = (region & mask for region in regions)
    enough = supported.sum() >= LEAST_SUPPORTED_PX
    return {
        "supported_ssim": ssim(image, truth, supported) if enough else float("nan"),
        "supported_tone_matched_psnr_db": (
            tone_matched_psnr(image, truth, supported) if enough else float("nan")
        ),
        "psnr_db": psnr(image, truth, mask),
        "tone_matched_psnr_db": tone_matched_psnr(image, truth, mask),
        "ssim": ssim(image, truth, mask),
        "gcnr": gcnr(image, cavity, wall),
        "speckle_snr": speckle_snr(image, mask),
    }


def cavity_and_wall(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The insides of the cavities and of the walls of a label map, bool (h, w) each, without their edges."""
    kernel = np.ones((2 * EDGE_PX + 1, 2 * EDGE_PX + 1), np.uint8)
    cavity, wall = (
        cv2.erode(np.isin(labels, kinds).astype(np.uint8), size) > 0
        for kinds, size in ((CAVITIES, kernel), (WALLS, np.ones((3, 3), np.uint8)))
    )
    return cavity, wall
