"""Evidence of drawn frames: what it says of an erased and of a painted disc, and that each frame counts alone."""

import numpy as np
import pytest
from fake_checkpoint import fan_sector, speckle

from echogan.trust.evidence import EVIDENCE, Evidence

TISSUE = fan_sector(120, 150).tissue_mask
ROWS, COLUMNS = np.mgrid[:120, :150]
DISC = (ROWS - 70) ** 2 + (COLUMNS - 75) ** 2 <= 8**2
SMALL_DISC = (ROWS[:60, :75] - 35) ** 2 + (COLUMNS[:60, :75] - 37) ** 2 <= 3**2
RESIDUALS = [name for name in EVIDENCE if name.startswith("residual")]
IN_RANGE = [name for name in EVIDENCE if name.endswith("of the tissue's range")]


def frames(count=2):
    return np.where(TISSUE, 0.2 + 0.5 * speckle(count, 120, 150) / 255, 0).astype(np.float32)


def evidence(name, x, g):
    return Evidence(TISSUE)(x, g)[..., EVIDENCE.index(name)]


def test_the_shape_is_half_the_frames_and_nothing_lies_outside():
    x, of = frames(), Evidence(TISSUE)
    found = of(x, x**2)
    assert found.shape == (2, 60, 75, len(EVIDENCE))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert not found[:, ~of.tissue].any()


@pytest.mark.parametrize("name", RESIDUALS)
def test_a_change_of_the_grey_curve_is_no_residual(name):
    x = frames()
    for curve in (x, 0.5 * x, np.sqrt(x)):
        # At half the size the curve is not quite the one that was applied.
        assert np.abs(evidence(name, x, np.where(TISSUE, curve, 0).astype(np.float32))).max() < 0.05


@pytest.mark.parametrize("name", RESIDUALS)
@pytest.mark.parametrize("painted", [0.0, 1.0])
def test_a_residual_is_negative_where_a_disc_was_erased_and_positive_where_one_was_painted(name, painted):
    x = frames()
    inside = evidence(name, x, np.where(DISC, np.float32(painted), x))[:, SMALL_DISC].mean()
    assert inside < -0.05 if painted == 0 else inside > 0.05


@pytest.mark.parametrize("name", IN_RANGE)
def test_shares_of_the_range_are_those_of_a_dimmer_clip(name):
    x = frames()
    g = np.where(DISC, np.float32(1), x)
    bright, dim = evidence(name, x, g), evidence(name, 0.5 * x, 0.5 * g)
    np.testing.assert_allclose(dim, bright, atol=1e-3)
    assert np.abs(bright).max() > 0.1


def test_ranks_are_the_share_of_tissue_that_is_darker():
    x = np.where(TISSUE, 0.2 + 0.5 * ROWS / 120, 0).astype(np.float32)[None]
    for name in ("rank in the input", "rank in the result"):
        (found,) = evidence(name, x, x)
        tissue = Evidence(TISSUE).tissue
        rows = np.mgrid[:60, :75][0]
        middle = tissue & (np.abs(rows - 30) <= 1)
        assert found[middle].mean() == pytest.approx((rows[tissue] < 30).mean(), abs=0.03)


def test_a_frame_has_the_evidence_that_it_has_alone():
    x = frames(3)
    g = np.where(DISC, np.float32(1), x)
    of = Evidence(TISSUE)
    np.testing.assert_array_equal(of(x, g)[1:2], of(x[1:2], g[1:2]))


def test_what_lies_outside_the_tissue_has_no_influence():
    x = frames()
    other = np.where(TISSUE, x, 1)
    np.testing.assert_array_equal(Evidence(TISSUE)(other, other), Evidence(TISSUE)(x, x))


def test_a_black_clip_has_no_evidence_but_a_number():
    black = np.zeros((1, 120, 150), np.float32)
    assert np.isfinite(Evidence(TISSUE)(black, black)).all()
