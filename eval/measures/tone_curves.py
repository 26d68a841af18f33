"""The best single tone curves from poor to clear: the most that a display's brightness and contrast could do."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from eval.measures.metrics import ssim
from eval.measures.training_pairs import Pair, training_pair

LEVELS = np.arange(256)


def fit_tone_curves(clips: int) -> dict[str, np.ndarray]:
    """Two curves by name, uint8 (256,) each, fitted on `clips` training clips.

    For squared error the best curve is the mean clear grey level of each poor one. For SSIM a curve a * x^g + b is
    found by Nelder-Mead.
    """
    pairs = [training_pair(2 * k) for k in range(clips)]
    return {"tone curve, best PSNR": _best_psnr(pairs), "tone curve, best SSIM": _best_ssim(pairs[::2])}


def _best_psnr(pairs: list[Pair]) -> np.ndarray:
    poor = np.concatenate([p[m] for p, _, m in pairs])
    clear = np.concatenate([c[m] for _, c, m in pairs]).astype(np.float64)
    count = np.bincount(poor, minlength=256)
    mean = np.bincount(poor, clear, minlength=256) / np.maximum(count, 1)
    return np.interp(LEVELS, LEVELS[count > 0], mean[count > 0]).round().astype(np.uint8)


def _best_ssim(pairs: list[Pair]) -> np.ndarray:
    def loss(p: np.ndarray) -> float:
        curve = _power_curve(p)
        return -float(np.mean([ssim(curve[x], y, m) for x, y, m in pairs]))

    found = minimize(loss, [1.0, 0.0, 0.0], method="Nelder-Mead", options={"maxiter": 80, "xatol": 0.01})
    return _power_curve(found.x)


def _power_curve(p: np.ndarray) -> np.ndarray:
    return np.clip(255 * (p[0] * (LEVELS / 255) ** np.exp(p[1]) + p[2]), 0, 255).round().astype(np.uint8)
