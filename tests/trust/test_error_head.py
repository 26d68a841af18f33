"""What the error head sees, and how far it moves a logit."""

import numpy as np
import pytest
from fake_checkpoint import fan_sector, speckle

from echogan.trust.error_head import CHANGES, LEVELS, MOST, STRONGER, head_logits, shown
from echogan.trust.fusion import bundled_head

TISSUE = fan_sector(117, 150).tissue_mask
X = np.where(TISSUE, 0.2 + 0.3 * speckle(1, 117, 150)[0] / 255, 0).astype(np.float32)
G = np.where(TISSUE, X**1.2, 0).astype(np.float32)


def test_a_grey_curve_that_is_a_line_is_not_seen():
    for other in ((0.5 * X, 0.5 * G), (X + 0.1, G + 0.1), (X, G + 0.05)):
        np.testing.assert_allclose(shown(*other, TISSUE), shown(X, G, TISSUE), atol=1e-5)


def test_levels_and_changes_are_shares_of_the_range_of_the_tissue():
    level, change, tissue = shown(X, G, TISSUE)
    low, high = np.quantile(X[TISSUE], [0.05, 0.95])
    expected = np.clip((X - low) / (high - low), *LEVELS) - 0.5
    np.testing.assert_allclose(level[TISSUE], expected[TISSUE], atol=0.02)
    residual = (G - X) - np.median((G - X)[TISSUE])
    expected = np.clip(STRONGER * residual / (high - low), -CHANGES, CHANGES)
    np.testing.assert_allclose(change[TISSUE], expected[TISSUE], atol=0.05)
    np.testing.assert_array_equal(tissue, TISSUE)
    assert not shown(X + 1, G + 1, TISSUE)[:, ~TISSUE].any()


def test_a_black_clip_has_finite_numbers():
    black = np.zeros_like(X)
    assert np.isfinite(shown(black, black, TISSUE)).all()
    assert np.isfinite(head_logits(shown(black, black, TISSUE)[None], bundled_head())).all()


@pytest.mark.parametrize("size", [(117, 150), (16, 16), (1, 1), (33, 15)])
def test_frames_of_any_size_are_seen_and_no_logit_moves_further_than_allowed(size):
    seen = np.random.default_rng(0).normal(0, 5, (2, 3, *size)).astype(np.float32)
    said = head_logits(seen, bundled_head())
    assert said.shape == (2, 2, *size)
    assert np.abs(said).max() <= MOST
    assert np.ptp(said) > 1 or size == (1, 1)


def test_it_sees_what_lies_around():
    """A pixel's logits depend on its surroundings, and not on what is far away."""
    seen = shown(X, G, TISSUE)
    row, column = 60, 75
    here = head_logits(seen[None], bundled_head())[0, :, row, column]
    near = seen.copy()
    near[1, row - 12 : row + 13, column + 3 : column + 16] += 2
    assert np.abs(head_logits(near[None], bundled_head())[0, :, row, column] - here).max() > 1e-3


def test_each_frame_is_looked_at_alone():
    seen = np.random.default_rng(0).normal(0, 1, (3, 3, 40, 56)).astype(np.float32)
    together = head_logits(seen, bundled_head())
    for one, alone in zip(together, seen, strict=True):
        np.testing.assert_allclose(one, head_logits(alone[None], bundled_head())[0], atol=1e-4)
