"""The odds ratio against the closed form of two levels, against stated effects, and where there is none."""

import numpy as np
import pytest
from rating_tables import rating_rows

from echogan.study.analysis.ordinal import odds_ratio
from echogan.study.analysis.tables import Item, study_tables


def test_two_levels_and_one_reader_have_the_odds_of_the_table():
    yes = np.array([[[0] * 14 + [1] * 6], [[0] * 8 + [1] * 12]], float)
    tables = study_tables(rating_rows(yes, "seen"), items=(Item("seen", "Seen", 0, 1),))
    assert odds_ratio(tables, tables.items[0]).value == pytest.approx((12 / 8) / (6 / 14), rel=1e-4)


def test_a_stated_odds_ratio_is_found_despite_reader_levels():
    rng = np.random.default_rng(0)
    levels = np.array([-1.0, 0.0, 1.0]).reshape(1, 3, 1)
    latent = rng.logistic(0, 1, (2, 3, 800)) + np.array([0, 0.8]).reshape(2, 1, 1) + levels
    tables = study_tables(rating_rows(np.digitize(latent, [-1.5, -0.3, 0.8, 2]) + 1.0))
    found = odds_ratio(tables, tables.items[0])
    assert abs(np.log(found.value) - 0.8) < 3 * found.se
    assert found.se < 0.06


def test_patients_are_clusters():
    rng = np.random.default_rng(1)
    values = rng.integers(1, 6, (2, 1, 40)).astype(float)
    tables = study_tables(rating_rows(values))
    twice = study_tables(rating_rows(values) + rating_rows(values, clip=2))
    one, two = (odds_ratio(t, t.items[0]).se for t in (tables, twice))
    assert two == pytest.approx(one, rel=0.03)  # the second clip says nothing new


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.full((2, 3, 5), 4.0), "one level was rated"),
        (np.stack([np.full((3, 5), np.nan), np.full((3, 5), 2.0)]), "Only one arm"),
        (np.array([[[1, 1, 2, 2, 1]] * 2, [[4, 4, 5, 4, 5]] * 2], float), "do not overlap"),
        (np.array([[[1, 2, 3]], [[2, 3, 1]]], float)[..., :1], "One patient"),
    ],
    ids=["one level", "one arm", "separated", "one patient"],
)
def test_no_odds_ratio_is_a_sentence(values, sentence):
    tables = study_tables(rating_rows(values))
    found = odds_ratio(tables, tables.items[0])
    assert found.value is None
    assert sentence in found.note
