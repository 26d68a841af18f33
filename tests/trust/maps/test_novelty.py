"""Novelty: distances against another implementation, and p-values that are uniform for clips of the same kind."""

import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.stats import kstest

from echogan.trust.maps.novelty import novelty, p_value, reference_novelty, standardised


def draw(clips, seed, shift=0.0):
    """Correlated features of clips, float32 (clips, 12)."""
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(99).normal(size=(6, 12))
    return (rng.normal(size=(clips, 6)) @ mix + shift).astype(np.float32)


def test_distances_are_those_of_a_tree_search():
    reference, clips = draw(80, 0), draw(7, 1)
    tree = KDTree(standardised(reference, reference))
    expected = tree.query(standardised(clips, reference), k=5)[0].mean(1)
    np.testing.assert_allclose(novelty(clips, reference), expected, rtol=1e-6)
    among_others = tree.query(standardised(reference, reference), k=6)[0][:, 1:].mean(1)
    np.testing.assert_allclose(reference_novelty(reference), np.sort(among_others), atol=1e-5)


def test_a_clip_of_the_reference_has_itself_as_neighbour_but_not_when_left_out():
    reference = draw(30, 0)
    assert novelty(reference[:1], reference, k=1)[0] == pytest.approx(0, abs=1e-5)
    assert reference_novelty(reference, k=1).min() > 0.1


def test_the_p_value_counts():
    reference = np.array([1.0, 2.0, 3.0, 4.0])
    assert [p_value(d, reference) for d in (0.5, 3.0, 9.0)] == [1.0, 3 / 5, 1 / 5]


def test_p_values_of_exchangeable_clips_are_uniform():
    p = []
    for trial in range(30):  # a reference of its own each time, else all p-values share its luck
        reference = draw(150, 1000 + trial)
        known = reference_novelty(reference)
        p += [p_value(d, known) for d in novelty(draw(10, trial), reference)]
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) <= 0.1) < 0.15


def test_another_look_has_small_p_values():
    reference = draw(150, 0)
    known = reference_novelty(reference)
    p = np.array([p_value(d, known) for d in novelty(draw(40, 1, shift=6.0), reference)])
    assert np.median(p) < 0.02


def test_a_feature_that_never_changes_in_the_reference_still_tells():
    reference = draw(40, 0)
    reference[:, 3] = 2
    other = reference[:1].copy()
    other[:, 3] = 50
    assert novelty(other, reference)[0] > 40
