"""Flicker along the optical flow: a tone curve scales it, planted flicker raises it, motion does not count."""

import numpy as np
import pytest

from eval.simulated import stability

MASK = np.ones((96, 96), bool)


def moving_clip(noise: float = 4.0) -> np.ndarray:
    """A smooth pattern that drifts by 1.5 pixels per frame, with some noise: uint8 (6, 96, 96)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:96, 0:96]
    frames = [
        120 + 50 * np.sin((x - 1.5 * t) / 7) * np.cos(y / 9) + rng.normal(0, noise, (96, 96))
        for t in range(6)
    ]
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


def test_an_unchanged_clip_has_a_ratio_of_one():
    clip = moving_clip()
    found = stability.ratios(clip, clip, MASK, stability.flow(clip))
    assert found == {"ratio": 1.0, "per_contrast": 1.0}


def test_motion_does_not_count():
    clip = moving_clip(noise=0)
    still = np.zeros((5, 96, 96, 2), np.float32)
    assert stability.flicker(clip, stability.flow(clip), MASK) < 0.3 * stability.flicker(clip, still, MASK)
    known = still.copy()
    known[..., 0] = 1.5
    assert stability.flicker(clip, known, MASK) < 1.0


def test_a_constant_tone_curve_scales_flicker_and_contrast_alike():
    clip = moving_clip()
    softer = np.rint(0.8 * clip).astype(np.uint8)
    found = stability.ratios(clip, softer, MASK, stability.flow(clip))
    assert found["ratio"] == pytest.approx(0.8, abs=0.02)
    assert found["per_contrast"] == pytest.approx(1.0, abs=0.02)


def test_planted_flicker_raises_both_ratios():
    clip = moving_clip()
    gains = 1 + 0.1 * np.random.default_rng(1).standard_normal(6)
    planted = np.clip(clip * gains[:, None, None], 0, 255).astype(np.uint8)
    found = stability.ratios(clip, planted, MASK, stability.flow(clip))
    assert found["ratio"] > 1.5
    assert found["per_contrast"] > 1.5


def test_only_the_mask_counts():
    clip = moving_clip()
    mask = MASK.copy()
    mask[:, 48:] = False
    planted = clip.copy()
    planted[1::2, :, 52:] = 0
    flows = np.zeros((5, 96, 96, 2), np.float32)
    assert stability.ratios(clip, planted, mask, flows)["ratio"] == 1.0
