"""Truth map: the pixels where a result erased a lesion or painted what is not there."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

TAU = 0.2  # error in shares of the grey range from which a pixel is wrong
LEAST_SUPPORT = 0.5  # share of the signal that survives, from which the input can show what is there
PAINTED = 0.2  # change in shares of the tissue's range from which a painted pixel is wrong
CALM = 0.02  # change under which a pixel is what it was
SPECKLE = 0.023  # sigma of the smoothing over the frame's height: about one speckle cell


@dataclass(frozen=True)
class TruthMap:
    """Where one frame of a result is wrong; bool (h, w) each, and no pixel is in two of them.

    erased        lesion shown by the input that the result has made too dark
    invented      too bright in the result, and more so than in the input
    unverifiable  as invented, but where hardly any signal survives: the input cannot tell
    faithful      supported pixels that are not too dark, nor too bright in the result alone
    """

    erased: np.ndarray
    invented: np.ndarray
    unverifiable: np.ndarray
    faithful: np.ndarray


def truth_map(
    x: np.ndarray,
    g: np.ndarray,
    truth: np.ndarray,
    lesion: np.ndarray,
    support: np.ndarray,
    tissue: np.ndarray,
    tau: float = TAU,
) -> TruthMap:
    """The truth map of one frame, by the errors of the result and of the input against the clear truth.

    x, g, truth  float (h, w) in [0, 1]: the input, the result, the same frame through the best acoustic window
    lesion       bool (h, w): a lesion that the input shows; empty without one
    support      float (h, w) in [0, 1]: the share of the signal that survives
    tissue       bool (h, w): the sector

    An error counts as the result's own where it exceeds that of the input by tau / 2: haze that stays was not painted,
    and a lesion that stays as faint as the input shows it was not erased. Tissue erased outside a lesion is in none of
    the maps.
    """
    error = error_against(g, truth, tissue)
    before = error_against(x, truth, tissue)
    dark = (error < -tau) & (error < before - tau / 2)
    bright = (error > tau) & (error > before + tau / 2)
    supported = tissue & (support >= LEAST_SUPPORT)
    return TruthMap(
        erased=dark & supported & lesion,
        invented=bright & supported,
        unverifiable=bright & tissue & ~supported,
        faithful=supported & ~bright & (error >= -tau),
    )


def painted_truth(
    found: TruthMap, change: np.ndarray, lesion: np.ndarray, support: np.ndarray, tissue: np.ndarray
) -> TruthMap:
    """The truth map of a result that was painted over: wrong is what was painted or taken out, and nothing else.

    found            `truth_map` of the result as it is now
    change           float (h, w): by how much it was painted over, smoothed, in shares of the range of its tissue
    lesion           bool (h, w): where something was taken out
    support, tissue  as in `truth_map`
    """
    supported = tissue & (support >= LEAST_SUPPORT)
    added = change > PAINTED
    return TruthMap(
        erased=supported & lesion & (change < -PAINTED),
        invented=supported & added,
        unverifiable=tissue & ~supported & added,
        faithful=found.faithful & (np.abs(change) < CALM),
    )


def error_against(image: np.ndarray, truth: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Smoothed error of an image after the affine grey map that brings it nearest to the truth: float (h, w).

    The map is least squares over the tissue pixels that are off by no more than TAU, first without a map and then with
    the map found: brightness and contrast alone are no error, and a painted spot does not pull the map.
    """
    error = smoothed(image - truth, tissue)
    for _ in range(2):
        fitted = tissue & (np.abs(error) <= TAU)
        if fitted.sum() < tissue.sum() / 2:
            fitted = tissue
        columns = np.stack([image[fitted], np.ones(fitted.sum())], 1)
        scale, shift = np.linalg.lstsq(columns, truth[fitted], rcond=None)[0]
        error = smoothed(scale * image + shift - truth, tissue)
    return error


def smoothed(image: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Gaussian mean over the tissue around each pixel, float (h, w); zero outside."""
    sigma = SPECKLE * len(image)
    weight = cv2.GaussianBlur(tissue.astype(np.float64), (0, 0), sigma)
    mean = cv2.GaussianBlur(np.where(tissue, image, 0.0), (0, 0), sigma) / np.maximum(weight, 1e-9)
    return np.where(tissue, mean, 0.0)
