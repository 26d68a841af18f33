"""Evidence of drawn frames: what it says of an erased and of a painted disc, and that batches do not matter."""

import numpy as np
import pytest
from fake_checkpoint import fan_sector, speckle

from echogan.trust.evidence import EVIDENCE, EvidenceStream

TISSUE = fan_sector(120, 150).tissue_mask
ROWS, COLUMNS = np.mgrid[:120, :150]
DISC = (ROWS - 70) ** 2 + (COLUMNS - 75) ** 2 <= 8**2
SMALL_DISC = (ROWS[:60, :75] - 35) ** 2 + (COLUMNS[:60, :75] - 37) ** 2 <= 3**2


def frames(count=5):
    return np.where(TISSUE, speckle(count, 120, 150) / 255, 0).astype(np.float32)


def evidence(name, *clip):
    return EvidenceStream(TISSUE).add(*clip)[..., EVIDENCE.index(name)]


def test_the_shape_is_half_the_frames_and_nothing_lies_outside():
    x = frames()
    stream = EvidenceStream(TISSUE)
    found = stream.add(x, x, x)
    assert found.shape == (5, 60, 75, len(EVIDENCE))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert not found[:, ~stream.tissue].any()


def test_a_result_equal_to_the_input_has_no_residual():
    x = frames()
    for name in ("tone-matched residual", "cycle error", "flicker excess"):
        assert np.abs(evidence(name, x, x, x)).max() < 1e-5, name
    assert np.abs(evidence("explained-degradation residual", x, x, x)).max() < 0.1


@pytest.mark.parametrize("name", ["tone-matched residual", "explained-degradation residual"])
@pytest.mark.parametrize("painted", [0.0, 1.0])
def test_a_residual_is_negative_where_a_disc_was_erased_and_positive_where_one_was_painted(name, painted):
    x = frames()
    g = np.where(DISC, np.float32(painted), x)
    inside = evidence(name, x, g, x)[:, SMALL_DISC].mean()
    assert inside < -0.1 if painted == 0 else inside > 0.1


def test_the_cycle_error_is_signed():
    x = frames()
    back = np.where(DISC, x - 0.2, x)
    assert evidence("cycle error", x, x, back)[:, SMALL_DISC].mean() == pytest.approx(-0.2, abs=0.05)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_evidence_does_not_depend_on_how_a_clip_is_cut(cut):
    x, rng = frames(), np.random.default_rng(1)
    g = np.where(TISSUE, x + 0.2 * rng.random((5, 1, 1), np.float32), 0)
    whole = EvidenceStream(TISSUE).add(x, g, x)
    stream = EvidenceStream(TISSUE)
    parts = [stream.add(x[k : k + cut], g[k : k + cut], x[k : k + cut]) for k in range(0, 5, cut)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)


def test_what_lies_outside_the_tissue_has_no_influence():
    x = frames()
    other = np.where(TISSUE, x, 1)
    np.testing.assert_allclose(
        EvidenceStream(TISSUE).add(other, other, other), EvidenceStream(TISSUE).add(x, x, x), atol=1e-6
    )
