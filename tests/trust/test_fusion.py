"""The fusion against the same network in torch, and its bundled weights on drawn discs."""

import numpy as np
import pytest
import torch
from fake_checkpoint import fan_sector, speckle

from echogan.trust.evidence import EVIDENCE, Evidence
from echogan.trust.fusion import (
    LIMIT,
    RESIDUAL_LIMIT,
    RESIDUALS,
    UNITS,
    Fusion,
    bundled_fusion,
    full_size,
    fusion_sha256,
)

COUNT = len(EVIDENCE)


def test_the_probabilities_are_those_of_the_network_in_torch():
    torch.manual_seed(0)
    first, last = torch.nn.Linear(2 * COUNT, UNITS), torch.nn.Linear(UNITS, 2)
    layers = [torch.cat([one.weight.T, one.bias[None]]).detach().numpy() for one in (first, last)]
    rng = np.random.default_rng(0)
    mean, scale = rng.normal(size=COUNT).astype(np.float32), rng.uniform(0.5, 2, COUNT).astype(np.float32)
    evidence = rng.normal(0, 3, (2, 4, 5, COUNT)).astype(np.float32)
    removed, invented = Fusion(mean, scale, *layers)(evidence)
    limits = torch.tensor([RESIDUAL_LIMIT] * RESIDUALS + [LIMIT] * (COUNT - RESIDUALS))
    z = torch.from_numpy((evidence - mean) / scale).clamp(-limits, limits)
    expected = torch.sigmoid(last(torch.relu(first(torch.cat([z, z**2], -1))))).detach().numpy()
    np.testing.assert_allclose(removed, expected[..., 0], atol=1e-5)
    np.testing.assert_allclose(invented, expected[..., 1], atol=1e-5)


def test_evidence_beyond_all_that_was_fitted_gives_a_number():
    for value in (1e30, -1e30):
        for one in bundled_fusion()(np.full((1, 1, 1, COUNT), value, np.float32)):
            assert 0 <= one.item() <= 1


@pytest.mark.parametrize("kind", ["removed", "invented"])
def test_the_bundled_weights_tell_an_erased_disc_and_a_painted_one(kind):
    tissue = fan_sector(240, 300).tissue_mask
    rows, columns = np.mgrid[:240, :300]
    disc = (rows - 140) ** 2 + (columns - 150) ** 2 <= 16**2
    dark = np.where(tissue, 0.1 + 0.1 * speckle(3, 240, 300) / 255, 0).astype(np.float32)
    bright = np.where(disc, dark + 0.5, dark)
    x, g = (bright, dark) if kind == "removed" else (dark, bright)
    maps = dict(zip(("removed", "invented"), bundled_fusion()(Evidence(tissue)(x, g)), strict=True))
    found = {name: full_size(one, tissue)[-1] for name, one in maps.items()}
    elsewhere = np.quantile(found[kind][tissue & ~disc], 0.95)
    assert np.median(found[kind][disc]) > elsewhere
    other = "invented" if kind == "removed" else "removed"
    assert np.median(found[kind][disc]) > np.median(found[other][disc])


def test_full_size_is_smooth_and_zero_outside():
    tissue = fan_sector(120, 150).tissue_mask
    ramp = np.broadcast_to(np.linspace(0, 1, 75, dtype=np.float32), (1, 60, 75))
    full = full_size(ramp, tissue)
    assert full.shape == (1, 120, 150)
    assert not full[0][~tissue].any()
    row = full[0, 80][tissue[80]]
    assert (np.diff(row) >= 0).all()


def test_the_hash_is_that_of_the_file():
    assert len(fusion_sha256()) == 64


def test_a_stronger_change_is_never_less_suspicious():
    """For any other evidence, and far beyond what the weights were fitted on."""
    fusion, rng = bundled_fusion(), np.random.default_rng(0)
    others = fusion.mean + fusion.scale * rng.normal(0, 3, (200, 1, COUNT)).astype(np.float32)
    evidence = np.repeat(others, 60, axis=1)
    for piece in range(RESIDUALS):
        rising = evidence.copy()
        rising[..., piece] = np.linspace(-5, 5, 60)
        removed, invented = fusion(rising)
        assert (np.diff(invented) >= -1e-6).all()
        assert (np.diff(removed) <= 1e-6).all()
        assert invented[:, -1].mean() > invented[:, 0].mean() + 0.1


@pytest.mark.parametrize("contrast", [0.1, 0.2, 0.3, 0.5])
@pytest.mark.parametrize(("level", "grain"), [(0.1, 0.1), (0.3, 0.3), (0.1, 0.5)])
def test_discs_of_any_contrast_are_told_in_flat_and_in_grainy_tissue(contrast, level, grain):
    tissue = fan_sector(240, 300).tissue_mask
    rows, columns = np.mgrid[:240, :300]
    disc = (rows - 140) ** 2 + (columns - 150) ** 2 <= 16**2
    x = np.where(tissue, level + grain * speckle(1, 240, 300) / 255, 0).astype(np.float32)
    g = np.where(disc, np.clip(x + contrast, 0, 1), x)
    _, invented = bundled_fusion()(Evidence(tissue)(x, g))
    assert np.median(full_size(invented, tissue)[0][disc]) > 0.5
