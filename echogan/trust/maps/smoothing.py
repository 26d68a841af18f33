"""Smoothing inside the tissue: the S of every map."""

from __future__ import annotations

import cv2
import numpy as np

SPECKLE = 0.023  # sigma over the frame's height: about one speckle cell


class Smoother:
    """Gaussian mean over the tissue around each pixel of frames that share one tissue.

    Normalised convolution (Knutsson and Westin 1993): the weights of the tissue pixels sum to one, so a constant
    stays that constant up to the rim.

    tissue   bool (h, w)
    share    sigma as a share of h
    """

    def __init__(self, tissue: np.ndarray, share: float = SPECKLE):
        self._tissue, self._share = tissue, share
        weight = _blur(tissue.astype(np.float32), share)
        self._weight = np.where(tissue, np.maximum(weight, np.finfo(np.float32).tiny), 1)

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The smoothed frame (h, w), zero outside the tissue: float32."""
        inside = np.where(self._tissue, frame, 0).astype(np.float32, copy=False)
        return np.where(self._tissue, _blur(inside, self._share) / self._weight, np.float32(0))


def smooth(frames: np.ndarray, tissue: np.ndarray, share: float = SPECKLE) -> np.ndarray:
    """Frames (n, h, w) through `Smoother`: float32 (n, h, w)."""
    smoother = Smoother(tissue, share)
    return np.stack([smoother(frame) for frame in frames])


def _blur(image: np.ndarray, share: float) -> np.ndarray:
    sigma = share * image.shape[0]
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
