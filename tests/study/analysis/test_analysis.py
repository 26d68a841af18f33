"""The whole analysis: stated effects are found, JSON holds it, Holm's correction, and odd tables give no NaN."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rating_tables import fidelity_rows, pair_rows, rating_rows

from echogan.study.analysis.analysis import analyse, as_json
from echogan.study.analysis.simulation import DEMO, expected_difference, simulated_study
from echogan.study.analysis.tables import ITEMS, study_tables


@pytest.fixture(scope="module")
def demo():
    return simulated_study(readers=6, patients=10, clips=1, seed=3)


@pytest.fixture(scope="module")
def analysis(demo):
    return analyse(demo)


def test_the_demo_finds_its_stated_effects(analysis):
    inside = [
        result.difference.low
        <= expected_difference(DEMO[result.item.name], result.item)
        <= result.difference.high
        for result in analysis.items
    ]
    assert sum(inside) >= 4
    assert analysis.simulated
    assert analysis.preferences["net_preference"].low > 0
    assert analysis.design.readers == 6
    assert analysis.design.original_first == pytest.approx(0.5)
    assert analysis.design.crossed_cells > 0.9


def test_each_method_has_the_same_sign_and_the_difference_of_the_means(analysis):
    for result in analysis.items:
        whole = result.cannot_assess == {"original": 0, "enhanced": 0}
        if whole:
            means = result.means
            assert result.difference.value == pytest.approx(means["enhanced"] - means["original"])
        assert result.bootstrap.value == pytest.approx(result.difference.value)
        assert sum(result.counts["original"]) + result.cannot_assess["original"] == 60


def test_holm_is_over_the_secondary_items(analysis):
    assert analysis.items[0].p_holm is None
    secondary = sorted(analysis.items[1:], key=lambda result: result.difference.p)
    expected, least = [], 0.0
    for i, result in enumerate(secondary):
        least = max(least, min(1.0, (len(secondary) - i) * result.difference.p))
        expected.append(least)
    assert [result.p_holm for result in secondary] == pytest.approx(expected)


def test_json_holds_the_analysis_and_repeats(demo, analysis):
    text = as_json(analysis)
    assert json.loads(text)["items"][0]["difference"]["value"] == analysis.items[0].difference.value
    assert as_json(analyse(demo)) == text


def test_repeats_are_compared_with_the_main_ratings():
    main = np.array([[[1, 2, 3, 4]], [[2, 3, 4, 5]]], float)
    again = main.copy()
    again[0, 0, 0], again[1, 0, 3] = 2, np.nan
    rows = rating_rows(main) + rating_rows(again, kind="repeat")
    found = analyse(study_tables(rows)).items[0].agreement.repeats
    assert (found.pairs, found.exact, found.within_one) == (7, pytest.approx(6 / 7), 1)


def test_pairs_alone_and_fidelity_alone_are_studies():
    pairs = analyse(study_tables([], pair_rows(np.array([[1, 2], [0, 1]]), np.eye(2, dtype=bool))))
    assert pairs.primary is None
    assert pairs.preferences["net_preference"].value == 0.75
    events = analyse(study_tables([], [], fidelity_rows(np.array([[0, 2], [0, 1]]))))
    assert events.fidelity["added"].any.value == 0.5
    assert events.fidelity["added"].relevant.value == 0.25


@settings(max_examples=12, deadline=None)
@given(
    arrays.arrays(
        float,
        st.tuples(st.just(2), st.integers(1, 3), st.integers(1, 4)),
        elements=st.sampled_from([np.nan, 1.0, 3.0, 4.0]),
    )
)
def test_missing_levels_and_gaps_give_numbers_or_sentences(values):
    text = as_json(analyse(study_tables(rating_rows(values))))
    assert "NaN" not in text
    assert "Infinity" not in text


@settings(max_examples=12, deadline=None)
@given(
    arrays.arrays(
        float,
        st.tuples(st.just(2), st.integers(1, 3), st.integers(1, 3), st.just(2)),
        elements=st.sampled_from([np.nan, 0.0, 1.0]),
    )
)
def test_clustered_yes_or_no_items_without_a_class_give_numbers_or_sentences(values):
    """Two clips a patient; an arm, a reader or a patient may have one class alone, or none."""
    rows = [row for c in range(2) for row in rating_rows(values[..., c], "diagnostic", clip=c + 1)]
    analysis = analyse(study_tables(rows, items=(ITEMS[4],)))
    assert "NaN" not in as_json(analysis)
    result = analysis.items[0]
    found = (
        result.difference,
        result.bootstrap,
        result.mixed_model,
        result.vgc,
        result.odds,
        result.agreement.alpha,
    )
    assert all(estimate.low is not None or estimate.note for estimate in found)
