"""Shapes painted into results of a network that changes nothing, and taken out of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lesion_examples import through

from echogan.calibration.painted import BLOOD, WALL, painted, speckle
from echogan.calibration.truth_map import CALM, PAINTED


@pytest.fixture(scope="module")
def own():
    return through(torch.nn.Identity())


@pytest.fixture(scope="module")
def over(own):
    return list(painted(own))


def test_what_was_painted_and_taken_out_is_wrong_and_the_rest_faithful(own, over):
    for before, after in zip(own, over, strict=True):
        change = after.g[after.middle] - before.g[before.middle]
        calm = np.abs(change[after.truth.faithful]).mean()
        assert change[after.truth.invented].mean() > 10 * calm
        assert change[after.truth.erased].mean() < -10 * calm
        assert after.truth.faithful.mean() > 0.3 * after.tissue.mean()
        assert not (after.truth.faithful & (after.truth.invented | after.truth.erased)).any()
    assert sum(one.truth.invented.sum() for one in over) > 100


def test_all_frames_are_painted_over_alike_and_the_input_not_at_all(own, over):
    for before, after in zip(own, over, strict=True):
        np.testing.assert_array_equal(after.x, before.x)
        changed = (after.g != before.g).reshape(len(after.g), -1).any(1)
        assert changed.all()
        assert 0 <= after.g.min() <= after.g.max() <= 1


def test_faint_changes_count_neither_way(over):
    for one in over:
        faint = (np.abs(one.change) > CALM) & (np.abs(one.change) < PAINTED)
        assert faint.any()
        assert not (faint & (one.truth.erased | one.truth.invented | one.truth.faithful)).any()


def test_a_seed_gives_the_same_shapes_and_another_other_ones(own, over):
    for again, other, one in zip(painted(own), painted(own, seed=1), over, strict=True):
        np.testing.assert_array_equal(again.g, one.g)
        assert (other.g != one.g).any()


def test_where_no_signal_survives_nothing_can_be_told_wrong(own):
    hidden = [replace(one, support=np.zeros_like(one.support)) for one in own]
    for one in painted(hidden):
        assert not (one.truth.erased | one.truth.invented | one.truth.faithful).any()


def test_speckle_has_the_mean_of_the_places_that_lend_it():
    rng, rows = np.random.default_rng(0), np.mgrid[:100, :100][0]
    image = (rows / 100).astype(np.float32)
    tissue = np.ones((100, 100), bool)
    assert speckle(image, tissue, rng, BLOOD).mean() == pytest.approx(0.1, abs=0.02)
    assert speckle(image, tissue, rng, WALL).mean() == pytest.approx(0.9, abs=0.02)
