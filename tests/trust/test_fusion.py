"""The fusion against the same network in torch, and what its bundled weights make of a stronger change."""

import numpy as np
import torch
from fake_checkpoint import fan_sector

from echogan.trust.evidence import EVIDENCE
from echogan.trust.fusion import (
    LIMIT,
    RESIDUAL_LIMIT,
    RESIDUALS,
    UNITS,
    Fusion,
    bundled_fusion,
    full_size,
    fusion_sha256,
    probabilities,
)

COUNT = len(EVIDENCE)


def test_the_logits_are_those_of_the_network_in_torch():
    torch.manual_seed(0)
    first, last = torch.nn.Linear(2 * COUNT, UNITS), torch.nn.Linear(UNITS, 2)
    layers = [torch.cat([one.weight.T, one.bias[None]]).detach().numpy() for one in (first, last)]
    rng = np.random.default_rng(0)
    mean, scale = rng.normal(size=COUNT).astype(np.float32), rng.uniform(0.5, 2, COUNT).astype(np.float32)
    evidence = rng.normal(0, 3, (2, 4, 5, COUNT)).astype(np.float32)
    logits = Fusion(mean, scale, *layers)(evidence)
    limits = torch.tensor([RESIDUAL_LIMIT] * RESIDUALS + [LIMIT] * (COUNT - RESIDUALS))
    z = torch.from_numpy((evidence - mean) / scale).clamp(-limits, limits)
    expected = last(torch.relu(first(torch.cat([z, z**2], -1))))
    np.testing.assert_allclose(logits, expected.detach().numpy(), rtol=1e-4, atol=1e-4)
    given = probabilities(logits)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, torch.sigmoid(expected).detach().numpy(), atol=1e-5)


def test_evidence_beyond_all_that_was_fitted_gives_a_number():
    for value in (1e30, -1e30):
        found = probabilities(bundled_fusion()(np.full((1, 1, 1, COUNT), value, np.float32)))
        assert ((found >= 0) & (found <= 1)).all()


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
        removed, invented = np.moveaxis(probabilities(fusion(rising)), -1, 0)
        assert (np.diff(invented) >= -1e-6).all()
        assert (np.diff(removed) <= 1e-6).all()
        assert invented[:, -1].mean() > invented[:, 0].mean() + 0.1
