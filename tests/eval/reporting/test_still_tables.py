"""The tables of real stills have the values of the result; an older result of one view is not measured yet."""

import numpy as np

from eval.camus.still_scores import summarise
from eval.reporting import still_tables

MEASURES = [measure for measure, *_ in still_tables.GRADED]


def result() -> dict:
    names = [f"p{k // 2}" for k in range(8)]
    table = {
        row: {m: np.full(8, value) for m in MEASURES} for row, value in {"input": 0.5, "ours": 0.525}.items()
    }
    sets = {
        prefix + s: summarise(table, names)
        for _, prefix in still_tables.VIEW_PREFIXES
        for s in still_tables.SETS
    }
    return {
        "sets": sets,
        "models": [{"name": "ours"}],
        "grade_classifier": {"auc": {"4CH": 0.956, "both": 0.9}},
    }


def test_gains_are_printed_in_their_units():
    text = still_tables.grade_measures(result())
    assert "| P(good) | 0.500 | 0.500 | +0.025 [+0.025, +0.025] |" in text
    assert "| border contrast, % of the grey range | 50.00 | 50.00 | +2.50 [+2.50, +2.50] |" in text
    assert "4CH 0.96" in text
    views = still_tables.views(result())
    assert views.count("+2.50 [+2.50, +2.50]") == 3 * 4
    assert "| ours, two-chamber |" in views


def test_a_result_of_one_view_is_not_measured_yet():
    assert "Not measured yet" in still_tables.views({"sets": {"Poor": {}}})
    assert "Not measured yet" in still_tables.grade_measures({"sets": {"Poor": {}}})


def test_the_retrained_segmenter_and_the_grades():
    gain = {"mean": -0.004, "low": -0.01, "high": 0.002}
    found = {"gain": dict.fromkeys(("dice", "dice LV", "dice myocardium", "dice LA"), gain)}
    text = still_tables.retrained_segmenter({"sets": {"Poor": {"ours": found}}, "others": [{"name": "ours"}]})
    assert text.count("-0.40 [-1.00, +0.20]") == 4
    assert "| Poor, mean | Poor, LV |" in text
    means = {grade: {"mean": 0.1} for grade in ("Good", "Medium", "Poor")}
    row = means | {"rho": {"mean": 0.35, "low": 0.26, "high": 0.43}}
    view = {"stills": {"Poor": 94}, "measures": {"border_contrast": row}}
    assert "| 2CH: border contrast | 0.100 | 0.100 | 0.100 | +0.35 [+0.26, +0.43] |" in still_tables.grades(
        {"views": {"2CH": view}}
    )
