"""The best single tone curves from poor to clear: what any display's brightness and contrast knobs could do."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from echogan.phantom.render import phantom_pair
from eval.measures.metrics import ssim

LEVELS = np.arange(256)
Pair = tuple[np.ndarray, np.ndarray, np.ndarray]  # poor, clear, mask


def fit_tone_curves(clips: int) -> dict[str, np.ndarray]:
    """Two curves, uint8 (256,), fitted on so many training clips.

    For squared error the best curve is the mean clear grey level of each poor one. For SSIM a curve
    a * x^g + b is found by Nelder-Mead.
    """
    pairs = [_pair(2 * k) for k in range(clips)]
    return {"tone curve, best PSNR": _best_psnr(pairs), "tone curve, best SSIM": _best_ssim(pairs[::2])}


def _pair(seed: int) -> Pair:
    clip = phantom_pair(seed, frames=1, want=("clean", "degraded"))
    assert clip.degraded is not None
    assert clip.clean is not None
    return clip.degraded[0].numpy(), clip.clean[0].numpy(), clip.sector_mask.numpy()


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
