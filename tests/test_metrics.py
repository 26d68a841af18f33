"""Metrics against closed forms and another implementation."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from echogan.metrics import bootstrap_interval, mean_change, psnr, ssim


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
