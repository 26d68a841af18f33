"""Smoothing inside the tissue: the S of every map."""

from __future__ import annotations

import cv2
import numpy as np

SPECKLE = 0.023  # sigma over the frame's height: about one speckle cell


def smooth(frames: np.ndarray, tissue: np.ndarray, share: float = SPECKLE) -> np.ndarray:
    """Gaussian mean over the tissue around each pixel, zero outside the tissue: float32 (n, h, w).

    Normalised convolution (Knutsson and Westin 1993): the weights of the tissue pixels sum to one, so a constant
    stays that constant up to the rim.

    frames   (n, h, w)
    tissue   bool (h, w)
    share    sigma as a share of h
    """
    weight = _blur(tissue.astype(np.float32), share)
    weight = np.where(tissue, np.maximum(weight, np.finfo(np.float32).tiny), 1)
    smoothed = [_blur(np.where(tissue, frame, 0).astype(np.float32), share) for frame in frames]
    return np.where(tissue, np.stack(smoothed) / weight, np.float32(0)).astype(np.float32)


def _blur(image: np.ndarray, share: float) -> np.ndarray:
    sigma = share * image.shape[0]
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
