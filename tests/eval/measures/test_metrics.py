"""Metrics against closed forms and another implementation."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from eval.measures.metrics import (
    bootstrap_interval,
    gcnr,
    mean_change,
    psnr,
    ratio_of_means,
    speckle_snr,
    ssim,
    tone_matched,
    tone_matched_psnr,
)  # fmt: skip


@pytest.fixture(scope="module")
def pair():
    random = np.random.default_rng(0)
    truth = random.integers(0, 256, (64, 80), dtype=np.uint8)
    return np.clip(truth + random.normal(0, 20, truth.shape), 0, 255).astype(np.uint8), truth


def test_psnr_of_a_known_error_inside_the_mask_only():
    truth = np.full((8, 8), 100, np.uint8)
    image = truth.copy()
    image[:4] += 10
    image[4:] = 0
    mask = np.zeros((8, 8), bool)
    mask[:4] = True
    assert psnr(image, truth, mask) == pytest.approx(20 * np.log10(25.5))
    assert psnr(truth, truth, mask) == np.inf


def test_ssim_agrees_with_torchmetrics(pair):
    image, truth = pair
    inner = np.zeros(truth.shape, bool)
    inner[12:-12, 12:-12] = True
    tensors = [torch.from_numpy(p.astype(np.float64))[None, None] for p in pair]
    _, full = structural_similarity_index_measure(
        *tensors, data_range=255.0, sigma=1.5, kernel_size=11, return_full_image=True
    )
    assert ssim(image, truth, inner) == pytest.approx(float(full[0, 0].numpy()[inner].mean()), abs=2e-3)


def test_a_rising_tone_curve_costs_no_tone_matched_psnr(pair):
    image, truth = pair
    mask = np.ones(truth.shape, bool)
    curved = np.round(255 * (truth / 255) ** 0.5).astype(np.uint8)
    assert psnr(curved, truth, mask) < 20
    assert tone_matched_psnr(curved, truth, mask) > 45  # up to rounding
    # A curve that falls cannot be undone: the best rising one is a constant, the mean.
    flat = tone_matched(255 - truth, truth, mask)
    assert flat == pytest.approx(np.full(truth.shape, truth.mean()))
    assert tone_matched_psnr(image, truth, mask) >= psnr(image, truth, mask)


def test_tone_matching_is_the_best_rising_curve(pair):
    """Against a quadratic program in small: four levels, by brute force over a grid of rising curves."""
    image = np.repeat(np.array([10, 20, 30, 40], np.uint8), 5).reshape(4, 5)
    truth = np.random.default_rng(3).integers(0, 8, (4, 5)).astype(np.uint8)
    mask = np.ones((4, 5), bool)
    error = np.square(tone_matched(image, truth, mask) - truth).mean()
    steps = np.linspace(0, 8, 33)
    curves = (
        (a, b, c, d)
        for a in steps
        for b in steps[steps >= a]
        for c in steps[steps >= b]
        for d in steps[steps >= c]
    )
    brute = min(np.square(np.array(curve)[:, None] - truth).mean() for curve in curves)
    assert error <= brute + 1e-9
    assert error == pytest.approx(brute, abs=0.02)


def test_gcnr_of_known_overlaps():
    image = np.zeros((20, 20), np.uint8)
    image[:10], image[10:] = 50, 200
    first = np.zeros((20, 20), bool)
    first[:10] = True
    assert gcnr(image, first, ~first) == pytest.approx(1)
    assert gcnr(np.full((20, 20), 90, np.uint8), first, ~first) == pytest.approx(0)
    image[:10, :5] = 200  # a quarter of the first region
    assert gcnr(image, first, ~first) == pytest.approx(0.75)


def test_speckle_snr_of_rayleigh_speckle_is_its_known_ratio():
    random = np.random.default_rng(0)
    speckle = np.clip(random.rayleigh(40, (256, 256)), 0, 255).astype(np.uint8)
    everywhere = np.ones(speckle.shape, bool)
    assert speckle_snr(speckle, everywhere) == pytest.approx(1.91, abs=0.08)
    assert np.isnan(speckle_snr(speckle, np.zeros_like(everywhere)))
    half = everywhere.copy()
    half[:, 128:] = False
    speckle[:, 128:] = 7
    assert speckle_snr(speckle, half) == pytest.approx(1.91, abs=0.1)


def test_mean_change_is_the_mean_absolute_difference_in_the_mask(pair):
    image, truth = pair
    mask = truth > 100
    expected = np.abs(image.astype(int) - truth)[mask].mean()
    assert mean_change(image, truth, mask) == pytest.approx(expected)
    assert mean_change(image[None], truth[None], mask) == pytest.approx(expected)


def test_bootstrap_interval_of_normal_values_is_the_known_one():
    values = np.random.default_rng(1).normal(3, 2, 400)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)


def test_bootstrap_interval_of_a_difference_of_two_samples_is_the_known_one():
    rng = np.random.default_rng(2)
    a, b = rng.normal(3, 2, 400), rng.normal(1, 1, 200)
    low, high = bootstrap_interval(a, b, of=lambda x, y, axis: x.mean(axis) - y.mean(axis))
    half, middle = 1.96 * np.sqrt(a.var() / 400 + b.var() / 200), a.mean() - b.mean()
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=0.03)


def test_bootstrap_interval_of_any_statistic_need_not_be_vectorized():
    values = np.random.default_rng(3).normal(size=80)
    one = bootstrap_interval(values, of=lambda x: x.mean(), vectorized=False, draws=500)
    assert one == pytest.approx(bootstrap_interval(values, draws=500))


def test_one_value_has_no_spread():
    assert bootstrap_interval(np.array([2.5])) == (2.5, 2.5)


def test_ratio_of_means_draws_pairs():
    under = np.random.default_rng(4).uniform(1, 9, 60)
    assert ratio_of_means(0.3 * under, under) == pytest.approx({"mean": 0.3, "low": 0.3, "high": 0.3})
    noise = np.random.default_rng(5).normal(0, 0.5, 60)
    found = ratio_of_means(0.3 * under + noise, under)
    half = 1.96 * noise.std() / np.sqrt(60) / under.mean()  # to first order the noise alone moves the ratio
    assert found["high"] - found["low"] == pytest.approx(2 * half, rel=0.1)
    assert found["low"] < found["mean"] < found["high"]
