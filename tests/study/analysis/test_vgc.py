"""The VGC area is the Mann-Whitney probability of each reader, and its curve encloses it."""

import numpy as np
import pytest
from rating_tables import rating_rows
from scipy import stats

from echogan.study.analysis.tables import study_tables
from echogan.study.analysis.vgc import vgc_area, vgc_curve


def drawn(readers: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(np.round(rng.normal([[[3.0]], [[3.6]]], 1, (2, readers, 25))), 1, 5)


def test_the_area_is_mann_whitneys_of_each_reader():
    values = drawn(4)
    values[0, 1, :6] = np.nan
    tables = study_tables(rating_rows(values))
    expected = []
    for j in range(4):
        o, e = (arm[j][~np.isnan(arm[j])] for arm in values)
        expected.append(stats.mannwhitneyu(e, o).statistic / (len(e) * len(o)))
    found = vgc_area(tables, tables.items[0])
    assert found.value == pytest.approx(np.mean(expected))
    assert found.low < found.value < found.high


def test_the_curve_of_one_reader_encloses_the_area():
    tables = study_tables(rating_rows(drawn(1)))
    original, enhanced = vgc_curve(tables, tables.items[0])
    assert (original[0], enhanced[0], original[-1], enhanced[-1]) == (
        0,
        0,
        pytest.approx(1),
        pytest.approx(1),
    )
    assert np.trapezoid(enhanced, original) == pytest.approx(vgc_area(tables, tables.items[0]).value)


def test_equal_arms_have_half():
    values = np.stack([drawn(3)[0]] * 2)
    tables = study_tables(rating_rows(values))
    assert vgc_area(tables, tables.items[0]).value == pytest.approx(0.5)


def test_one_arm_is_a_sentence():
    values = drawn(3)
    values[0] = np.nan
    tables = study_tables(rating_rows(values))
    assert vgc_area(tables, tables.items[0]).note == "Nothing to compare."
