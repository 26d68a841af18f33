"""Whether the cycle restores what the result does not show: the hidden-information gap, one number."""

from __future__ import annotations

import cv2
import numpy as np

from echogan.trust.maps.smoothing import Smoother
from echogan.trust.maps.tone import ToneCurve

SURROUND = 0.06  # sigma over the frame's height of what a blob is brighter than
LEAST_CONTRAST = 0.05  # of a blob, in [0, 1]: about 13 grey levels


def hidden_information(x: np.ndarray, g: np.ndarray, cycled: np.ndarray, tissue: np.ndarray) -> float | None:
    """The median over blobs of contrast kept in `cycled` minus contrast kept in `g`, in [-1, 1]; None without blobs.

    Blobs are the peaks of x in a difference of Gaussians (Lindeberg 1998). Contrast kept is the same difference there,
    over that of x, between 0 and 1, after both images were given the grey levels of x. Near 1, the generator hides
    what it erases (Chu et al. 2017, "CycleGAN, a master of steganography"), and a low cycle error proves nothing. A
    few erased blobs among many do not move the median.

    x, g, cycled   float32 (n, h, w) in [0, 1]: the input, to_high(x) and to_low(g)
    tissue         bool (h, w)
    """
    smoothers = Smoother(tissue), Smoother(tissue, SURROUND)
    contrast = _contrast(x, *smoothers)
    peaks = _peaks(contrast)
    if not peaks.any():
        return None
    alike = [ToneCurve.fit(image, x, tissue)(image) for image in (cycled, g)]
    kept = [np.clip(_contrast(image, *smoothers)[peaks] / contrast[peaks], 0, 1) for image in alike]
    return float(np.median(kept[0] - kept[1]))


def _contrast(frames: np.ndarray, near: Smoother, wide: Smoother) -> np.ndarray:
    return np.stack([near(frame) - wide(frame) for frame in frames])


def _peaks(contrast: np.ndarray) -> np.ndarray:
    """Where a frame's contrast is large, and the largest around: bool (n, h, w)."""
    reach = max(1, round(SURROUND * contrast.shape[1]))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    highest = np.stack([cv2.dilate(frame, around) for frame in contrast])
    return (contrast >= highest) & (contrast > LEAST_CONTRAST)
