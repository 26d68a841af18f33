"""The fit on examples whose errors are known: it tells the erased and the invented lesion from the rest."""

import numpy as np
import torch
from lesion_examples import through

from echogan.calibration.examples import swapped
from echogan.calibration.painted import painted
from echogan.trust.error_finder import ErrorFinder
from eval.hallucination import fit_fusion as module


def test_the_fitted_fusion_finds_what_it_was_fitted_on(monkeypatch):
    monkeypatch.setattr(module, "STEPS", 300)
    own = through(torch.nn.Identity())
    ill, control = swapped(own)
    rng = np.random.default_rng(0)
    fusion = module.fit([module.pixels(one, rng) for one in (*own, ill, control)])
    removed, invented = found(fusion, ill)
    assert np.median(removed[ill.truth.erased]) > np.quantile(removed[ill.truth.faithful], 0.95)
    assert invented[ill.tissue].mean() < 0.2
    removed, invented = found(fusion, control)
    assert np.median(invented[control.truth.invented]) > np.quantile(invented[control.truth.faithful], 0.95)


def found(fusion, example):
    """The probabilities (h, w) of removed and of invented in the middle frame."""
    middle = slice(example.middle, example.middle + 1)
    return (maps[0] for maps in ErrorFinder(example.tissue, fusion)(example.x[middle], example.g[middle]))


def test_the_residual_itself_counts_by_what_was_darkened_and_brightened():
    rng = np.random.default_rng(0)
    count = 5
    mean, scale = rng.normal(size=count).astype(np.float32), rng.uniform(0.5, 2, count).astype(np.float32)
    hidden = rng.normal(size=(2 * count + 1, 6)).astype(np.float32)
    plain = module.Fusion(mean, scale, hidden, rng.normal(size=(7, 2)).astype(np.float32))
    evidence = rng.normal(size=(50, count)).astype(np.float32)
    residual = evidence[:, 0] / scale[0]
    more = module.with_residual(plain)(evidence) - plain(evidence)
    wanted = module.RESIDUAL * np.stack([np.maximum(-residual, 0), np.maximum(residual, 0)], 1)
    np.testing.assert_allclose(more, wanted, atol=1e-4)


def test_at_most_so_many_pixels_of_each_class_are_drawn():
    ill, _ = swapped(through(torch.nn.Identity()))
    evidence, labels, weights = module.pixels(ill, np.random.default_rng(0))
    assert len(evidence) == len(labels) == len(weights)
    for label in ((1, 0), (0, 0)):
        assert (labels == label).all(1).sum() <= module.MOST
    assert (labels == (0, 0)).all(1).sum() == module.MOST
    assert not (labels == (0, 1)).all(1).any()


def test_errors_of_networks_weigh_more_than_painted_ones():
    own = through(torch.nn.Identity())
    for example, weight in ((next(swapped(own)), module.OF_NETWORKS), (next(painted(own)), 1)):
        _, labels, weights = module.pixels(example, np.random.default_rng(0))
        assert set(weights[labels.any(1)]) == {weight}
        assert set(weights[~labels.any(1)]) == {1}


def test_the_layers_are_those_of_a_fusion_and_monotone_in_the_residuals():
    torch.manual_seed(0)
    heads = module.MonotoneHeads(5)
    hidden, out = heads.layers()
    assert hidden.shape == (11, module.UNITS)
    assert out.shape == (module.UNITS + 1, 2)
    seen = torch.randn(50, 10)
    for piece in range(module.RESIDUALS):
        more = seen.clone()
        more[:, piece] += 1
        change = heads(more) - heads(seen)
        assert (change[:, 0] <= 1e-6).all()
        assert (change[:, 1] >= -1e-6).all()
        assert change.abs().max() > 0.01
        more = seen.clone()
        more[:, 5 + piece] += 1  # its square counts for nothing
        torch.testing.assert_close(heads(more), heads(seen))
