"""The ring correlation against a plain loop with complex spectra, and on images with all or nothing in common."""

import numpy as np

from echogan.trust.maps.ring_correlation import NOISE, RINGS, ring_correlation


def plain(x: np.ndarray, g: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """The same of one square frame (h, h), h a multiple of 16: one patch, one ring, one coefficient at a time."""
    height = len(x)
    side, stride = height // 4, height // 16
    total, count = np.zeros(x.shape), np.zeros(x.shape)
    frequencies = np.fft.fftfreq(side) * side
    for top in range(0, height - side + 1, stride):
        for left in range(0, height - side + 1, stride):
            place = np.s_[top : top + side, left : left + side]
            weight = np.outer(np.hanning(side), np.hanning(side)) * tissue[place]
            if not weight.any():
                continue
            spectra = [
                np.fft.fft2((a[place] - np.average(a[place], weights=weight)) * weight) for a in (x, g)
            ]
            rings = []
            for ring in range(1, int(side * RINGS) + 1):
                cross = one = other = 0.0
                for i, u in enumerate(frequencies):
                    for j, v in enumerate(frequencies):
                        if round(np.hypot(u, v)) == ring:
                            a, b = (spectrum[i, j] for spectrum in spectra)
                            floor = (weight**2).sum() * NOISE**2
                            cross += (a * b.conjugate()).real + floor
                            one += abs(a) ** 2 + floor
                            other += abs(b) ** 2 + floor
                rings.append(cross / np.sqrt(one * other))
            total[place] += 1 - np.mean(rings)
            count[place] += 1
    return np.where(tissue, total / np.maximum(count, 1), 0)


def test_it_equals_a_plain_loop():
    rng = np.random.default_rng(0)
    x = rng.random((2, 64, 64), np.float32)
    g = (0.5 * x + 0.5 * rng.random((2, 64, 64), np.float32)).astype(np.float32)
    tissue = np.hypot(*(np.mgrid[:64, :64] - 30)) < 27
    found = ring_correlation(x, g, tissue)
    for one, a, b in zip(found, x, g, strict=True):
        np.testing.assert_allclose(one, plain(a, b, tissue), atol=1e-4)


def test_of_an_image_with_itself_it_is_zero_at_any_gain(tissue, speckle):
    x = speckle(2)
    np.testing.assert_allclose(ring_correlation(x, x, tissue), 0, atol=1e-5)
    assert ring_correlation(x, 0.5 * x, tissue).max() < 0.05


def test_of_independent_speckle_it_is_near_one(tissue, speckle):
    found = ring_correlation(speckle(4), speckle(4, seed=1), tissue)
    assert abs(found[:, tissue].mean() - 1) < 0.05
    assert not found[:, ~tissue].any()


def test_black_agrees_with_black_and_not_with_an_invention(tissue, speckle):
    black = np.zeros((1, 128, 128), np.float32)
    np.testing.assert_allclose(ring_correlation(black, black, tissue), 0, atol=1e-6)
    assert ring_correlation(black, speckle(1), tissue)[:, tissue].mean() > 0.8
