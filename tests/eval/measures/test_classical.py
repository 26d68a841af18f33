"""The classical filters: nothing changes outside the mask, each has its effect, settings are chosen by score."""

import numpy as np
import pytest

from eval.measures import classical
from eval.measures.metrics import psnr

RNG = np.random.default_rng(0)
MASK = np.zeros((64, 96), bool)
MASK[8:60, 10:90] = True
STEP = np.where(np.arange(96) < 48, 60, 150)[None].repeat(64, 0).astype(np.uint8)
NOISY = np.clip(STEP + RNG.normal(0, 12, (2, 64, 96)), 0, 255).astype(np.uint8)
CHOSEN = {
    "histogram matching": {"reference": np.ones(256).tolist()},
    "non-local means": {"strength": 15},
    "bilateral filter": {"grey": 40, "pixels": 2},
    "CLAHE": {"limit": 2, "tiles": 4},
    "wavelet shrinkage": {"strength": 1},
    "total variation": {"weight": 0.08},
}


@pytest.mark.parametrize("name", CHOSEN)
def test_only_the_tissue_changes(name):
    done = classical.classical_filters(CHOSEN)[name](NOISY, MASK)
    assert done.dtype == np.uint8
    assert done.shape == NOISY.shape
    assert np.array_equal(done[:, ~MASK], NOISY[:, ~MASK])
    assert not np.array_equal(done, NOISY)


@pytest.mark.parametrize(
    "name", ["non-local means", "bilateral filter", "wavelet shrinkage", "total variation"]
)
def test_smoothers_bring_noise_nearer_to_the_truth(name):
    done = classical.classical_filters(CHOSEN)[name](NOISY, MASK)
    assert psnr(done[0], STEP, MASK) > psnr(NOISY[0], STEP, MASK) + 2


def test_the_matched_histogram_is_the_reference():
    reference = np.zeros(256)
    reference[100:200] = 1
    frames = RNG.integers(0, 256, (3, 64, 96)).astype(np.uint8)
    done = classical.match_histogram(frames, MASK, reference)[:, MASK]
    assert np.quantile(done, [0.1, 0.5, 0.9]) == pytest.approx([110, 150, 190], abs=2)
    # One rising curve for the whole clip.
    curve = {g: set(done[frames[:, MASK] == g].tolist()) for g in range(256)}
    assert all(len(values) == 1 for values in curve.values())


def test_clahe_lifts_local_contrast():
    faint = (100 + 5 * np.sin(np.mgrid[0:64, 0:96][1] / 3)).astype(np.uint8)[None]
    assert classical.clahe(faint, MASK, 4, 4)[:, MASK].std() > 1.5 * faint[:, MASK].std()


def test_the_search_takes_the_best_of_its_grid(monkeypatch):
    grids = {
        "total variation": {"weight": (0.001, 0.08, 2.0)},
        "bilateral filter": {"grey": (1, 40), "pixels": (2,)},
    }
    monkeypatch.setattr(classical, "GRIDS", grids)
    chosen, tried = classical.search([(frame, STEP, MASK) for frame in NOISY])
    # On a noisy edge neither the weakest nor the strongest setting is best.
    assert chosen["total variation"] == {"weight": 0.08}
    assert chosen["bilateral filter"] == {"grey": 40, "pixels": 2}
    assert max(tried["total variation"].values()) > tried["input"][""]
    assert np.sum(chosen["histogram matching"]["reference"]) == pytest.approx(1, abs=1e-3)


def test_committed_settings_make_every_filter():
    assert set(classical.classical_filters()) == set(classical.FILTERS)
